/**
 * The wire format of protobuf, read strictly. protobufjs's Reader reads the varints; every bound is checked here,
 * because that Reader takes groups, field 0 and over-long values in places.
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
import protobuf from 'protobufjs/minimal.js'
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
  const reader = readerOf(bytes, start, end)
  while (reader.pos < end) {
    const at = reader.pos
    const tag = readVarint(reader, 'a tag that is cut off or too long')
    const type = tag.low & 7
    const number = (tag.low >>> 0) >>> 3
    if (tag.high !== 0 || number === 0) throw malformed(at, 'a field number that can not be')
    if (type === VARINT) {
      const valueAt = reader.pos
      const value = readVarint(reader, 'a varint that is cut off or too long')
      yield { number, type, at, start: valueAt, end: reader.pos, uint32: value.low >>> 0 }
    } else if (type === FIXED64 || type === FIXED32) {
      const valueAt = reader.pos
      const valueEnd = valueAt + (type === FIXED64 ? 8 : 4)
      if (valueEnd > end) throw malformed(valueAt, 'a fixed value that is cut off')
      reader.pos = valueEnd
      yield { number, type, at, start: valueAt, end: valueEnd, uint32: 0 }
    } else if (type === LEN) {
      const lengthAt = reader.pos
      const length = readVarint(reader, 'a length that is cut off or too long')
      if (length.high !== 0 || length.low >>> 0 > end - reader.pos) {
        throw malformed(lengthAt, 'a length past the end of its parent')
      }
      const valueAt = reader.pos
      reader.pos = valueAt + (length.low >>> 0)
      yield { number, type, at, start: valueAt, end: reader.pos, uint32: 0 }
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
  const reader = readerOf(bytes, field.start, field.end)
  while (reader.pos < field.end) {
    yield readVarint(reader, 'a varint that is cut off or too long').low >>> 0
  }
}

/** The shortest varint. */
export function varintBytes(value: number): Uint8Array {
  return protobuf.Writer.create().uint32(value).finish()
}

/** Returns the pieces joined, or undefined if they are more than `maxBytes`; nothing is allocated then. */
export function concat(pieces: readonly Uint8Array[], maxBytes: number): Uint8Array | undefined {
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

function readerOf(bytes: Uint8Array, start: number, end: number): protobuf.Reader {
  const reader = protobuf.Reader.create(bytes)
  reader.pos = start
  reader.len = end
  return reader
}

function readVarint(reader: protobuf.Reader, detail: string): { low: number; high: number } {
  const at = reader.pos
  const first = at < reader.len ? (reader.buf[at] as number) : 0x80
  if (first < 0x80) {
    // Nearly all of them, and without an object of 64 bits.
    reader.pos++
    return { low: first, high: 0 }
  }
  try {
    const value = reader.uint64()
    // The tenth byte holds one bit; the Reader cuts off what stands above it.
    if (reader.pos - at < 10 || (reader.buf[reader.pos - 1] as number) <= 1) return value
  } catch {
    // Cut off, or an eleventh byte.
  }
  throw malformed(at, detail)
}

function malformed(at: number, detail: string): Fault {
  return new Fault('protobuf_malformed', at, detail)
}
