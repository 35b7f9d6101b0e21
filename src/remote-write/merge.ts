/**
 * Shares of one tenant as one.
 *
 * In remote write 1.0 they are joined compressed, without a look inside.
 *
 * A snappy block is a length and then elements, whose copies point backwards within the block. So elements of several
 * blocks, one behind the other, are the elements of one block that decodes to the messages one behind the other; and
 * messages of 1.0 are nothing but records of repeated fields, so that is a message too. A message of 2.0 has one symbol
 * table, and can't be joined so: it is written anew.
 */
import type { Share } from '../share/share.ts'
import type { Compression, SplitShare } from './split.ts'

/**
 * Makes one block of several, each a 2.0 message that an engine has made, in their order; the result is fresh. A series is
 * as a share's, and other fields stay as they came. Symbols are united: "" first, then those of the messages in their
 * order, each string once. One alone stays the message that it is, and is compressed.
 */
export type MergeRequests = (
  bodies: readonly Uint8Array[],
  compression: Compression,
) => Uint8Array<ArrayBuffer>

/**
 * Merging shares of 2.0 writes them anew, some 0.13 µs a series, and a request costs about 100 µs: a share with more
 * series is cheaper alone. Unless the store is far: then requests in flight are what is scarce. Measured with
 * `npm run bench -- load --protocol 2.0 --tenants 1` (2,000 series a push; samples/s and CPU-s per million):
 *
 *     senders, store answers in     alone           merged
 *     8, at once                    1,303 k  0.57   1,084 k  0.71
 *     8, at once, 500 series          343 k  1.78     416 k  1.51
 *     50, 20 ms                       327 k  1.02   1,045 k  0.67
 */
export const LARGE_SERIES = 700

/** As long as a snappy block may claim to be. */
const MOST_DECODED_BYTES = 0xffffffff

/**
 * Whether these shares may travel as one: the same tenant; one protocol and, because a store deduplicates a whole request
 * by its first series, the same HA replica, both of which the key tells.
 */
export function canMerge(one: Mergeable, other: Mergeable): boolean {
  return (
    one.tenant === other.tenant &&
    one.mergeKey === other.mergeKey &&
    !one.alone &&
    !other.alone &&
    one.decodedBytes + other.decodedBytes <= MOST_DECODED_BYTES
  )
}

type Mergeable = Pick<Share, 'tenant' | 'mergeKey' | 'alone' | 'decodedBytes'>

/** For shares of the same protocol and the same HA values the same text, and mostly the same string. */
export function mergeKeyOf({ protocol, ha }: Pick<SplitShare, 'protocol' | 'ha'>): string {
  // No separator would do: a value may hold any character.
  const key = `${protocol} ${JSON.stringify(ha)}`
  const known = KEYS.get(key)
  if (known !== undefined) return known
  if (KEYS.size >= MAX_KEYS) KEYS.clear()
  KEYS.set(key, key)
  return key
}

/** One string for each: keys are compared for each share, and equal strings are compared letter by letter. */
const KEYS: Map<string, string> = new Map()
const MAX_KEYS = 1000

/**
 * The body of all shares of 1.0 together, fresh, in their order; borrows theirs. They must be pairwise `canMerge`. A copy and
 * no more: `split/merge`.
 */
export function mergeBodies(
  shares: readonly Pick<Share, 'body' | 'decodedBytes'>[],
): Uint8Array<ArrayBuffer> {
  let decoded = 0
  let elements = 0
  for (const share of shares) {
    decoded += share.decodedBytes
    elements += share.body.length - lengthBytes(share.body)
  }
  if (decoded > MOST_DECODED_BYTES) throw new Error('BUG: shares that are too long together are merged')
  const length: number[] = []
  for (; decoded > 127; decoded = Math.floor(decoded / 128)) length.push(128 + (decoded % 128))
  length.push(decoded)

  const body = new Uint8Array(length.length + elements)
  // From the last to the first, each with its own length in front, which is written over by what comes before it: a view
  // of the elements alone would cost as much as the copy. It is needed where a length would stand before the beginning.
  let end = body.length
  for (let at = shares.length - 1; at >= 0; at--) {
    const block = (shares[at] as Pick<Share, 'body'>).body
    const from = end - block.length
    const prefix = lengthBytes(block)
    if (from >= 0) body.set(block, from)
    else body.set(block.subarray(prefix), from + prefix)
    end = from + prefix
  }
  body.set(length)
  return body
}

/** Bytes of the varint that a block begins with; an engine made it, so it is one. */
function lengthBytes(block: Uint8Array): number {
  let bytes = 1
  while ((block[bytes - 1] as number) >= 128) bytes++
  return bytes
}
