/**
 * The wire format of protobuf, read strictly: groups, field 0 and over-long values are malformed, which protobufjs's
 * Reader takes in places.
 *
 * A field is framed before anybody looks at what it means: tag, then length or value. `at` of a `protobuf_malformed`
 * is the position in the message of
 * - the first byte of the **tag** that is cut off, longer than 10 bytes, 2^32 or more, has field number 0 or a wire
 *   type other than 0, 1, 2, 5; also where the field is a known one with a wrong wire type;
 * - the first byte of the **length** that is cut off, longer than 10 bytes, or reaches past the end of its parent;
 * - the first byte of the **value** (varint or fixed) that is cut off or longer than 10 bytes.
 *
 * A varint need not be the shortest, tags and lengths included; it has at most 10 bytes and stays below 2^64.
 */
import { Fault } from './fault.ts'

export const VARINT = 0
export const FIXED64 = 1
export const LEN = 2
const FIXED32 = 5

export interface Field {
  readonly number: number
  readonly type: typeof VARINT | typeof FIXED64 | typeof LEN | typeof FIXED32
  /** Where the tag begins. */
  readonly at: number
  /** Where the value begins; in a LEN field that is behind the length. */
  readonly start: number
  readonly end: number
  /** The value of a VARINT field as a uint32: as in every decoder, the low 32 bits of a longer one. */
  readonly uint32: number
}

/** The fields of the message that stands in `bytes` from `start` to `end`, in their order. Throws a Fault. */
export function* fields(bytes: Uint8Array, start: number, end: number): Generator<Field> {
  const cursor = new Cursor(bytes, start, end)
  while (cursor.at < end) {
    const { at } = cursor
    const tag = cursor.varint('a tag that is cut off or too long')
    const type = tag & 7
    const number = tag >>> 3
    if (cursor.high !== 0 || number === 0) throw malformed(at, 'a field number that can not be')
    const valueAt = cursor.at
    if (type === VARINT) {
      const value = cursor.varint('a varint that is cut off or too long')
      yield { number, type, at, start: valueAt, end: cursor.at, uint32: value }
    } else if (type === FIXED64 || type === FIXED32) {
      const valueEnd = valueAt + (type === FIXED64 ? 8 : 4)
      if (valueEnd > end) throw malformed(valueAt, 'a fixed value that is cut off')
      cursor.at = valueEnd
      yield { number, type, at, start: valueAt, end: valueEnd, uint32: 0 }
    } else if (type === LEN) {
      const length = cursor.varint('a length that is cut off or too long')
      if (cursor.high !== 0 || length > end - cursor.at) {
        throw malformed(valueAt, 'a length past the end of its parent')
      }
      const from = cursor.at
      cursor.at = from + length
      yield { number, type, at, start: from, end: cursor.at, uint32: 0 }
    } else {
      throw malformed(at, 'a group or an unknown wire type')
    }
  }
}

/** For a field that the protocol knows: its wire type is one of these, or the message is malformed at its tag. */
export function expectType(field: Field, ...types: readonly Field['type'][]): void {
  if (!types.includes(field.type)) throw malformed(field.at, 'a known field with a wrong wire type')
}

/** The values of a repeated uint32 field, packed or not. */
export function* uint32s(bytes: Uint8Array, field: Field): Generator<number> {
  if (field.type === VARINT) {
    yield field.uint32
    return
  }
  const cursor = new Cursor(bytes, field.start, field.end)
  while (cursor.at < field.end) yield cursor.varint('a varint that is cut off or too long')
}

/** A uint32 as the shortest varint, fresh. */
export function varintBytes(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(128 + (rest % 128))
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** A field of wire type LEN: number, length, contents; in pieces, to be joined with others. */
export function lengthField(number: number, contents: Uint8Array): readonly Uint8Array[] {
  return [varintBytes(number * 8 + LEN), varintBytes(contents.length), contents]
}

/** Returns the pieces joined, or undefined if they are more than `maxBytes`; nothing is allocated then. */
export function concat(pieces: readonly Uint8Array[], maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length > maxBytes) return undefined
  const joined = new Uint8Array(length)
  let end = 0
  for (const piece of pieces) {
    joined.set(piece, end)
    end += piece.length
  }
  return joined
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Reads varints one behind the other. */
class Cursor {
  readonly #bytes: Uint8Array
  readonly #end: number
  at: number
  /** Bits 32 to 63 of the last varint. */
  high = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#end = end
    this.at = start
  }

  /** Returns the low 32 bits. */
  varint(detail: string): number {
    const from = this.at
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70 && this.at < this.#end; shift += 7) {
      const byte = this.#bytes[this.at++] as number
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        // The tenth byte holds one bit.
        if (shift === 63 && byte > 1) break
        this.high = high >>> 0
        return low >>> 0
      }
    }
    throw malformed(from, detail)
  }
}

function malformed(at: number, detail: string): Fault {
  return new Fault('protobuf_malformed', at, detail)
}
