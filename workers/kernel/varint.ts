// Varints of protobuf: seven bits a byte, lowest first, at most ten bytes, below 2^64, not necessarily the shortest.

/** What `varint` found behind the number, or 0 where there was none. */
export let behind: usize = 0

/** Reads the varint at `p`, which ends before `end`; `behind` is 0 if it is cut off or too long. */
export function varint(p: usize, end: usize): u64 {
  let value: u64 = 0
  for (let shift: u64 = 0; p < end && shift < 70; shift += 7) {
    const byte = <u64>load<u8>(p++)
    value |= (byte & 127) << shift
    if (byte < 128) {
      // The tenth byte holds one bit.
      behind = shift < 63 || byte < 2 ? p : 0
      return value
    }
  }
  behind = 0
  return 0
}

/** Bytes that the shortest varint of v takes: a seventh of its bits, rounded up, without a branch. */
// @ts-ignore: decorator
@inline
export function varintSize(v: u32): u32 {
  return (9 * (32 - clz(v | 1)) + 64) >> 6
}

/** Writes the shortest varint of v; returns the position behind it. May write a byte more. */
// @ts-ignore: decorator
@inline
export function putVarint(p: usize, v: u32): usize {
  if (v < 128) {
    store<u8>(p, v)
    return p + 1
  }
  if (v < 16384) {
    store<u16>(p, (v & 127) | 128 | ((v >> 7) << 8))
    return p + 2
  }
  return putLong(p, v)
}

function putLong(p: usize, v: u32): usize {
  while (v > 127) {
    store<u8>(p++, (v & 127) | 128)
    v >>= 7
  }
  store<u8>(p, v)
  return p + 1
}
