/**
 * The newest samples of one series, in order of time. Values are kept as the 64 bits that came in, because a stale
 * marker is a NaN that only its bits tell from the others.
 */

/** The NaN that ends a series. Source: Prometheus, `model/value`, StaleNaN. */
const STALE_MARKER = 0x7ff0_0000_0000_0002n

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The float64 as its bits. */
  readonly bits: bigint
}

export const isStale = (sample: Sample): boolean => sample.bits === STALE_MARKER

export function numberOf(sample: Sample): number {
  SCRATCH.setBigUint64(0, sample.bits)
  return SCRATCH.getFloat64(0)
}

const SCRATCH = new DataView(new ArrayBuffer(8))

/** A ring that grows up to `capacity`; then the oldest sample falls out for each new one. */
export class Samples {
  readonly #capacity: number
  #times = new Float64Array(4)
  #bits = new BigUint64Array(4)
  #first = 0
  #length = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get length(): number {
    return this.#length
  }

  get oldest(): Sample | undefined {
    return this.#at(0)
  }

  get newest(): Sample | undefined {
    return this.#at(this.#length - 1)
  }

  /** The last sample that is not younger than `time`. */
  before(time: number): Sample | undefined {
    for (let i = this.#length - 1; i >= 0; i--) {
      const sample = this.#at(i)
      if (sample !== undefined && sample.time <= time) return sample
    }
    return undefined
  }

  /** The caller sees to the order. */
  add(sample: Sample): void {
    if (this.#length === this.#times.length && this.#length < this.#capacity) this.#grow()
    const size = this.#times.length
    const slot = (this.#first + this.#length) % size
    this.#times[slot] = sample.time
    this.#bits[slot] = sample.bits
    if (this.#length < size) this.#length++
    else this.#first = (this.#first + 1) % size
  }

  #at(index: number): Sample | undefined {
    if (index < 0 || index >= this.#length) return undefined
    const slot = (this.#first + index) % this.#times.length
    return { time: this.#times[slot] as number, bits: this.#bits[slot] as bigint }
  }

  /** Only a ring that never wrapped grows, so its samples stand at the front. */
  #grow(): void {
    const size = Math.min(this.#capacity, this.#times.length * 4)
    const times = new Float64Array(size)
    const bits = new BigUint64Array(size)
    times.set(this.#times)
    bits.set(this.#bits)
    this.#times = times
    this.#bits = bits
  }
}
