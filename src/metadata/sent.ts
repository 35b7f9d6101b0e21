/**
 * Metadata that a store of 1.0 has got not long ago. A sender of 2.0 says with each series what family it belongs to; in
 * 1.0 that is a message of its own, and once in a while is enough.
 */
import { createHash } from 'node:crypto'
import { keyOfFamily } from '../split/family.ts'
import type { Family } from '../split/split.ts'
import type { TenantId } from '../tenant.ts'

export interface SentPolicy {
  readonly intervalMs: number
  readonly maxSent: number
}

/** Longer texts are known by their hash: a help text may be as long as a push. */
const KEY_CHARACTERS = 200

export class Sent {
  readonly #policy: SentPolicy
  /** When each was sent, the oldest first. */
  readonly #sent: Map<string, number> = new Map()

  constructor(policy: SentPolicy) {
    this.#policy = policy
  }

  get size(): number {
    return this.#sent.size
  }

  /** By all that it says: a family whose text changes is another one, and goes at once. */
  isDue(tenant: TenantId, family: Family, now: number): boolean {
    const at = this.#sent.get(keyOf(tenant, family))
    return at === undefined || now - at >= this.#policy.intervalMs
  }

  /** It was stored, and sent at that time. */
  note(tenant: TenantId, family: Family, at: number): void {
    const key = keyOf(tenant, family)
    this.#sent.delete(key)
    this.#sent.set(key, at)
    if (this.#sent.size <= this.#policy.maxSent) return
    const [oldest] = this.#sent.keys()
    this.#sent.delete(oldest as string)
  }

  sweep(now: number): void {
    for (const [key, at] of this.#sent) {
      if (now - at < this.#policy.intervalMs) return
      this.#sent.delete(key)
    }
  }
}

function keyOf(tenant: TenantId, family: Family): string {
  // No tenant has a space in it.
  const key = `${tenant} ${keyOfFamily(family)}`
  return key.length <= KEY_CHARACTERS ? key : createHash('sha256').update(key).digest('base64')
}
