/** Protobuf records written by hand, because a proper encoder refuses what hostile senders send. */

export type Text = string | Uint8Array

export function bytesOf(text: Text): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : text
}

export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const piece of pieces) length += piece.length
  const joined = new Uint8Array(length)
  let end = 0
  for (const piece of pieces) {
    joined.set(piece, end)
    end += piece.length
  }
  return joined
}

/** `width`: at least so many bytes, which makes the varint longer than it need be. */
export function varint(value: number | bigint, width = 1): Uint8Array {
  // Most of them, and most of what a test spends on its bytes.
  if (width === 1 && value >= 0 && value < 0x80) return Uint8Array.of(Number(value))
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); rest > 0n || bytes.length < width; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
  bytes.push((bytes.pop() as number) & 0x7f)
  return Uint8Array.from(bytes)
}

export interface Widths {
  readonly tag?: number
  readonly length?: number
  readonly value?: number
}

export function tag(number: number, type: number, width = 1): Uint8Array {
  return varint(number < 2 ** 29 ? number * 8 + type : BigInt(number) * 8n + BigInt(type), width)
}

const SHORTEST: Widths = {}

/** Field of wire type LEN: a string, bytes, a message or packed values. */
export function len(number: number, content: Text, widths = SHORTEST): Uint8Array {
  const bytes = bytesOf(content)
  if (widths === SHORTEST && number < 16 && bytes.length < 0x80) {
    // Most of them, in one piece.
    const record = new Uint8Array(2 + bytes.length)
    record[0] = number * 8 + 2
    record[1] = bytes.length
    record.set(bytes, 2)
    return record
  }
  return concat(tag(number, 2, widths.tag), varint(bytes.length, widths.length), bytes)
}

export function varintField(number: number, value: number | bigint, widths: Widths = {}): Uint8Array {
  return concat(tag(number, 0, widths.tag), varint(value, widths.value))
}

/** A double or fixed64, given by its bits. */
export function fixed64(number: number, bits: bigint): Uint8Array {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setBigUint64(0, BigInt.asUintN(64, bits), true)
  return concat(tag(number, 1), value)
}

export function fixed32(number: number, bits: number): Uint8Array {
  const value = new Uint8Array(4)
  new DataView(value.buffer).setUint32(0, bits, true)
  return concat(tag(number, 5), value)
}

export function double(number: number, value: number): Uint8Array {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  return fixed64(number, bits.getBigUint64(0))
}
