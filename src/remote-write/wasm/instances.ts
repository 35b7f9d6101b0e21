/**
 * The instances of the kernel that one engine has: one for every day, which never grows beyond KEEP_BYTES, and one
 * for a push that does not fit in there.
 *
 * Memory of WASM never shrinks, and V8 does not count it: that of an instance that is dropped stays until V8 happens to
 * collect all that is old. So the large one is not replaced after its push; it is held weakly and taken again as long as
 * it is there. However many hostile pushes come, there is one large memory for each engine, and when no more come, the
 * next collection gives it back.
 */
import type { Kernel } from './kernel.ts'
import { KEEP_BYTES, Outgrown } from './memory.ts'

export class Instances {
  readonly everyday: Kernel
  readonly #start: () => Kernel
  #large: WeakRef<Kernel> | undefined

  constructor(start: () => Kernel) {
    this.#start = start
    this.everyday = start()
    this.everyday.memory.startOver(KEEP_BYTES)
  }

  /**
   * Runs `work` on the instance for every day; where that is outgrown, once more from the beginning, on the large one.
   * `work` must not keep what it is given.
   */
  run<T>(work: (kernel: Kernel) => T): T {
    try {
      return work(this.everyday)
    } catch (error) {
      if (!(error instanceof Outgrown)) throw error
    }
    const large = this.#large?.deref() ?? this.#start()
    this.#large = new WeakRef(large)
    // Else arenas that were large for one push would leave no room for others of the next; and what a push touches lies
    // where those before it have touched pages.
    large.memory.startOver(Number.POSITIVE_INFINITY)
    // Only when there is a large one: whoever uses the other believes that the rules still stand in it.
    this.everyday.memory.startOver(KEEP_BYTES)
    return work(large)
  }
}
