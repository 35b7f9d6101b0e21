/**
 * What an AbortController does, for one listener: a batch has one, and there are thousands of batches a second, each of
 * which would pay for an EventTarget that nearly none of them uses.
 */
export class Cancellation {
  #reason: Error | undefined
  #listener: (() => void) | undefined

  /** Undefined while it goes on. */
  get reason(): Error | undefined {
    return this.#reason
  }

  get cancelled(): boolean {
    return this.#reason !== undefined
  }

  /** A second call changes nothing. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listener = this.#listener
    this.#listener = undefined
    listener?.()
  }

  /** Calls `listener` when it is cancelled, in place of an earlier listener; not if it was cancelled before. */
  listen(listener: (() => void) | undefined): void {
    this.#listener = listener
  }
}
