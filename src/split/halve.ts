/** A share that is too large for its store, as two: the first and the second half of its series. Rare, so slow and simple. */
import { decodeSnappy, encodeSnappy } from './reference/snappy.ts'
import { concat, fields } from './reference/wire.ts'
import type { Counts, Protocol } from './split.ts'

/** The fields that are entries; all others (symbols, options of the request) belong to both halves. */
const ENTRIES: Readonly<Record<Protocol, readonly number[]>> = { '1.0': [1, 3], '2.0': [5] }

/** The fields of a TimeSeries that are counted. */
const COUNTED: Readonly<Record<Protocol, Readonly<Record<'samples' | 'histograms' | 'exemplars', number>>>> =
  {
    '1.0': { samples: 2, histograms: 4, exemplars: 3 },
    '2.0': { samples: 2, histograms: 3, exemplars: 4 },
  }

/** Returns fresh blocks; undefined where there are fewer than two entries. Takes a block that an engine made. */
export function halve(block: Uint8Array, protocol: Protocol): readonly [Uint8Array, Uint8Array] | undefined {
  const message = decodeSnappy(block, 0xffffffff)
  const pieces = [...fields(message, 0, message.length)].map(field => ({
    entry: ENTRIES[protocol].includes(field.number),
    bytes: message.subarray(field.at, field.end),
  }))
  const entries = pieces.filter(piece => piece.entry).length
  if (entries < 2) return undefined
  const middle = Math.ceil(entries / 2)
  let seen = 0
  const first: Uint8Array[] = []
  const second: Uint8Array[] = []
  for (const { entry, bytes } of pieces) {
    if (entry) seen++
    if (!entry || seen <= middle) first.push(bytes)
    if (!entry || seen > middle) second.push(bytes)
  }
  return [joined(first), joined(second)]
}

/** How much is in a half. Takes a block that an engine made. */
export function countsIn(
  block: Uint8Array,
  protocol: Protocol,
): Pick<Counts, 'samples' | 'histograms' | 'exemplars'> {
  const message = decodeSnappy(block, 0xffffffff)
  const counts = { samples: 0, histograms: 0, exemplars: 0 }
  const { samples, histograms, exemplars } = COUNTED[protocol]
  for (const entry of fields(message, 0, message.length)) {
    if (entry.number !== ENTRIES[protocol][0]) continue
    for (const { number } of fields(message, entry.start, entry.end)) {
      if (number === samples) counts.samples++
      else if (number === histograms) counts.histograms++
      else if (number === exemplars) counts.exemplars++
    }
  }
  return counts
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return encodeSnappy(concat(pieces, 0xffffffff) as Uint8Array, 'fast')
}
