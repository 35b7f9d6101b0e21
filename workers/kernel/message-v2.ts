/** Writing messages of remote write 2.0: references, and lengths before what was just written. */
import { refTo } from './symbols'
import { putVarint, varintSize } from './varint'

/** Writes the references that stand as words from `ref` to `end` as a packed record at `q`; nothing where there are none. */
// @ts-ignore: decorator
@inline
export function putRefs(ref: usize, end: usize, q: usize): usize {
  if (ref == end) return q
  store<u8>(q, 0x0a)
  const packed = q + 2
  q = packed
  for (; ref < end; ref += 4) q = putVarint(q, refTo(load<u32>(ref)))
  return close(packed, 1, q)
}

/**
 * Writes the length of what stands from `contents` to `end` before it, where `room` bytes are left for that; returns
 * the new end.
 */
// @ts-ignore: decorator
@inline
export function close(contents: usize, room: u32, end: usize): usize {
  const length = <u32>(end - contents)
  const at = contents - room
  const needed = varintSize(length)
  if (needed != room) {
    memory.copy(at + needed, contents, length)
    end = at + needed + length
  }
  // Exactly as long as it has to be: the contents stand right behind it.
  if (needed == 1) store<u8>(at, length)
  else putLength(at, length)
  return end
}

function putLength(p: usize, v: u32): void {
  while (v > 127) {
    store<u8>(p++, (v & 127) | 128)
    v >>= 7
  }
  store<u8>(p, v)
}
