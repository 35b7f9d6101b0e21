/**
 * Remembers how a push that failed came out for each of its tenants, so that the sender's retry, which is byte for byte
 * the same, reaches only the tenants that still miss it, and joins its own shares that are still in flight. Nothing
 * depends on it: without it, or after it forgot, a retry sends everything again, as it would without us.
 *
 * It is written only when a push fails, and a body is hashed only when one of its length is remembered: the common case
 * costs a look into a small map.
 */
import { createHash } from 'node:crypto'
import type { Gauge } from '../gauge.ts'
import type { Verdict } from '../share/verdict.ts'
import type { QueuedShare } from './shipment.ts'

export interface MemoPolicy {
  readonly ttlMs: number
  /** 0 switches it off. */
  readonly maxBytes: number
}

/** What is known of each share, by its name: how it ended, or the promise of it where it still travels. */
export type Earlier = ReadonlyMap<string, Verdict | Promise<Verdict>>

/**
 * Tells a share from all others of its push, and what one store has from what another lacks: there is one of a kind for a
 * tenant. None of the parts has a space.
 */
export function nameOf({ share, destination }: Pick<QueuedShare, 'share' | 'destination'>): string {
  return `${destination.id} ${share.tenant} ${share.kind}`
}

interface Entry {
  readonly length: number
  readonly outcomes: Map<string, Verdict | Promise<Verdict>>
  readonly bytes: number
  expiresAt: number
}

/** Estimates of what an entry and a share in it take in memory, in bytes. */
const ENTRY_BYTES = 400
const SHARE_BYTES = 200

export class Memo {
  #policy: MemoPolicy
  readonly #now: () => number
  /** The least recently used first. */
  readonly #entries: Map<string, Entry> = new Map()
  /** How many entries there are of each body length. */
  readonly #lengths: Map<number, number> = new Map()
  #bytes = 0

  constructor(policy: MemoPolicy, now: () => number) {
    this.#policy = policy
    this.#now = now
  }

  /** Other numbers; what is beyond them is forgotten. */
  limit(policy: MemoPolicy): void {
    this.#policy = policy
    this.#shrink()
  }

  get gauges(): readonly Gauge[] {
    return [
      {
        name: 'memo_bytes',
        help: 'Memory of the retry memo, estimated.',
        read: () => this.bytes,
        limit: { key: 'memo.max_bytes', read: () => this.#policy.maxBytes },
      },
      { name: 'memo_pushes', help: 'Failed pushes in the retry memo.', read: () => this.size },
    ]
  }

  /** Whether anything is ever remembered, so that a body has to be kept until its push has ended. */
  get enabled(): boolean {
    return this.#policy.maxBytes > 0
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether it is worth asking, which the common case learns without a hash. */
  mayKnow(body: Uint8Array): boolean {
    return this.#lengths.has(body.length)
  }

  /** Undefined where nothing is known. `scope`: see `keyOf`. */
  recall(body: Uint8Array, scope: string): Earlier | undefined {
    if (!this.mayKnow(body)) return undefined
    const key = keyOf(body, scope)
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#delete(key, entry)
    if (entry.expiresAt <= this.#now()) return undefined
    entry.expiresAt = this.#now() + this.#policy.ttlMs
    this.#add(key, entry)
    return entry.outcomes
  }

  /** Called when the push failed. Borrows `body`. Delivered and finally rejected shares are kept, and those that still travel. */
  remember(
    body: Uint8Array,
    scope: string,
    shares: readonly QueuedShare[],
    earlier: Earlier | undefined,
  ): void {
    if (!this.enabled) return
    const outcomes = new Map(earlier)
    for (const queued of shares) {
      const { verdict, late } = queued
      if (late !== undefined) outcomes.set(nameOf(queued), late)
      else if (verdict !== undefined && isFinal(verdict)) outcomes.set(nameOf(queued), verdict)
    }
    if (outcomes.size === 0) return

    const key = keyOf(body, scope)
    const before = this.#entries.get(key)
    if (before !== undefined) this.#delete(key, before)
    const bytes = ENTRY_BYTES + outcomes.size * SHARE_BYTES
    const entry = { length: body.length, outcomes, bytes, expiresAt: this.#now() + this.#policy.ttlMs }
    this.#add(key, entry)
    for (const [name, outcome] of outcomes) {
      if (outcome instanceof Promise)
        void outcome.then(verdict => this.#arrived(outcomes, name, outcome, verdict))
    }
    this.#shrink()
  }

  /** Forgets what is too old; the rest of the bound is kept whenever something is added. */
  sweep(): void {
    const now = this.#now()
    for (const [key, entry] of this.#entries) if (entry.expiresAt <= now) this.#delete(key, entry)
  }

  #arrived(outcomes: Entry['outcomes'], name: string, promise: Promise<Verdict>, verdict: Verdict): void {
    if (outcomes.get(name) !== promise) return
    if (isFinal(verdict)) outcomes.set(name, verdict)
    else outcomes.delete(name)
  }

  #shrink(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#policy.maxBytes) return
      this.#delete(key, entry)
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
    this.#lengths.set(entry.length, (this.#lengths.get(entry.length) ?? 0) + 1)
  }

  #delete(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
    const left = (this.#lengths.get(entry.length) ?? 1) - 1
    if (left === 0) this.#lengths.delete(entry.length)
    else this.#lengths.set(entry.length, left)
  }
}

/** Throttled and unreachable shares go again; a delivered or rejected one would only come out the same. */
export function isFinal(verdict: Verdict): boolean {
  return (
    verdict.kind === 'delivered' || (verdict.kind === 'rejected' && !verdict.refusal && verdict.status !== 0)
  )
}

/**
 * `scope` is everything beside the body that decides what becomes of it: codec, protocol in and out, encoding, the rules
 * that it is split by; and whose it is: principal, path, prefix, the values of forwarded headers.
 */
function keyOf(body: Uint8Array, scope: string): string {
  return createHash('sha256').update(scope).update('\0').update(body).digest('base64')
}
