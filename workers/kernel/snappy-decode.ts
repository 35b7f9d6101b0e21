// Decoding one snappy block. Format: https://github.com/google/snappy/blob/main/format_description.txt
//
//   block   = claimed length as a varint, then elements until the input ends
//   element = literal: tag xxxxxx00 (length - 1, or 60..63 for 1..4 bytes of length behind it), then the bytes
//           | copy 1:  tag ooolll01, one byte: length 4..11, offset of 11 bits
//           | copy 2:  tag llllll10, two bytes: length 1..64, offset of 16 bits
//           | copy 4:  tag llllll11, four bytes: length 1..64, offset of 32 bits
import { SNAPPY_BEFORE_START, SNAPPY_CORRUPT, SNAPPY_CUT_OFF, SNAPPY_NO_LENGTH, SNAPPY_NO_OFFSET } from './abi'
import { SNAPPY_TOO_LONG, SNAPPY_TOO_SHORT } from './abi'
import { countFrom, fault } from './fault'

/** How many bytes the length takes that `claim` has read: the elements begin behind them. */
let claimBytes: u32 = 0

/** The length that the block at `from` claims: at most five bytes, below 2^32. FAULT where there is none. */
export function claim(from: usize, n: u32): f64 {
  let value: u64 = 0
  for (let k: u32 = 0; k < n && k < 5; k++) {
    const byte = <u64>load<u8>(from + k)
    value |= (byte & 127) << (<u64>k * 7)
    if (byte < 128) {
      if (value > <u64>u32.MAX_VALUE) break
      claimBytes = k + 1
      return <f64>value
    }
  }
  countFrom(from)
  return fault(SNAPPY_CORRUPT, from, SNAPPY_NO_LENGTH)
}

/**
 * Where the message stands in the block of n bytes at `from`, whose claim was read before, if it is one literal; else 0. The
 * block is known to be sound, so its first element is a literal: a copy would point before the beginning.
 */
export function literalOf(from: usize, n: u32, claimed: u32): usize {
  const at = from + claimBytes
  const tag = <u32>load<u8>(at)
  const bytes = tag >= 240 ? (tag >> 2) - 59 : 0
  const length = (bytes == 0 ? tag >> 2 : load<u32>(at, 1) & (0xffffffff >> (32 - (bytes << 3)))) + 1
  const message = at + 1 + bytes
  return length == claimed && message + length == from + n ? message : 0
}

/**
 * Decodes the block of n bytes at `from`, whose claim was read before, to `to`, where there is room for what it
 * claims. Answers 0 or FAULT: not a byte more or less than claimed is ever produced.
 */
export function decode(from: usize, n: u32, to: usize, claimed: u32): i32 {
  countFrom(from)
  let s = from + claimBytes
  const end = from + n
  const full = to + claimed
  let d = to

  // The bet: most elements lie far enough from both ends that one element can read and write whole vectors. An
  // element takes at most 64 bytes of input and writes at most 64 (+ 16 over), so the two limits are the only
  // check that a short literal needs, and a copy needs one more, for its offset. Fallback: the careful loop below,
  // for the ends of a block, for small blocks, and to name what is wrong. Benchmark: split/rw1.
  if (n > 100 && claimed > 160) {
    const near = end - 66
    const nearFull = full - 80
    while (s < near && d < nearFull) {
      const tag = <u32>load<u8>(s)
      if ((tag & 3) == 0) {
        const length = (tag >> 2) + 1
        if (length <= 60) {
          v128.store(d, v128.load(s, 1))
          if (length > 16) {
            v128.store(d + 16, v128.load(s + 17))
            v128.store(d + 32, v128.load(s + 33))
            v128.store(d + 48, v128.load(s + 49))
          }
          d += length
          s += length + 1
          continue
        }
        const bytes = length - 60
        const long = (load<u32>(s, 1) & (0xffffffff >> (32 - (bytes << 3)))) + 1
        const body = s + bytes + 1
        // A length of 2^32 has become 0.
        if (long - 1 >= <u32>(end - body) || <u32>(full - d) < long) break
        memory.copy(d, body, long)
        s = body + long
        d += long
        continue
      }
      // Copy 1 and copy 2 without a branch between them: which of the two comes is close to random.
      let length = (tag >> 2) + 1
      let offset: u32
      let size: u32 = 5
      if ((tag & 3) == 3) {
        offset = load<u32>(s, 1)
      } else {
        const w = <u32>load<u16>(s, 1)
        const one: u32 = 0 - (tag & 1)
        offset = (w & (0xffff ^ (one & 0xff00))) | (one & ((tag & 0xe0) << 3))
        length = (length & ~one) | ((((tag >> 2) & 7) + 4) & one)
        size = 3 - (tag & 1)
      }
      // An offset of 0 becomes the largest number and is caught as well.
      if (offset - 1 >= <u32>(d - to)) break
      s += size
      let c = d - offset
      if (offset >= 16) {
        v128.store(d, v128.load(c))
        if (length > 16) {
          v128.store(d + 16, v128.load(c + 16))
          v128.store(d + 32, v128.load(c + 32))
          v128.store(d + 48, v128.load(c + 48))
        }
        d += length
      } else {
        // The copy overlaps itself: no step may be longer than the offset.
        const stop = d + length
        if (offset >= 8) {
          while (d < stop) {
            store<u64>(d, load<u64>(c))
            d += 8
            c += 8
          }
        } else {
          while (d < stop) store<u8>(d++, load<u8>(c++))
        }
        d = stop
      }
    }
  }

  while (s < end) {
    const element = s
    const tag = <u32>load<u8>(s++)
    const kind = tag & 3
    let length = (tag >> 2) + 1
    if (kind == 0) {
      if (length > 60) {
        const bytes = length - 60
        if (<u32>(end - s) < bytes) return fault(SNAPPY_CORRUPT, element, SNAPPY_CUT_OFF)
        length = (load<u32>(s) & (0xffffffff >> (32 - (bytes << 3)))) + 1
        s += bytes
      }
      if (length - 1 >= <u32>(end - s)) return fault(SNAPPY_CORRUPT, element, SNAPPY_CUT_OFF)
      if (<u32>(full - d) < length) return fault(SNAPPY_CORRUPT, element, SNAPPY_TOO_LONG)
      memory.copy(d, s, length)
      s += length
      d += length
      continue
    }
    const size: u32 = kind == 3 ? 4 : kind
    if (<u32>(end - s) < size) return fault(SNAPPY_CORRUPT, element, SNAPPY_CUT_OFF)
    let offset: u32
    if (kind == 1) {
      length = ((tag >> 2) & 7) + 4
      offset = ((tag & 0xe0) << 3) | <u32>load<u8>(s)
    } else if (kind == 2) {
      offset = <u32>load<u16>(s)
    } else {
      offset = load<u32>(s)
    }
    s += size
    if (offset == 0) return fault(SNAPPY_CORRUPT, element, SNAPPY_NO_OFFSET)
    if (<u32>(full - d) < length) return fault(SNAPPY_CORRUPT, element, SNAPPY_TOO_LONG)
    if (offset > <u32>(d - to)) return fault(SNAPPY_CORRUPT, element, SNAPPY_BEFORE_START)
    let c = d - offset
    const stop = d + length
    while (d < stop) store<u8>(d++, load<u8>(c++))
  }
  return d == full ? 0 : fault(SNAPPY_CORRUPT, end, SNAPPY_TOO_SHORT)
}
