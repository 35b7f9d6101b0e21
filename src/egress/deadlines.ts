/**
 * One timer for all who wait equally long: thousands of requests begin in a second, and nearly none runs into its deadline.
 */
export interface Expiring {
  expired(): void
}

export class Deadlines {
  readonly #waitMs: number
  /** When each is due; who came first is due first. */
  readonly #due: Map<Expiring, number> = new Map()
  #timer: NodeJS.Timeout | undefined

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  /** Calls `expired` when the time is over, unless it is deleted before. */
  add(expiring: Expiring): void {
    this.#due.set(expiring, performance.now() + this.#waitMs)
    if (this.#timer === undefined) this.#wake(this.#waitMs)
  }

  delete(expiring: Expiring): void {
    this.#due.delete(expiring)
  }

  #wake(ms: number): void {
    // Whoever waits has a connection open, which keeps the process.
    this.#timer = setTimeout(this.#look, ms).unref()
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const [expiring, due] of this.#due) {
      if (due > now) {
        this.#wake(due - now)
        return
      }
      this.#due.delete(expiring)
      expiring.expired()
    }
  }
}
