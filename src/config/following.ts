/** Looks after all files that the configuration names: at intervals, and at once when there is a reason to. */
import { every } from '../clock.ts'
import type { FollowedFile } from '../schema/followed-file.ts'

type Followed = Pick<FollowedFile, 'key' | 'path' | 'refresh'>

export interface FollowingOptions {
  /** Asked each time: they come and go with the configuration. */
  readonly files: () => readonly Followed[]
  readonly intervalMs: number
  readonly changed: (file: Followed) => void
  /** Told once for each distinct failure in a row; the old content is used on. */
  readonly failed: (file: Followed, error: Error) => void
  readonly now?: () => number
}

/** A reason that comes with each request (the store refuses our password) costs no more than so many reads. */
const SOON_MS = 1000

export class Following {
  readonly #options: FollowingOptions
  readonly #now: () => number
  /** Files come and go with stores. */
  readonly #failures: WeakMap<Followed, string> = new WeakMap()
  #running: Promise<void> | undefined
  #lastAt = Number.NEGATIVE_INFINITY

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Reads them at intervals until it is disposed. */
  watch(): Disposable {
    return every(this.#options.intervalMs, () => void this.refresh())
  }

  /** There is a reason to believe that a file changed: reads all now, but not more often than once a second. */
  refreshSoon(): void {
    if (this.#now() - this.#lastAt >= SOON_MS) void this.refresh()
  }

  /** Reads all again, one round at a time. Never rejects. */
  refresh(): Promise<void> {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #round(): Promise<void> {
    this.#lastAt = this.#now()
    await Promise.all(this.#options.files().map(file => this.#refresh(file)))
  }

  async #refresh(file: Followed): Promise<void> {
    try {
      const changed = await file.refresh()
      this.#failures.delete(file)
      if (changed) this.#options.changed(file)
    } catch (error) {
      const failure = error as Error
      if (this.#failures.get(file) === failure.message) return
      this.#failures.set(file, failure.message)
      this.#options.failed(file, failure)
    }
  }
}
