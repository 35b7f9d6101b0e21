import { type Field, fields } from '../../wire/protobuf.ts'

/** Parts of one buffer, kept as positions: a million of them cost megabytes, not hundreds. Borrows the buffer. */
export class Slices {
  readonly #bytes: Uint8Array
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  add(start: number, end: number): void {
    this.#starts.push(start)
    this.#ends.push(end)
  }

  get count(): number {
    return this.#starts.length
  }

  /** `index` must be below `count`. */
  get(index: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[index], this.#ends[index])
  }

  /** All of them one behind the other, fresh. */
  joined(): Uint8Array {
    let length = 0
    for (let i = 0; i < this.count; i++) length += this.get(i).length
    const joined = new Uint8Array(length)
    let end = 0
    for (let i = 0; i < this.count; i++) {
      joined.set(this.get(i), end)
      end += this.get(i).length
    }
    return joined
  }
}

/** Of a message that stands in `bytes`: its fields but for those of one number, as they came; fresh. */
export function without(bytes: Uint8Array, message: Field, number: number): Uint8Array {
  const kept = new Slices(bytes)
  for (const field of fields(bytes, message.start, message.end)) {
    if (field.number !== number) kept.add(field.at, field.end)
  }
  return kept.joined()
}
