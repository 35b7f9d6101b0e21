/**
 * Snappy blocks: a varint with the length of the message, then elements, each a literal or a copy of what was decoded
 * before. https://github.com/google/snappy/blob/main/format_description.txt
 *
 * Slow and obvious, for what is rare; pushes and shares are the kernel's. snappyjs's decoder (0.7.0) can't be used for
 * what strangers send: it fills up a block that is too short with zeros, cuts one that is too long, allocates what a
 * header claims, and refuses a valid short literal with an explicit length near the end.
 */
import { Fault } from './fault.ts'
import { concat, varintBytes } from './protobuf.ts'

/** The varint that a block begins with: how long the message claims to be, and how many bytes say so. */
export interface SnappyClaim {
  readonly length: number
  readonly bytes: number
}

/**
 * Reads the claim before anything is allocated: at most five bytes, below 2^32, and not necessarily the shortest
 * (format_description.txt of google/snappy, section 1). Undefined where there is none.
 */
export function snappyClaim(block: Uint8Array): SnappyClaim | undefined {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) return undefined
    // The fifth byte holds bits 28 to 31; multiplication, because `<<` would make the sum negative.
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length <= 0xffffffff ? { length, bytes: i + 1 } : undefined
  }
  return undefined
}

/** Start of the framed format, which is another thing: a chunk of type 0xff, six bytes long, "sNaPpY". */
const FRAMED = Uint8Array.of(0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59)

/**
 * Returns the message fresh; borrows `body`. Throws a Fault: `decoded_too_large` before anything is allocated, or
 * `snappy_corrupt`, both with `at` as the position in `body`: 0 when the claimed length is at fault or the body is
 * framed, the first byte of the element that can't be, or the body's end when the message is not complete there.
 */
export function decodeSnappy(body: Uint8Array, maxDecodedBytes: number): Uint8Array {
  if (isFramed(body)) {
    throw new Fault('snappy_corrupt', 0, 'framed snappy, where one block is expected')
  }
  const claim = snappyClaim(body)
  if (claim === undefined) throw new Fault('snappy_corrupt', 0, 'no length at the start of the snappy block')
  const { length } = claim
  if (length > maxDecodedBytes) {
    throw new Fault('decoded_too_large', 0, 'the snappy block claims more than the limit')
  }
  const message = new Uint8Array(length)
  let produced = 0
  let at = claim.bytes
  while (at < body.length) {
    const element = readElement(body, at)
    if (element.length > length - produced) {
      throw new Fault('snappy_corrupt', at, 'more bytes than the snappy block claims')
    }
    if (element.offset === 0) {
      message.set(body.subarray(element.end - element.length, element.end), produced)
    } else {
      if (element.offset > produced) {
        throw new Fault('snappy_corrupt', at, 'a snappy copy from before the start')
      }
      // Byte by byte, because a copy may overlap what it produces.
      for (let i = produced; i < produced + element.length; i++) {
        message[i] = message[i - element.offset] as number
      }
    }
    produced += element.length
    at = element.end
  }
  if (produced < length) {
    throw new Fault('snappy_corrupt', body.length, 'fewer bytes than the snappy block claims')
  }
  return message
}

/** Whether the body is in the framed format: read as a block, it would be corrupt at some odd place. */
export function isFramed(body: Uint8Array): boolean {
  return FRAMED.every((byte, i) => body[i] === byte)
}

interface Element {
  /** Bytes that it produces. */
  readonly length: number
  /** How far back a copy begins; 0 for a literal, whose bytes are the last `length` before `end`. */
  readonly offset: number
  readonly end: number
}

function readElement(body: Uint8Array, at: number): Element {
  const tag = body[at] as number
  const high = tag >>> 2
  switch (tag & 3) {
    case 0: {
      const extra = high < 60 ? 0 : high - 59
      const length = 1 + (extra === 0 ? high : littleEndian(body, at, extra))
      const end = at + 1 + extra + length
      if (end > body.length) throw cutOff(at)
      return { length, offset: 0, end }
    }
    case 1:
      return copy(4 + (high & 7), (high >>> 3) * 256 + littleEndian(body, at, 1), at, 1)
    case 2:
      return copy(1 + high, littleEndian(body, at, 2), at, 2)
    default:
      return copy(1 + high, littleEndian(body, at, 4), at, 4)
  }
}

function copy(length: number, offset: number, at: number, bytes: number): Element {
  if (offset === 0) throw new Fault('snappy_corrupt', at, 'a snappy copy with offset 0')
  return { length, offset, end: at + 1 + bytes }
}

/** The number in the `count` bytes behind the tag at `at`. */
function littleEndian(body: Uint8Array, at: number, count: number): number {
  if (at + 1 + count > body.length) throw cutOff(at)
  let value = 0
  for (let i = 0; i < count; i++) value += (body[at + 1 + i] as number) * 2 ** (8 * i)
  return value
}

function cutOff(at: number): Fault {
  return new Fault('snappy_corrupt', at, 'a snappy element past the end of the block')
}

/** A block of literals: as long as the message and a little more, and almost free. Fresh; borrows `message`. */
export function storeSnappy(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [varintBytes(message.length)]
  for (let start = 0; start < message.length; start += LITERAL_BYTES) {
    const literal = message.subarray(start, start + LITERAL_BYTES)
    pieces.push(literalHead(literal.length), literal)
  }
  return concat(pieces, Number.POSITIVE_INFINITY) as Uint8Array<ArrayBuffer>
}

const LITERAL_BYTES = 65_536

/** The shortest one: snappyjs, for one, refuses a longer head on a literal at the end. */
function literalHead(length: number): Uint8Array {
  const stored = length - 1
  if (stored < 60) return Uint8Array.of(stored << 2)
  if (stored < 256) return Uint8Array.of(60 << 2, stored)
  return Uint8Array.of(61 << 2, stored & 0xff, stored >>> 8)
}
