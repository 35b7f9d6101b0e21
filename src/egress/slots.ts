/**
 * A bounded number of places, given in the order of asking. The attempt's clock starts when a place is there, so a
 * busy pool does not look like a slow store.
 */
export class Slots {
  readonly max: number
  #taken = 0
  readonly #waiting: Set<() => void> = new Set()

  constructor(max: number) {
    this.max = max
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Runs `work` in a place of its own; rejects with the signal's reason where that comes first. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(signal)
    try {
      return await work()
    } finally {
      this.#give()
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#taken < this.max) {
      this.#taken++
      return
    }
    await new Promise<void>((resolve, reject) => {
      const given = () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
      const aborted = () => {
        this.#waiting.delete(given)
        reject(signal.reason)
      }
      this.#waiting.add(given)
      signal.addEventListener('abort', aborted, { once: true })
    })
  }

  /** Hands the place to whoever waits longest, or frees it. */
  #give(): void {
    for (const given of this.#waiting) {
      this.#waiting.delete(given)
      given()
      return
    }
    this.#taken--
  }
}
