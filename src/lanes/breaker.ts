/**
 * Stops attempts at something that fails again and again, so that a push learns at once what it would learn after a
 * timeout. After `cooldown` one probe is let through; its end decides.
 *
 *     closed ── failures in a row ──▶ open ── cooldown ──▶ half open (one probe)
 *       ▲                              ▲                     │
 *       └──────────── success ─────────┼── failure ──────────┘
 */
export interface BreakerPolicy {
  /** Failures in a row that open it; 0 means never. */
  readonly failures: number
  readonly cooldownMs: number
}

/** An attempt under way: the probe, or one of many. */
export type Trial = 'probe' | 'usual'

export class Breaker {
  readonly #policy: BreakerPolicy
  readonly #now: () => number
  #failures = 0
  #openUntil = 0
  #probing = false

  constructor(policy: BreakerPolicy, now: () => number) {
    this.#policy = policy
    this.#now = now
  }

  get open(): boolean {
    return this.#openUntil > 0
  }

  /** Milliseconds until a probe may go; 0 where an attempt may be made now. Asking changes nothing. */
  get waitMs(): number {
    if (!this.open) return 0
    const left = this.#openUntil - this.#now()
    if (left > 0) return left
    return this.#probing ? this.#policy.cooldownMs : 0
  }

  /** Called before an attempt that `waitMs` allowed; in the half-open state it is the probe. */
  attempting(): Trial {
    if (!this.open) return 'usual'
    this.#probing = true
    return 'probe'
  }

  succeeded(): void {
    this.#failures = 0
    this.#openUntil = 0
    this.#probing = false
  }

  failed(): void {
    this.#probing = false
    this.#failures++
    if (this.#policy.failures > 0 && this.#failures >= this.#policy.failures) {
      this.#openUntil = this.#now() + this.#policy.cooldownMs
    }
  }

  /** An attempt that ended without telling anything of the other side. Only the probe makes room for another probe. */
  ended(trial: Trial): void {
    if (trial === 'probe') this.#probing = false
  }
}
