import type { Encoding } from './split.ts'

/**
 * What a snappy block claims to decode to: its first varint (format_description.txt of google/snappy, section 1), read
 * before anything is allocated. Returns bytes; undefined where it is no varint of at most 32 bits.
 */
export function snappyClaim(block: Uint8Array): number | undefined {
  let value = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at]
    if (byte === undefined) return undefined
    // The fifth byte holds bits 28 to 31; multiplication, because `<<` would make the sum negative.
    value += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return value <= 0xffffffff ? value : undefined
  }
  return undefined
}

/**
 * How many bytes a body will take when it is decoded, for the account at the gate: never more than `max`, because the
 * split refuses what claims more before it decodes. zstd may leave its length open, so it is charged `max`.
 */
export function decodedCharge(body: Uint8Array, encoding: Encoding, max: number): number {
  if (encoding === 'zstd') return max
  const claim = snappyClaim(body)
  return claim === undefined || claim > max ? 0 : claim
}
