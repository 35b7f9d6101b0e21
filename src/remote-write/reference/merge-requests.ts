/**
 * Merging messages of remote write 2.0, slow and obvious.
 *
 * **What it looks like**, byte for byte: the empty string, then the symbols of the messages in their order, each string
 * once; then, message by message, all but the symbols in the order it came: series written as in a share
 * (request-v2.ts), other fields as they are.
 */

import { concat, fields } from '../../wire/protobuf.ts'
import { decodeSnappy } from '../../wire/snappy.ts'
import type { MergeRequests } from '../merge.ts'
import { Strings } from './as-request.ts'
import { encodeSnappy } from './compress.ts'
import { writeSeries } from './request-v2.ts'

export const mergeByReference: MergeRequests = (bodies, compression) => {
  const [only] = bodies
  if (bodies.length === 1 && only !== undefined) {
    return new Uint8Array(encodeSnappy(decodeSnappy(only, MOST_DECODED_BYTES), compression))
  }
  const united = new Strings(MOST_DECODED_BYTES)
  const pieces: Uint8Array[] = []
  for (const body of bodies) {
    const message = decodeSnappy(body, MOST_DECODED_BYTES)
    const refs: number[] = []
    for (const field of fields(message, 0, message.length)) {
      if (field.number === SYMBOLS) refs.push(united.refTo(message.subarray(field.start, field.end)))
    }
    const used = { refTo: (ref: number) => refs[ref] as number }
    for (const field of fields(message, 0, message.length)) {
      if (field.number === SERIES) pieces.push(writeSeries(message, field, undefined, used))
      else if (field.number !== SYMBOLS) pieces.push(message.subarray(field.at, field.end))
    }
  }
  const merged = concat([united.write(), ...pieces], MOST_DECODED_BYTES)
  if (merged === undefined) throw new Error('BUG: shares that are too long together are merged')
  return new Uint8Array(encodeSnappy(merged, compression))
}

const SYMBOLS = 4
const SERIES = 5
const MOST_DECODED_BYTES = 0xffffffff
