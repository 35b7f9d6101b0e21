/**
 * Lanes that want a connection get it at the end of the event loop's turn, all together. An idle process loses nothing by
 * that. A busy one takes in several pushes in one turn, and their shares for a tenant then leave in one request instead
 * of the first alone (`npm run bench -- load --senders 8 --tenants 100`).
 */
export class Departures {
  #waiting: (() => void)[] = []

  /** Calls `depart` when what this turn brought is queued. */
  atTurnsEnd(depart: () => void): void {
    if (this.#waiting.push(depart) === 1) setImmediate(this.#departAll)
  }

  readonly #departAll = (): void => {
    const departing = this.#waiting
    this.#waiting = []
    for (const depart of departing) depart()
  }
}
