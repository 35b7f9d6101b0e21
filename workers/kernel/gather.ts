// A message of 1.0 on its way out: gathered in the arena BUILD, and encoded block by block while it is in cache.
import { BUILD } from './abi'
import { copy } from './bytes'
import { BLOCK, encodeBlock } from './snappy-encode'
import { putVarint } from './varint'

let build: usize = 0
let encoded: usize = 0
/** Whoever has gathered bytes up to here calls `encodeFull`. */
export let full: usize = 0

/** Begins the block of a message of `size` bytes at `to`; returns where to put the message's bytes. */
export function openBlock(size: u32, to: usize): usize {
  build = load<u32>(BUILD)
  full = build + BLOCK
  encoded = putVarint(to, size)
  return build
}

/** Encodes what was gathered up to `p`, at least `full`, but for what fills no block; returns where the next bytes go. */
export function encodeFull(p: usize): usize {
  let block = build
  do {
    encoded = encodeBlock(block, BLOCK, encoded)
    block += BLOCK
  } while (p - block >= BLOCK)
  return copy(build, block, <u32>(p - block))
}

/** Ends the block with what was gathered up to `p`; returns the position behind it. */
export function closeBlock(p: usize): usize {
  return p > build ? encodeBlock(build, <u32>(p - build), encoded) : encoded
}
