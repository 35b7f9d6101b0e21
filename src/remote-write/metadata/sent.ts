/**
 * Metadata that a store of 1.0 has got not long ago. A sender of 2.0 says with each series what family it belongs to; in
 * 1.0 that is a message of its own, and once in a while is enough.
 */
import { createHash } from 'node:crypto'
import type { TenantId } from '../../tenant.ts'
import type { Family } from '../split.ts'

export interface SentPolicy {
  readonly intervalMs: number
  /** Beyond it nothing more is noted, so that it goes with every push. */
  readonly maxSent: number
}

/** What was said of a family. */
interface Note {
  readonly type: number
  readonly help: string
  readonly unit: string
  at: number
}

/** Most descriptions of one family that are noted for a tenant; the oldest makes room. */
const DESCRIPTIONS = 8
/** Longer texts are known by their hash: a help text may be as long as a push. */
const KEPT_CHARACTERS = 1000

export class Sent {
  readonly #policy: SentPolicy
  /** Of a family as often as senders describe it differently. */
  readonly #tenants: Map<TenantId, Map<string, Note[]>> = new Map()
  #size = 0
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(policy: SentPolicy) {
    this.#policy = policy
  }

  get size(): number {
    return this.#size
  }

  /** By all that it says: a family whose text changes is another one, and goes at once. */
  isDue(tenant: TenantId, family: Family, now: number): boolean {
    const note = this.#find(tenant, family)
    return note === undefined || now - note.at >= this.#policy.intervalMs
  }

  /** It was stored, and sent at that time. */
  note(tenant: TenantId, family: Family, at: number): void {
    const before = this.#find(tenant, family)
    if (before !== undefined) {
      before.at = at
      return
    }
    const { name, type, help, unit } = family
    const note = { type, help: kept(help), unit: kept(unit), at }
    const others = this.#tenants.get(tenant)?.get(name) ?? []
    if (others.length >= DESCRIPTIONS) {
      others.shift()
      others.push(note)
      return
    }
    if (this.#size >= this.#policy.maxSent) return
    const families = this.#tenants.get(tenant) ?? new Map<string, Note[]>()
    this.#tenants.set(tenant, families)
    families.set(name, [...others, note])
    this.#size++
  }

  /** Forgets what is due anyway. Looks through all of them, so not more often than anything can be due. */
  sweep(now: number): void {
    if (now - this.#sweptAt < this.#policy.intervalMs / 2) return
    this.#sweptAt = now
    for (const [tenant, families] of this.#tenants) {
      for (const [name, notes] of families) {
        const live = notes.filter(({ at }) => now - at < this.#policy.intervalMs)
        if (live.length === notes.length) continue
        this.#size -= notes.length - live.length
        if (live.length === 0) families.delete(name)
        else families.set(name, live)
      }
      if (families.size === 0) this.#tenants.delete(tenant)
    }
  }

  #find(tenant: TenantId, { name, type, help, unit }: Family): Note | undefined {
    const notes = this.#tenants.get(tenant)?.get(name)
    if (notes === undefined) return undefined
    const [wanted, of] = [kept(help), kept(unit)]
    return notes.find(note => note.type === type && note.help === wanted && note.unit === of)
  }
}

function kept(text: string): string {
  return text.length <= KEPT_CHARACTERS ? text : createHash('sha256').update(text).digest('base64')
}
