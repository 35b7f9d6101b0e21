/** Snappy blocks as the reference makes them. */
import { compress } from 'snappyjs'
import { storeSnappy } from '../../wire/snappy.ts'
import type { Compression } from '../split.ts'

/** Returns a block that owns its memory; borrows `message`. */
export function encodeSnappy(message: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'none') return storeSnappy(message)
  // snappyjs answers a Buffer with a pooled one; a plain view makes it allocate.
  return compress(new Uint8Array(message.buffer, message.byteOffset, message.byteLength))
}
