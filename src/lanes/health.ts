/**
 * How the store does for one tenant: whether an attempt is worth it now (its breaker, and the one of the whole store),
 * and since when it fails, which the tenant's failure policy goes by.
 */

import { localVerdict, type Verdict } from '../share/verdict.ts'
import { Breaker, type BreakerPolicy, type Trial } from './breaker.ts'

export interface HealthPolicy {
  readonly breaker: BreakerPolicy
  /** How long the store may fail before this tenant's shares are given up; undefined leaves them with their senders. */
  readonly shedAfterMs: number | undefined
}

/** An attempt under way, for both breakers. */
export interface Trials {
  readonly tenant: Trial
  readonly store: Trial
}

export class Health {
  readonly #policy: HealthPolicy
  readonly #store: Breaker
  readonly #now: () => number
  readonly #breaker: Breaker
  #failingSince = 0

  constructor(policy: HealthPolicy, store: Breaker, now: () => number) {
    this.#policy = policy
    this.#store = store
    this.#now = now
    this.#breaker = new Breaker(policy.breaker, now)
  }

  get breakerOpen(): boolean {
    return this.#breaker.open
  }

  /** Whether it must be remembered although nothing is sent: a sender may take longer between two tries than a lane is kept. */
  get sheds(): boolean {
    return this.#policy.shedAfterMs !== undefined && this.#failingSince > 0
  }

  /** Milliseconds until an attempt may be made; 0 now. */
  get waitMs(): number {
    if (!this.#breaker.open && !this.#store.open) return 0
    return Math.max(this.#breaker.waitMs, this.#store.waitMs)
  }

  attempting(): Trials {
    const tenant = this.#breaker.attempting()
    const store = this.#store.attempting()
    return tenant === 'usual' && store === 'usual' ? USUAL : { tenant, store }
  }

  /** Returns whether this opened the tenant's breaker. */
  attempted(verdict: Verdict, { tenant, store }: Trials): boolean {
    if (verdict.kind !== 'unreachable') {
      this.#breaker.succeeded()
      this.#store.succeeded()
      this.#failingSince = 0
      return false
    }
    if (verdict.cause === 'cancelled') {
      this.#breaker.ended(tenant)
      this.#store.ended(store)
      return false
    }
    if (this.#failingSince === 0) this.#failingSince = this.#now()
    const wasOpen = this.#breaker.open
    this.#breaker.failed()
    // One tenant's 503, reset or hanging says nothing of the others; a port where nobody listens does.
    if (verdict.cause === 'connect' || verdict.cause === 'unconnected') this.#store.failed()
    else if (verdict.cause === 'timeout') this.#store.ended(store)
    else this.#store.succeeded()
    return !wasOpen && this.#breaker.open
  }

  /** What a share that is not tried now ends in. */
  get refusal(): Verdict {
    return localVerdict('the store failed again and again; it is tried again soon', this.waitMs)
  }

  /** The verdict that gives a share up, where it has failed for too long for this tenant; else undefined. */
  shed(verdict: Verdict): Verdict | undefined {
    const { shedAfterMs } = this.#policy
    if (shedAfterMs === undefined || verdict.kind !== 'unreachable' || verdict.cause === 'cancelled')
      return undefined
    const failedMs = this.#now() - this.#failingSince
    if (this.#failingSince === 0 || failedMs < shedAfterMs) return undefined
    const seconds = Math.round(failedMs / 1000)
    const reason = `shed by tenant_failure.shed: the store has failed for this tenant for ${seconds} s`
    return { kind: 'rejected', status: 0, reason, refusal: false, written: verdict.written }
  }
}

const USUAL: Trials = { tenant: 'usual', store: 'usual' }
