/**
 * A share that is too large for its store, as two: the first and the second half of its entries. It is the split itself
 * that makes them, of half the records each, with rules by which all of them stay together.
 */
import { concat, fields } from '../wire/protobuf.ts'
import { decodeSnappy, storeSnappy } from '../wire/snappy.ts'
import type { Engine } from './engine.ts'
import type { Protocol, SplitShare } from './split.ts'
import { TOGETHER } from './together.ts'

/** The fields that are entries; all others (symbols, options of the request) belong to both halves. */
const ENTRIES: Readonly<Record<Protocol, readonly number[]>> = { '1.0': [1, 3], '2.0': [5] }
const MOST_BYTES = 0xffffffff
const MOST_ENTRIES = 0xffffffff

type HalvingEngine = Pick<Engine, 'split' | 'mergeRequests'>

/** Returns fresh shares; undefined where there are fewer than two entries. Borrows a share that an engine made. */
export function halve(
  engine: HalvingEngine,
  share: SplitShare,
): readonly [SplitShare, SplitShare] | undefined {
  const { protocol } = share
  const message = decodeSnappy(share.body, MOST_BYTES)
  const all = [...fields(message, 0, message.length)]
  const isEntry = ({ number }: { number: number }) => ENTRIES[protocol].includes(number)
  const entries = all.filter(isEntry).length
  if (entries < 2) return undefined
  const middle = Math.ceil(entries / 2)
  let seen = 0
  const first: Uint8Array[] = []
  const second: Uint8Array[] = []
  for (const field of all) {
    const record = message.subarray(field.at, field.end)
    if (!isEntry(field)) {
      first.push(record)
      second.push(record)
    } else if (seen++ < middle) first.push(record)
    else second.push(record)
  }
  return [half(engine, share, first), half(engine, share, second)]
}

function half(
  { split, mergeRequests }: HalvingEngine,
  share: SplitShare,
  records: readonly Uint8Array[],
): SplitShare {
  const message = concat(records, MOST_BYTES) as Uint8Array
  const body = storeSnappy(message)
  const { protocol, tenant, kind, ha, alone, mergeKey } = share
  const result = split(
    { body, encoding: 'snappy', protocol },
    {
      ...TOGETHER,
      output: 'same',
      // What may be compressed may also stay as it is, with the symbols of both halves.
      compression: 'none',
      maxDecodedBytes: message.length,
      maxOutputBytes: MOST_BYTES,
      maxSeries: MOST_ENTRIES,
    },
  )
  const only = result.ok && result.shares.length === 1 ? result.shares[0] : undefined
  if (only === undefined) throw new Error('BUG: half of a share that an engine made is no share')
  return { ...only, body: mergeRequests([only.body], 'fast'), tenant, kind, ha, alone, mergeKey }
}
