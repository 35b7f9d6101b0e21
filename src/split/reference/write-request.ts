/**
 * Remote write 1.0.
 *
 *     message WriteRequest {
 *       repeated TimeSeries timeseries = 1;
 *       reserved 2; // Cortex: the source of the request
 *       repeated MetricMetadata metadata = 3;
 *     }
 *     message TimeSeries {
 *       repeated Label labels = 1;
 *       repeated Sample samples = 2;
 *       repeated Exemplar exemplars = 3;
 *       repeated Histogram histograms = 4;
 *     }
 *     message Label { string name = 1; string value = 2; }
 *
 * The message is walked in byte order, and a series when its record is met: the fault with the lowest position is the
 * one that is reported. Samples, exemplars, histograms and metadata are counted and not opened. Fields 4 and 5 of the
 * message are those of 2.0, so the sender named the wrong protocol (`at` is the field's tag). `too_many_series` is
 * found at the tag of the first entry too many, before its contents.
 *
 * **What a share looks like.** Its entries, series and metadata alike, in the order of the push; then the push's other
 * fields in their order. Each is copied as it came, tag and length included. Only a series that loses a label is
 * written anew: tag `0a`, shortest length, then its fields without that label, each as it came.
 */
import protobuf from 'protobufjs/minimal.js'
import { Fault } from '../fault.ts'
import type { Counts } from '../split.ts'
import type { Entry, Label, Message, Part } from './message.ts'
import { expectType, type Field, fields, LEN } from './wire.ts'

const NO_BYTES = new Uint8Array(0)

/** Borrows `bytes` for as long as the message is used. Throws a Fault. */
export function readWriteRequest(bytes: Uint8Array, maxEntries: number): Message {
  const entries: WireEntry[] = []
  const options: Uint8Array[] = []
  for (const field of fields(bytes, 0, bytes.length)) {
    if (field.number === 4 || field.number === 5) {
      throw new Fault('wrong_protocol', field.at, 'a field of remote write 2.0 in a 1.0 message')
    }
    if (field.number !== 1 && field.number !== 3) {
      options.push(bytes.subarray(field.at, field.end))
      continue
    }
    expectType(field, LEN)
    if (entries.length === maxEntries)
      throw new Fault('too_many_series', field.at, 'more entries than the limit')
    entries.push(field.number === 1 ? readSeries(bytes, field) : readMetadata(bytes, field))
  }
  return {
    entries,
    hasOptions: options.length > 0,
    isCanonical: true,
    write: (parts, maxBytes) => join([...parts.map(part => write(entries, part)), ...options], maxBytes),
  }
}

interface WireEntry extends Entry {
  /** The whole record: tag, length and contents. */
  readonly record: Uint8Array
  /** The fields of a series, each with its tag. */
  readonly fields: readonly Uint8Array[]
  /** For each label, its index in `fields`. */
  readonly labelFields: readonly number[]
}

function readSeries(bytes: Uint8Array, series: Field): WireEntry {
  const labels: Label[] = []
  const labelFields: number[] = []
  const raw: Uint8Array[] = []
  const counts = { series: 1, samples: 0, histograms: 0, exemplars: 0, metadata: 0 }
  for (const field of fields(bytes, series.start, series.end)) {
    if (field.number <= 4) expectType(field, LEN)
    if (field.number === 1) {
      labels.push(readLabel(bytes, field))
      labelFields.push(raw.length)
    }
    if (field.number === 2) counts.samples++
    if (field.number === 3) counts.exemplars++
    if (field.number === 4) counts.histograms++
    raw.push(bytes.subarray(field.at, field.end))
  }
  const record = bytes.subarray(series.at, series.end)
  return { labels, counts, hasBadReference: false, record, fields: raw, labelFields }
}

/** As every protobuf decoder reads it: a name or value that is repeated counts where it stands last, a missing one is empty. */
function readLabel(bytes: Uint8Array, label: Field): Label {
  let name = NO_BYTES as Uint8Array
  let value = NO_BYTES as Uint8Array
  for (const field of fields(bytes, label.start, label.end)) {
    if (field.number > 2) continue
    expectType(field, LEN)
    if (field.number === 1) name = bytes.subarray(field.start, field.end)
    else value = bytes.subarray(field.start, field.end)
  }
  return { name, value }
}

function readMetadata(bytes: Uint8Array, metadata: Field): WireEntry {
  const counts: Counts = { series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 1 }
  const record = bytes.subarray(metadata.at, metadata.end)
  return { labels: undefined, counts, hasBadReference: false, record, fields: [], labelFields: [] }
}

function write(entries: readonly WireEntry[], { entry, strip }: Part): Uint8Array {
  const { record, fields, labelFields } = entries[entry] as WireEntry
  if (strip === undefined) return record
  const writer = protobuf.Writer.create().uint32(SERIES_TAG).fork()
  for (const [i, field] of fields.entries()) if (i !== labelFields[strip]) writer.raw(field)
  return writer.ldelim().finish()
}

/** Field 1, LEN. */
const SERIES_TAG = 0x0a

function join(pieces: readonly Uint8Array[], maxBytes: number): Uint8Array | undefined {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length > maxBytes) return undefined
  const message = new Uint8Array(length)
  let end = 0
  for (const piece of pieces) {
    message.set(piece, end)
    end += piece.length
  }
  return message
}
