/**
 * Lanes that want a connection get it at the end of the event loop's turn. An idle process loses nothing by that. A busy
 * one takes in several pushes in one turn, and their shares for a tenant then leave in one request instead of the first
 * alone (`npm run bench -- load --senders 8 --tenants 100`).
 *
 * Only so few leave in one turn; between two turns the answers of those before them are heard, and pushes taken in. So
 * there are no more requests under way than the store's latency asks for, and lanes leave with fuller batches: with 8
 * senders and 100 tenants, 6.3 to 7.2 shares in a request instead of 5.8, and of 4.6 with 32 a turn. Fewer than that make
 * the loop's own turns cost more than they spare.
 */
const PER_TURN = 6

export class Departures {
  #waiting: (() => void)[] = []
  /** How many of `#waiting` have left. */
  #departed = 0

  /** Calls `depart` when what this turn brought is queued, and those that asked before have left. */
  atTurnsEnd(depart: () => void): void {
    if (this.#waiting.push(depart) === 1) setImmediate(this.#departNext)
  }

  readonly #departNext = (): void => {
    const end = Math.min(this.#departed + PER_TURN, this.#waiting.length)
    while (this.#departed < end) (this.#waiting[this.#departed++] as () => void)()
    if (this.#departed === this.#waiting.length) {
      this.#waiting = []
      this.#departed = 0
      return
    }
    if (this.#departed >= MANY) {
      this.#waiting = this.#waiting.slice(this.#departed)
      this.#departed = 0
    }
    setImmediate(this.#departNext)
  }
}

/** The list is cut so seldom that cutting costs nothing. */
const MANY = 1024
