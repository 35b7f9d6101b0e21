/**
 * Remote write 2.0: strings stand once, in a table, and everything else refers to them.
 *
 *     message Request {
 *       reserved 1 to 3; // the fields of a 1.0 WriteRequest
 *       repeated string symbols = 4;
 *       repeated TimeSeries timeseries = 5;
 *     }
 *     message TimeSeries {
 *       repeated uint32 labels_refs = 1; // pairs: name, value
 *       repeated Sample samples = 2;
 *       repeated Histogram histograms = 3;
 *       repeated Exemplar exemplars = 4;
 *       Metadata metadata = 5;
 *     }
 *     message Exemplar { repeated uint32 labels_refs = 1; … }
 *     message Metadata { …; uint32 help_ref = 3; uint32 unit_ref = 4; }
 *
 * The message is walked twice: first its own fields, because symbols may stand behind the series; then each series in
 * order, in byte order, its exemplars and metadata where they are met. Faults come in that order, so a fault between
 * the series wins over one inside an earlier series. Samples and histograms are counted, and opened only where they go
 * out as 1.0, because that has no start_timestamp (as-write-request.ts). Fields 1 to 3 of the message are those of 1.0:
 * the wrong protocol. `too_many_series` is found at the tag of the series in the first walk.
 *
 * References may be packed, single, or both, and a pair may be torn apart by that. A reference is a uint32: of a longer
 * varint the low 32 bits count. One beyond the table, or an odd number of label references, in the series or in an
 * exemplar, makes that series refused. A reference to 0 means what `symbols[0]` spells, as Prometheus reads it, even
 * where a sender broke the rule that this is "".
 *
 * **What a share looks like**, byte for byte:
 * - `22`, length, string for each symbol: first "", then every symbol that the share uses, in the order in which the
 *   bytes below first refer to it. Empty symbols are all reference 0. A string that the push spells under two indexes
 *   is there twice if both are used.
 * - `2a`, length, contents for each series, in the order of the push. Contents: all label references as one packed
 *   field (`0a`, length, varints; left out where there are none), then the other fields in their order as they came,
 *   but for `22`, length, exemplar: the same again (packed references, then its other fields as they came); and
 *   `2a`, length, metadata: its fields in their order as they came, help_ref and unit_ref each in its place as `18` or
 *   `20` and a varint, also where that is 0. What is folded into a series (fold.ts) follows, written in the same way.
 * - then the push's other fields in their order, as they came.
 * All tags, lengths and references written here are the shortest varints.
 */
import protobuf from 'protobufjs/minimal.js'
import { Fault } from '../../wire/fault.ts'
import { concat, expectType, type Field, fields, LEN, uint32s, VARINT } from '../../wire/protobuf.ts'
import type { Protocol } from '../split.ts'
import { hasCustomBuckets, timesLost, writeAsV1 } from './as-write-request.ts'
import type { Entry, Label, Message, Part, SeriesMetadata } from './message.ts'
import { ShareSymbols } from './share-symbols.ts'
import { Slices } from './slices.ts'

/** Borrows `bytes` for as long as the message is used. `output`: what it is to be written as. Throws a Fault. */
export function readRequest(bytes: Uint8Array, maxEntries: number, output: Protocol): Message {
  const symbols = new Slices(bytes)
  const records: Field[] = []
  const others = new Slices(bytes)
  for (const field of fields(bytes, 0, bytes.length)) {
    if (field.number <= 3) {
      throw new Fault('wrong_protocol', field.at, 'a field of remote write 1.0 in a 2.0 message')
    }
    if (field.number > 5) {
      others.add(field.at, field.end)
      continue
    }
    expectType(field, LEN)
    if (field.number === 4) {
      symbols.add(field.start, field.end)
      continue
    }
    if (records.length === maxEntries)
      throw new Fault('too_many_series', field.at, 'more entries than the limit')
    records.push(field)
  }
  const options = others.joined()
  const labelsOf = (parent: Field) => labels(bytes, parent, symbols)
  const writeSpelled = (parts: readonly Part[], maxBytes: number) => {
    const list = parts.map(({ entry, strip }) => ({ series: records[entry] as Field, strip, folds: [] }))
    return writeAsV1(bytes, list, labelsOf, maxBytes)
  }
  return {
    output,
    entries: records.map(record => checkSeries(bytes, record, symbols, output)),
    hasOptions: output === '2.0' && options.length > 0,
    isCanonical: output === '2.0' && symbols.count > 0 && symbols.get(0).length === 0,
    labels: entry => labelsOf(records[entry] as Field),
    record(entry) {
      const { at, end } = records[entry] as Field
      return bytes.subarray(at, end)
    },
    metadata: entry => readMetadata(bytes, records[entry] as Field, symbols),
    write(parts, maxBytes) {
      if (output === '1.0') return writeSpelled(parts, maxBytes)
      const used = new ShareSymbols(symbols)
      const series: Uint8Array[] = []
      let length = options.length
      for (const { entry, strip, folds = [] } of parts) {
        const folded = folds.map(it => records[it] as Field)
        const record = writeSeries(bytes, records[entry] as Field, strip, used, folded)
        series.push(record)
        length += record.length
        // Here, because each series may bring a long string with it.
        if (used.bytes + length > maxBytes) return undefined
      }
      return concat([used.write(), ...series, options], maxBytes)
    },
    labelsKey({ entry, strip }) {
      return [...labelRefs(bytes, records[entry] as Field)]
        .filter((_, position) => position >> 1 !== strip)
        .join(' ')
    },
    timesLostAside(entry) {
      const { start, end } = records[entry] as Field
      let lost = 0
      for (const field of fields(bytes, start, end)) lost += timesLost(bytes, field)
      return lost
    },
    writeAside: writeSpelled,
  }
}

/** Walks the whole series, so that what comes later can trust it. */
function checkSeries(bytes: Uint8Array, series: Field, symbols: Slices, output: Protocol): Entry {
  const counts = { series: 1, samples: 0, histograms: 0, exemplars: 0, metadata: 0 }
  const labels = new RefCheck(symbols.count)
  let hasBadReference = false
  let lost = 0
  let histogramsLost = 0
  for (const field of fields(bytes, series.start, series.end)) {
    if (field.number === 1) expectType(field, LEN, VARINT)
    else if (field.number <= 5) expectType(field, LEN)
    if (field.number === 1) labels.see(uint32s(bytes, field))
    if (field.number === 2) counts.samples++
    if (field.number === 3) counts.histograms++
    if (field.number === 4) counts.exemplars++
    if (field.number === 4 && !isExemplar(bytes, field, symbols)) hasBadReference = true
    if (field.number === 5 && !isMetadata(bytes, field, symbols)) hasBadReference = true
    if (output === '2.0') continue
    lost += timesLost(bytes, field)
    if (field.number === 3 && hasCustomBuckets(bytes, field)) histogramsLost++
  }
  if (!labels.arePairs) hasBadReference = true
  return { kind: 'series', hasBadReference, counts, timesLost: lost, histogramsLost }
}

function isExemplar(bytes: Uint8Array, exemplar: Field, symbols: Slices): boolean {
  const labels = new RefCheck(symbols.count)
  for (const field of fields(bytes, exemplar.start, exemplar.end)) {
    if (field.number !== 1) continue
    expectType(field, LEN, VARINT)
    labels.see(uint32s(bytes, field))
  }
  return labels.arePairs
}

function isMetadata(bytes: Uint8Array, metadata: Field, symbols: Slices): boolean {
  const refs = new RefCheck(symbols.count)
  for (const field of fields(bytes, metadata.start, metadata.end)) {
    if (field.number !== HELP_REF && field.number !== UNIT_REF) continue
    expectType(field, VARINT)
    refs.see([field.uint32])
  }
  return refs.areKnown
}

/** As every decoder reads it: a message that is repeated is merged, and of each of its fields the last counts. */
function readMetadata(bytes: Uint8Array, series: Field, symbols: Slices): SeriesMetadata {
  const read = { type: 0, help: new Uint8Array(0), unit: new Uint8Array(0) }
  for (const field of fields(bytes, series.start, series.end)) {
    if (field.number !== 5) continue
    for (const { number, type, uint32 } of fields(bytes, field.start, field.end)) {
      if (number === 1 && type === VARINT) read.type = uint32
      if (number === HELP_REF) read.help = new Uint8Array(symbols.get(uint32))
      if (number === UNIT_REF) read.unit = new Uint8Array(symbols.get(uint32))
    }
  }
  return read
}

const HELP_REF = 3
const UNIT_REF = 4

class RefCheck {
  readonly #symbols: number
  #count = 0
  areKnown = true

  constructor(symbols: number) {
    this.#symbols = symbols
  }

  /** Reads to the end in any case: a malformed varint behind a bad reference is still malformed. */
  see(refs: Iterable<number>): void {
    for (const ref of refs) {
      this.#count++
      if (ref >= this.#symbols) this.areKnown = false
    }
  }

  get arePairs(): boolean {
    return this.areKnown && this.#count % 2 === 0
  }
}

/** Of a series or an exemplar: all `labels_refs`, in however many records they stand. */
function* labelRefs(bytes: Uint8Array, parent: Field): Generator<number> {
  for (const field of fields(bytes, parent.start, parent.end)) {
    if (field.number === 1) yield* uint32s(bytes, field)
  }
}

/** Of a series or an exemplar whose references are known to be good. */
function* labels(bytes: Uint8Array, parent: Field, symbols: Slices): Generator<Label> {
  // Names stand at even positions only: a value may well spell the name of the tenant label.
  let name: Uint8Array | undefined
  for (const ref of labelRefs(bytes, parent)) {
    const symbol = symbols.get(ref)
    if (name === undefined) {
      name = symbol
    } else {
      yield { name, value: symbol }
      name = undefined
    }
  }
}

const REFS_TAG = 0x0a
const EXEMPLAR_TAG = 0x22
const METADATA_TAG = 0x2a
const SERIES_TAG = 0x2a

type Refs = Pick<ShareSymbols, 'refTo'>

export function writeSeries(
  bytes: Uint8Array,
  series: Field,
  strip: number | undefined,
  used: Refs,
  folds: readonly Field[] = [],
): Uint8Array {
  const writer = protobuf.Writer.create().uint32(SERIES_TAG).fork()
  writeRefs(writer, labelRefs(bytes, series), strip, used)
  /** Of those that a series has once at most, which it has. */
  const has = new Set<number>()
  for (const part of [series, ...folds]) {
    const hadBefore = new Set(has)
    for (const field of fields(bytes, part.start, part.end)) {
      if (field.number === METADATA || field.number === CREATED_TIMESTAMP) has.add(field.number)
      if (field.number !== 1 && !hadBefore.has(field.number)) writeField(writer, bytes, field, used)
    }
  }
  return writer.ldelim().finish()
}

const METADATA = 5
const CREATED_TIMESTAMP = 6

/** A field of a series, but not of its labels. */
function writeField(writer: protobuf.Writer, bytes: Uint8Array, field: Field, used: Refs): void {
  if (field.number === 4) {
    writer.uint32(EXEMPLAR_TAG).fork()
    writeRefs(writer, labelRefs(bytes, field), undefined, used)
    for (const inner of fields(bytes, field.start, field.end)) {
      if (inner.number !== 1) writer.raw(bytes.subarray(inner.at, inner.end))
    }
    writer.ldelim()
  } else if (field.number === METADATA) {
    writer.uint32(METADATA_TAG).fork()
    for (const inner of fields(bytes, field.start, field.end)) {
      if (inner.number !== HELP_REF && inner.number !== UNIT_REF) {
        writer.raw(bytes.subarray(inner.at, inner.end))
      } else {
        writer.uint32(inner.number << 3).uint32(used.refTo(inner.uint32))
      }
    }
    writer.ldelim()
  } else {
    writer.raw(bytes.subarray(field.at, field.end))
  }
}

function writeRefs(
  writer: protobuf.Writer,
  refs: Iterable<number>,
  strip: number | undefined,
  used: Refs,
): void {
  const packed = protobuf.Writer.create()
  let position = 0
  for (const ref of refs) {
    if (position >> 1 !== strip) packed.uint32(used.refTo(ref))
    position++
  }
  if (packed.pos > 0) writer.uint32(REFS_TAG).bytes(packed.finish())
}
