// Encoding snappy blocks, as greedily as Google's C++ encoder: the same table, the same hash and the same
// acceleration of the search, so shares are as small as everybody's. Measured alternatives (a hash of five bytes,
// a faster search, a look at the previous offset) make shares 4–8 % larger and recorded pushes hardly faster.
import { putVarint } from './varint'

/** Input of one block: offsets of copies stay below it, so they fit in the 16 bits of a copy 2. */
export const BLOCK: u32 = 65536

/** The table has at most 2^BITS entries of 16 bits: positions within the block. */
const BITS: u32 = 13

/** Where the table is. */
let table: usize = 0
/** Whether blocks are literals only. */
let literals: bool = false

export function setEncoder(at: usize, literalsOnly: bool): void {
  table = at
  literals = literalsOnly
}

/** Encodes the n bytes at `from` to `to` as a complete snappy block; returns the position behind it. */
export function encode(from: usize, n: u32, to: usize): usize {
  let d = putVarint(to, n)
  while (n > BLOCK) {
    d = encodeBlock(from, BLOCK, d)
    from += BLOCK
    n -= BLOCK
  }
  return n ? encodeBlock(from, n, d) : d
}

/** Encodes n bytes, 1 to BLOCK of them, as elements; returns the position behind these. */
export function encodeBlock(from: usize, n: u32, to: usize): usize {
  return literals || n < 20 ? literal(to, from, n) : compress(from, n, to)
}

/** Writes one literal of n bytes. Short ones go out as whole vectors, so up to 64 bytes are read and written. */
// @ts-ignore: decorator
@inline
function literal(d: usize, s: usize, n: u32): usize {
  const k = n - 1
  if (k < 60) {
    store<u8>(d++, k << 2)
    v128.store(d, v128.load(s))
    if (n > 16) {
      v128.store(d + 16, v128.load(s + 16))
      v128.store(d + 32, v128.load(s + 32))
      v128.store(d + 48, v128.load(s + 48))
    }
    return d + n
  }
  if (k < 256) {
    store<u8>(d, 60 << 2)
    store<u8>(d + 1, k)
    d += 2
  } else {
    store<u8>(d, 61 << 2)
    store<u16>(d + 1, k)
    d += 3
  }
  memory.copy(d, s, n)
  return d + n
}

/** Writes copies of `length` bytes, at least 4, from `offset` bytes back. */
// @ts-ignore: decorator
@inline
function copies(d: usize, length: u32, offset: u32): usize {
  // A store of 32 bits writes the tag and both bytes of the offset (and one more, which the next element overwrites).
  while (length >= 68) {
    store<u32>(d, (63 << 2) | 2 | (offset << 8))
    d += 3
    length -= 64
  }
  // Leave at least 4 for the last one.
  if (length > 64) {
    store<u32>(d, (59 << 2) | 2 | (offset << 8))
    d += 3
    length -= 60
  }
  if (length >= 12 || offset >= 2048) {
    store<u32>(d, ((length - 1) << 2) | 2 | (offset << 8))
    return d + 3
  }
  store<u16>(d, ((offset >> 8) << 5) | ((length - 4) << 2) | 1 | ((offset & 255) << 8))
  return d + 2
}

/** Offset in the table for the four bytes in the low half of x. */
// @ts-ignore: decorator
@inline
function slot(x: u64, shift: u32): usize {
  return <usize>((<u32>x * 0x1e35a7bd) >> shift) << 1
}

function compress(from: usize, n: u32, to: usize): usize {
  const end = from + n
  const t = table
  // The bet: clearing a table that fits the block, half a slot a byte, is cheaper than keeping one for ever
  // (tried: a table that is never cleared is 20–60 % slower, because stale entries send the search to other
  // tenants' bytes).
  let bits: u32 = n > 512 ? 31 - clz(n - 1) : 8
  if (bits > BITS) bits = BITS
  const shift = 32 - bits
  memory.fill(t, 0, 2 << bits)

  const last = end - 16 // beyond, no search: eight bytes are read at once
  let d = to
  let done = from // before it everything is written
  let i = from + 1
  let x = load<u64>(i)
  let h = slot(x, shift)
  while (true) {
    // Search: one position after the other, then faster, one step longer every 32 misses.
    let skip: u32 = 32
    let next = i
    let match: usize = 0
    while (true) {
      i = next
      const s = t + h
      const w = <u32>x
      next = i + (skip++ >> 5)
      if (next > last) return literal(d, done, <u32>(end - done))
      x = load<u64>(next)
      h = slot(x, shift)
      match = from + <usize>load<u16>(s)
      store<u16>(s, <u32>(i - from))
      if (load<u32>(match) == w) break
    }
    d = literal(d, done, <u32>(i - done))

    // Matches, as long as one follows the other.
    while (true) {
      const offset = <u32>(i - match)
      let a = i + 4
      let c = match + 4
      // Eight bytes at a time; vectors were no faster.
      while (a < end) {
        const y = load<u64>(a) ^ load<u64>(c)
        if (y != 0) {
          a += <usize>(ctz(y) >> 3)
          break
        }
        a += 8
        c += 8
      }
      if (a > end) a = end
      d = copies(d, <u32>(a - i), offset)
      i = a
      done = a
      if (i > last) return done < end ? literal(d, done, <u32>(end - done)) : d
      x = load<u64>(i - 1)
      store<u16>(t + slot(x, shift), <u32>(i - 1 - from))
      x >>= 8
      const s = t + slot(x, shift)
      match = from + <usize>load<u16>(s)
      store<u16>(s, <u32>(i - from))
      if (load<u32>(match) != <u32>x) break
    }
    i++
    x >>= 8
    h = slot(x, shift)
  }
}
