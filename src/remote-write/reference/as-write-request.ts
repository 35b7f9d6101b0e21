/**
 * A series of remote write 2.0 as 1.0 spells it. What each message has that the other knows under another number, or
 * not at all:
 *
 *     2.0 TimeSeries                      1.0 TimeSeries
 *       repeated uint32 labels_refs = 1     repeated Label labels = 1
 *       repeated Sample samples = 2         repeated Sample samples = 2
 *       repeated Histogram histograms = 3   repeated Histogram histograms = 4
 *       repeated Exemplar exemplars = 4     repeated Exemplar exemplars = 3
 *       Metadata metadata = 5               –
 *       int64 created_timestamp = 6         –
 *     Sample.start_timestamp = 3, Histogram.start_timestamp = 17: –
 *     Histogram with custom buckets (schema = 4 is -53, or there are custom_values = 16): –
 *
 * **What it looks like**, byte for byte: `0a`, length, contents. Contents: for each label, in the order of the
 * references, `0a`, length and `0a`, length, name, `12`, length, value; then the other fields in their order:
 * - `12`, length, a sample's fields as they came, without start_timestamp;
 * - `22`, length, a histogram's fields as they came, without start_timestamp; none of one with custom buckets;
 * - `1a`, length, an exemplar: its labels as above, then its other fields as they came;
 * - metadata and created_timestamp are left out; what no schema knows stays as it came.
 * All tags and lengths written here are the shortest varints. The request's own fields are left out: their numbers
 * mean something else in the other message, or nothing.
 */

import { expectType, type Field, fields, VARINT } from '../../wire/protobuf.ts'
import { Growing } from './growing.ts'
import type { Converted, Label, LabelsOf } from './message.ts'
import { without } from './slices.ts'

/** Of a series. */
const CREATED_TIMESTAMP = 6

/** Of a series. */
const HISTOGRAM = 3

/** Of a histogram. */
const SCHEMA = 4
const CUSTOM_VALUES = 16
/** -53, as a sint32 is written. */
const CUSTOM_BUCKETS = 105

/** Of a sample and of a histogram. */
const START_TIMESTAMP = { 2: 3, 3: 17 } as const

/**
 * How many times that are not 0 are lost with a field of a series: a sample, a histogram or the created timestamp
 * itself; none with a histogram that 1.0 can't say, which is lost as a whole. Walks it, so that `writeAsV1` can trust it; throws a Fault.
 */
export function timesLost(bytes: Uint8Array, field: Field): number {
  if (field.number === CREATED_TIMESTAMP) return timeLost(bytes, field)
  if (field.number !== 2 && field.number !== 3) return 0
  let lost = 0
  for (const inner of fields(bytes, field.start, field.end)) {
    if (inner.number === START_TIMESTAMP[field.number]) lost += timeLost(bytes, inner)
  }
  return field.number === HISTOGRAM && hasCustomBuckets(bytes, field) ? 0 : lost
}

/** Whether a histogram is one that 1.0 can't say. It is known to be a message. */
export function hasCustomBuckets(bytes: Uint8Array, histogram: Field): boolean {
  let schema = 0
  for (const field of fields(bytes, histogram.start, histogram.end)) {
    if (field.number === CUSTOM_VALUES) return true
    if (field.number === SCHEMA && field.type === VARINT) schema = field.uint32
  }
  return schema === CUSTOM_BUCKETS
}

function timeLost(bytes: Uint8Array, field: Field): number {
  expectType(field, VARINT)
  return isZero(bytes, field) ? 0 : 1
}

/** A varint may be longer than it need be, and `uint32` has its low half only. */
function isZero(bytes: Uint8Array, field: Field): boolean {
  return bytes.subarray(field.start, field.end).every(byte => (byte & 0x7f) === 0)
}

const SERIES_TAG = 0x0a
const LABEL_TAG = 0x0a
const NAME_TAG = 0x0a
const VALUE_TAG = 0x12
const SAMPLE_TAG = 0x12
const EXEMPLAR_TAG = 0x1a
const HISTOGRAM_TAG = 0x22

/** Returns a WriteRequest of the series given, which stand in `bytes`; throws a Fault if it would be longer than `maxBytes`. */
export function writeAsV1(
  bytes: Uint8Array,
  list: readonly Converted[],
  labelsOf: LabelsOf,
  maxBytes: number,
): Uint8Array {
  const out = new Growing(maxBytes)
  for (const converted of list) writeSeries(out, bytes, converted, labelsOf)
  return out.written()
}

function writeSeries(
  out: Growing,
  bytes: Uint8Array,
  { series, strip }: Converted,
  labelsOf: LabelsOf,
): void {
  const contents = new Growing(out.left)
  writeLabels(contents, labelsOf(series), strip)
  for (const field of fields(bytes, series.start, series.end)) {
    switch (field.number) {
      case 1:
      case 5:
      case CREATED_TIMESTAMP:
        break
      case 2:
        contents.len(SAMPLE_TAG, without(bytes, field, START_TIMESTAMP[2]))
        break
      case HISTOGRAM:
        if (hasCustomBuckets(bytes, field)) break
        contents.len(HISTOGRAM_TAG, without(bytes, field, START_TIMESTAMP[3]))
        break
      case 4: {
        const exemplar = new Growing(contents.left)
        writeLabels(exemplar, labelsOf(field), undefined)
        exemplar.raw(without(bytes, field, 1))
        contents.len(EXEMPLAR_TAG, exemplar.written())
        break
      }
      default:
        contents.raw(bytes.subarray(field.at, field.end))
    }
  }
  out.len(SERIES_TAG, contents.written())
}

function writeLabels(out: Growing, labels: Iterable<Label>, strip: number | undefined): void {
  let index = 0
  for (const { name, value } of labels) {
    if (index++ === strip) continue
    const label = new Growing(out.left)
    label.len(NAME_TAG, name)
    label.len(VALUE_TAG, value)
    out.len(LABEL_TAG, label.written())
  }
}
