/**
 * Requests that may be under way to one upstream, each of which has a connection, shared fairly: a free slot goes to the
 * lane whose turn it is, not to whoever has the most requests waiting, and one lane holds at most its part. So a tenant
 * that hangs keeps its own connections busy and nobody else's.
 *
 *     ring:   lane A ─▶ lane B ─▶ lane C ─▶ (A again, if it still waits)
 *     parked: lanes that wait and hold their part already; they join the ring's end when they give one back
 */
export interface SlotLimits {
  readonly max: number
  /** Most that one lane may hold; at least 1. */
  readonly maxPerLane: number
}

/** What a lane has here. Made by the lane and kept by it, so that nothing is looked up on the way of a share. */
export class Claim {
  held = 0
  readonly waiting: (() => void)[] = []
}

export class Slots {
  readonly limits: SlotLimits
  #taken = 0
  #waiting = 0
  /** Lanes that wait and may have one more, in turn; insertion order is the turn. */
  readonly #ring: Set<Claim> = new Set()
  #granting = false

  constructor(limits: SlotLimits) {
    this.limits = limits
  }

  get taken(): number {
    return this.#taken
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#waiting
  }

  /** Calls `granted` when the lane may use one slot: at once if there is one. Whoever was granted one gives it back. */
  take(claim: Claim, granted: () => void): void {
    if (this.#taken < this.limits.max && claim.held < this.limits.maxPerLane) {
      this.#taken++
      claim.held++
      granted()
      return
    }
    claim.waiting.push(granted)
    this.#waiting++
    if (claim.held < this.limits.maxPerLane) this.#ring.add(claim)
  }

  give(claim: Claim): void {
    if (claim.held === 0) throw new Error('BUG: a slot is given back that was not taken')
    this.#taken--
    claim.held--
    if (claim.waiting.length > 0) this.#ring.add(claim)
    this.#next()
  }

  /**
   * Not by recursion: a lane whose shares were withdrawn gives its connection back while it is granted, and thousands of
   * such lanes may stand in the ring behind one another.
   */
  #next(): void {
    if (this.#granting || this.#ring.size === 0) return
    this.#granting = true
    try {
      for (const claim of this.#ring) {
        if (this.#taken >= this.limits.max) return
        this.#ring.delete(claim)
        const granted = claim.waiting.shift()
        if (granted === undefined) continue
        this.#waiting--
        this.#taken++
        claim.held++
        // Its next one waits for its turn again, behind all others.
        if (claim.waiting.length > 0 && claim.held < this.limits.maxPerLane) this.#ring.add(claim)
        granted()
      }
    } finally {
      this.#granting = false
    }
  }
}
