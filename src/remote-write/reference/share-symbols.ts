import protobuf from 'protobufjs/minimal.js'
import type { Slices } from './slices.ts'

const SYMBOL_TAG = 0x22

/** The string table of one share: what its series refer to, in order of the first reference, behind the empty string. */
export class ShareSymbols {
  readonly #symbols: Slices
  /** Reference in the push → reference in the share. */
  readonly #refs = new Map<number, number>()
  /** Length of what `write` returns. */
  bytes = 2

  constructor(symbols: Slices) {
    this.#symbols = symbols
  }

  /** Returns the share's reference for one of the push, which must lead somewhere. */
  refTo(ref: number): number {
    const { length } = this.#symbols.get(ref)
    if (length === 0) return 0
    const known = this.#refs.get(ref)
    if (known !== undefined) return known
    const fresh = this.#refs.size + 1
    this.#refs.set(ref, fresh)
    this.bytes += 1 + protobuf.Writer.create().uint32(length).pos + length
    return fresh
  }

  /** The records of Request.symbols. */
  write(): Uint8Array {
    const writer = protobuf.Writer.create().uint32(SYMBOL_TAG).bytes(new Uint8Array(0))
    for (const ref of this.#refs.keys()) writer.uint32(SYMBOL_TAG).bytes(this.#symbols.get(ref))
    return writer.finish()
  }
}
