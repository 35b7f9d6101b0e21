/** A share that is too large for its store, as two: the first and the second half of its series. Rare, so slow and simple. */

import { concat, type Field, fields } from '../wire/protobuf.ts'
import { decodeSnappy, encodeSnappy } from '../wire/snappy.ts'
import { writeSeries } from './reference/request-v2.ts'
import { ShareSymbols } from './reference/share-symbols.ts'
import { Slices } from './reference/slices.ts'
import type { Protocol, Share } from './split.ts'

/** The fields that are entries; all others but symbols (options of the request) belong to both halves. */
const ENTRIES: Readonly<Record<Protocol, readonly number[]>> = { '1.0': [1, 3], '2.0': [5] }

/** `Request.symbols` of 2.0. Each half has those that its series refer to: a table may be most of what is too large. */
const SYMBOLS = 4

/** `WriteRequest.metadata`. */
const METADATA = 3

/** The fields of a TimeSeries that are counted. */
const COUNTED: Readonly<Record<Protocol, Readonly<Record<'samples' | 'histograms' | 'exemplars', number>>>> =
  {
    '1.0': { samples: 2, histograms: 4, exemplars: 3 },
    '2.0': { samples: 2, histograms: 3, exemplars: 4 },
  }

/** Returns fresh shares; undefined where there are fewer than two entries. Takes a share that an engine made. */
export function halve(share: Share): readonly [Share, Share] | undefined {
  const { protocol } = share
  const message = decodeSnappy(share.body, 0xffffffff)
  const symbols = new Slices(message)
  const pieces: Piece[] = []
  for (const field of fields(message, 0, message.length)) {
    if (protocol === '2.0' && field.number === SYMBOLS) symbols.add(field.start, field.end)
    else pieces.push({ field, entry: ENTRIES[protocol].includes(field.number) })
  }
  const entries = pieces.filter(piece => piece.entry).length
  if (entries < 2) return undefined
  const middle = Math.ceil(entries / 2)
  let seen = 0
  const first: Piece[] = []
  const second: Piece[] = []
  for (const piece of pieces) {
    if (piece.entry) seen++
    if (!piece.entry || seen <= middle) first.push(piece)
    if (!piece.entry || seen > middle) second.push(piece)
  }
  return [half(share, message, symbols, first), half(share, message, symbols, second)]
}

interface Piece {
  readonly field: Field
  readonly entry: boolean
}

function half(share: Share, message: Uint8Array, symbols: Slices, pieces: readonly Piece[]): Share {
  const { protocol } = share
  const counts = { series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 0 }
  const { samples, histograms, exemplars } = COUNTED[protocol]
  for (const { field } of pieces) {
    if (field.number === METADATA && protocol === '1.0') counts.metadata++
    if (field.number !== ENTRIES[protocol][0]) continue
    counts.series++
    for (const { number } of fields(message, field.start, field.end)) {
      if (number === samples) counts.samples++
      else if (number === histograms) counts.histograms++
      else if (number === exemplars) counts.exemplars++
    }
  }
  const joined = protocol === '1.0' ? joinOne(message, pieces) : joinTwo(message, symbols, pieces)
  return { ...share, ...counts, body: encodeSnappy(joined, 'fast'), decodedBytes: joined.length }
}

function joinOne(message: Uint8Array, pieces: readonly Piece[]): Uint8Array {
  return join(pieces.map(({ field }) => bytesOf(message, field)))
}

function joinTwo(message: Uint8Array, symbols: Slices, pieces: readonly Piece[]): Uint8Array {
  const used = new ShareSymbols(symbols)
  const written = pieces.map(({ field, entry }) =>
    entry ? writeSeries(message, field, undefined, used) : bytesOf(message, field),
  )
  return join([used.write(), ...written])
}

function bytesOf(message: Uint8Array, { at, end }: Field): Uint8Array {
  return message.subarray(at, end)
}

/** The parts of a message, which a snappy block held, so they fit in one. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  return concat(parts, 0xffffffff) as Uint8Array
}
