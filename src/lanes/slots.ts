/**
 * The connections to one upstream, shared fairly: a free one goes to the lane whose turn it is, not to whoever has the
 * most requests waiting, and one lane holds at most its part. So a tenant that hangs keeps its own connections busy and
 * nobody else's.
 *
 *     ring:   lane A ─▶ lane B ─▶ lane C ─▶ (A again, if it still waits)
 *     parked: lanes that wait and hold their part already; they join the ring's end when they give one back
 */
export interface ConnectionLimits {
  readonly max: number
  /** Most that one lane may hold; at least 1. */
  readonly maxPerLane: number
}

/** What a lane has here. Made by the lane and kept by it, so that nothing is looked up on the way of a share. */
export class Account {
  held = 0
  readonly waiting: (() => void)[] = []
}

export class Connections {
  readonly limits: ConnectionLimits
  #taken = 0
  #waiting = 0
  /** Lanes that wait and may have one more, in turn; insertion order is the turn. */
  readonly #ring: Set<Account> = new Set()
  #granting = false

  constructor(limits: ConnectionLimits) {
    this.limits = limits
  }

  get taken(): number {
    return this.#taken
  }

  /** Requests that wait for a connection. */
  get waiting(): number {
    return this.#waiting
  }

  /** Calls `granted` when the lane may use one connection: at once if there is one. Whoever was granted one gives it back. */
  take(account: Account, granted: () => void): void {
    if (this.#taken < this.limits.max && account.held < this.limits.maxPerLane) {
      this.#taken++
      account.held++
      granted()
      return
    }
    account.waiting.push(granted)
    this.#waiting++
    if (account.held < this.limits.maxPerLane) this.#ring.add(account)
  }

  give(account: Account): void {
    if (account.held === 0) throw new Error('BUG: a connection is given back that was not taken')
    this.#taken--
    account.held--
    if (account.waiting.length > 0) this.#ring.add(account)
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
      for (const account of this.#ring) {
        if (this.#taken >= this.limits.max) return
        this.#ring.delete(account)
        const granted = account.waiting.shift()
        if (granted === undefined) continue
        this.#waiting--
        this.#taken++
        account.held++
        // Its next one waits for its turn again, behind all others.
        if (account.waiting.length > 0 && account.held < this.limits.maxPerLane) this.#ring.add(account)
        granted()
      }
    } finally {
      this.#granting = false
    }
  }
}
