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
import { Fault } from '../../wire/fault.ts'
import { concat, expectType, type Field, fields, LEN, varintBytes } from '../../wire/protobuf.ts'
import type { Protocol } from '../split.ts'
import { writeAsV2 } from './as-request.ts'
import type { Entry, Label, Message } from './message.ts'
import { Slices } from './slices.ts'

/** Borrows `bytes` for as long as the message is used. `output`: what it is to be written as. Throws a Fault. */
export function readWriteRequest(bytes: Uint8Array, maxEntries: number, output: Protocol): Message {
  const records: Field[] = []
  const entries: Entry[] = []
  const others = new Slices(bytes)
  for (const field of fields(bytes, 0, bytes.length)) {
    if (field.number === 4 || field.number === 5) {
      throw new Fault('wrong_protocol', field.at, 'a field of remote write 2.0 in a 1.0 message')
    }
    if (field.number !== 1 && field.number !== 3) {
      others.add(field.at, field.end)
      continue
    }
    expectType(field, LEN)
    if (records.length === maxEntries)
      throw new Fault('too_many_series', field.at, 'more entries than the limit')
    records.push(field)
    entries.push(field.number === 1 ? checkSeries(bytes, field, output) : METADATA)
  }
  const options = others.joined()
  return {
    output,
    entries,
    hasOptions: output === '1.0' && options.length > 0,
    isCanonical: output === '1.0',
    labels: entry => labelsOf(bytes, records[entry] as Field),
    record(entry) {
      const { at, end } = records[entry] as Field
      return bytes.subarray(at, end)
    },
    metadata: () => undefined,
    write(parts, maxBytes) {
      if (output === '2.0') {
        const list = parts.map(({ entry, strip, folds = [] }) => {
          return { series: records[entry] as Field, strip, folds: folds.map(it => records[it] as Field) }
        })
        return writeAsV2(bytes, list, parent => labelsOf(bytes, parent), maxBytes)
      }
      const pieces = parts.flatMap(({ entry, strip }) => writeEntry(bytes, records[entry] as Field, strip))
      return concat([...pieces, options], maxBytes)
    },
    labelsKey({ entry, strip }) {
      const labels = [...labelsOf(bytes, records[entry] as Field)].filter((_, index) => index !== strip)
      return JSON.stringify(labels.flatMap(({ name, value }) => [latin1(name), latin1(value)]))
    },
    timesLostAside: () => 0,
    writeAside(parts, maxBytes) {
      return concat(
        parts.flatMap(({ entry, strip }) => writeEntry(bytes, records[entry] as Field, strip)),
        maxBytes,
      )
    },
  }
}

const METADATA: Entry = {
  kind: 'metadata',
  hasBadReference: false,
  counts: { series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 1 },
  timesLost: 0,
  histogramsLost: 0,
}

/** Walks the whole series, so that what comes later can trust it; its exemplars only where their labels are rewritten. */
function checkSeries(bytes: Uint8Array, series: Field, output: Protocol): Entry {
  const counts = { series: 1, samples: 0, histograms: 0, exemplars: 0, metadata: 0 }
  for (const field of fields(bytes, series.start, series.end)) {
    if (field.number <= 4) expectType(field, LEN)
    if (field.number === 1) readLabel(bytes, field)
    if (field.number === 2) counts.samples++
    if (field.number === 3) counts.exemplars++
    if (field.number === 3 && output === '2.0') checkExemplar(bytes, field)
    if (field.number === 4) counts.histograms++
  }
  return { kind: 'series', hasBadReference: false, counts, timesLost: 0, histogramsLost: 0 }
}

function checkExemplar(bytes: Uint8Array, exemplar: Field): void {
  for (const field of fields(bytes, exemplar.start, exemplar.end)) {
    if (field.number !== 1) continue
    expectType(field, LEN)
    readLabel(bytes, field)
  }
}

/** Of a series or an exemplar. */
function* labelFields(bytes: Uint8Array, parent: Field): Generator<Field> {
  for (const field of fields(bytes, parent.start, parent.end)) if (field.number === 1) yield field
}

function* labelsOf(bytes: Uint8Array, parent: Field): Generator<Label> {
  for (const field of labelFields(bytes, parent)) yield readLabel(bytes, field)
}

/** As every protobuf decoder reads it: of a repeated name or value the last counts, and a missing one is empty. */
function readLabel(bytes: Uint8Array, label: Field): Label {
  let name = bytes.subarray(0, 0)
  let value = bytes.subarray(0, 0)
  for (const field of fields(bytes, label.start, label.end)) {
    if (field.number > 2) continue
    expectType(field, LEN)
    if (field.number === 1) name = bytes.subarray(field.start, field.end)
    else value = bytes.subarray(field.start, field.end)
  }
  return { name, value }
}

const SERIES_TAG = 0x0a

function writeEntry(bytes: Uint8Array, record: Field, strip: number | undefined): Uint8Array[] {
  if (strip === undefined) return [bytes.subarray(record.at, record.end)]
  const label = labelFields(bytes, record).drop(strip).next().value as Field
  const before = bytes.subarray(record.start, label.at)
  const after = bytes.subarray(label.end, record.end)
  return [Uint8Array.of(SERIES_TAG), varintBytes(before.length + after.length), before, after]
}

/** A character for each byte. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
