/**
 * Metadata that a store of 1.0 has got not long ago. A sender of 2.0 says with each series what family it belongs to; in
 * 1.0 that is a message of its own, and once in a while is enough.
 */
import { createHash } from 'node:crypto'
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

/** Most descriptions of one family that are noted for a tenant at its store; the oldest makes room. */
const DESCRIPTIONS = 8
/** Longer texts are known by their hash: a help text may be as long as a push. */
const KEPT_CHARACTERS = 1000

export class Sent {
  readonly #policy: SentPolicy
  /** By the tenant at its store, and by family; of that as often as senders describe it differently. */
  readonly #places: Map<string, Map<string, Note[]>> = new Map()
  #size = 0
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(policy: SentPolicy) {
    this.#policy = policy
  }

  get size(): number {
    return this.#size
  }

  /** By all that it says: a family whose text changes is another one, and goes at once. */
  isDue(place: string, family: Family, now: number): boolean {
    const note = this.#find(place, family)
    return note === undefined || now - note.at >= this.#policy.intervalMs
  }

  /** It was stored, and sent at that time. */
  note(place: string, family: Family, at: number): void {
    const before = this.#find(place, family)
    if (before !== undefined) {
      before.at = at
      return
    }
    const { name, type, help, unit } = family
    const note = { type, help: kept(help), unit: kept(unit), at }
    const others = this.#places.get(place)?.get(name) ?? []
    if (others.length >= DESCRIPTIONS) {
      others.shift()
      others.push(note)
      return
    }
    if (this.#size >= this.#policy.maxSent) return
    const families = this.#places.get(place) ?? new Map<string, Note[]>()
    this.#places.set(place, families)
    families.set(name, [...others, note])
    this.#size++
  }

  /** Forgets what is due anyway. Looks through all of them, so not more often than anything can be due. */
  sweep(now: number): void {
    if (now - this.#sweptAt < this.#policy.intervalMs / 2) return
    this.#sweptAt = now
    for (const [place, families] of this.#places) {
      for (const [name, notes] of families) {
        const live = notes.filter(({ at }) => now - at < this.#policy.intervalMs)
        if (live.length === notes.length) continue
        this.#size -= notes.length - live.length
        if (live.length === 0) families.delete(name)
        else families.set(name, live)
      }
      if (families.size === 0) this.#places.delete(place)
    }
  }

  #find(place: string, { name, type, help, unit }: Family): Note | undefined {
    const notes = this.#places.get(place)?.get(name)
    if (notes === undefined) return undefined
    const [wanted, of] = [kept(help), kept(unit)]
    return notes.find(note => note.type === type && note.help === wanted && note.unit === of)
  }
}

function kept(text: string): string {
  return text.length <= KEPT_CHARACTERS ? text : createHash('sha256').update(text).digest('base64')
}
