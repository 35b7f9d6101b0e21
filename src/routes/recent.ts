/**
 * What was found lately, up to a bound, in two generations: when the young one is full it becomes the old one, and what
 * the old one had is forgotten. What is asked for becomes young again, so a flood of new keys displaces what nobody asks
 * for, and not everything at once.
 */
export class Recent<K, V extends {}> {
  readonly #max: number
  #young: Map<K, V> = new Map()
  #old: Map<K, V> = new Map()

  /** At most so many in each generation. */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#max) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
