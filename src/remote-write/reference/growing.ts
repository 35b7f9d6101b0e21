import { Fault } from '../../wire/fault.ts'
import { varintBytes } from '../../wire/protobuf.ts'

/**
 * Bytes that are written one behind the other, up to a bound. A converted message can be far longer than what it is
 * made of, since every reference to a string becomes that string, so the bound is looked at before each step.
 */
export class Growing {
  readonly #max: number
  #bytes = new Uint8Array(256)
  #length = 0

  constructor(max: number) {
    this.#max = max
  }

  get length(): number {
    return this.#length
  }

  /** How much more may be written. */
  get left(): number {
    return this.#max - this.#length
  }

  /** Throws the Fault `split_output_too_large` where the bound would be passed. */
  raw(bytes: Uint8Array): void {
    // The bound is the push's as a whole, so there is no position to name.
    if (bytes.length > this.left) {
      throw new Fault('split_output_too_large', 0, 'the shares together take more than the limit')
    }
    const length = this.#length + bytes.length
    if (length > this.#bytes.length) {
      const longer = new Uint8Array(Math.max(length, 2 * this.#bytes.length))
      longer.set(this.#bytes)
      this.#bytes = longer
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = length
  }

  /** A tag or a value. */
  varint(value: number): void {
    this.raw(varintBytes(value))
  }

  /** A field of wire type LEN. */
  len(tag: number, contents: Uint8Array): void {
    this.varint(tag)
    this.varint(contents.length)
    this.raw(contents)
  }

  /** What was written; not a copy. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}
