/**
 * Series of remote write 1.0 as a message of 2.0; as-write-request.ts has both schemas side by side.
 *
 * **What a share looks like**, byte for byte:
 * - `22`, length, string for each symbol: first "", then each different string of the share's labels and of its
 *   exemplars' labels once, in the order in which the bytes below first refer to it.
 * - `2a`, length, contents for each series, in the order of the push. Contents: all label references as one packed
 *   field (`0a`, length, varints; left out where there are none), then the other fields in their order:
 *   `12`, length, sample as it came; `1a`, length, histogram as it came; `22`, length, exemplar: packed references, then
 *   its other fields as they came; and what no schema knows as it came, but for fields 5 and 6, which mean something in
 *   2.0.
 * All tags, lengths and references written here are the shortest varints. The request's own fields are left out: their
 * numbers mean something else in the other message, or nothing.
 */

import { fields, varintBytes } from '../../wire/protobuf.ts'
import { Growing } from './growing.ts'
import type { Converted, Label, LabelsOf } from './message.ts'
import { without } from './slices.ts'

const SYMBOL_TAG = 0x22
const SERIES_TAG = 0x2a
const REFS_TAG = 0x0a
const SAMPLE_TAG = 0x12
const HISTOGRAM_TAG = 0x1a
const EXEMPLAR_TAG = 0x22

/** Returns a Request of the series given, which stand in `bytes`; throws a Fault if it would be longer than `maxBytes`. */
export function writeAsV2(
  bytes: Uint8Array,
  list: readonly Converted[],
  labelsOf: LabelsOf,
  maxBytes: number,
): Uint8Array {
  const strings = new Strings(maxBytes)
  const series = new Growing(maxBytes)
  for (const converted of list) writeSeries(series, bytes, converted, strings, labelsOf)
  const out = new Growing(maxBytes)
  out.raw(strings.write())
  out.raw(series.written())
  return out.written()
}

/** The string table of a share whose strings came spelled out. */
export class Strings {
  /** The string's bytes, one a character → its reference. */
  readonly #refs = new Map<string, number>([['', 0]])
  readonly #records: Growing

  constructor(max: number) {
    this.#records = new Growing(max)
    this.#records.len(SYMBOL_TAG, new Uint8Array(0))
  }

  /** Throws a Fault where the table would become longer than `max`. */
  refTo(string: Uint8Array): number {
    const key = Buffer.from(string.buffer, string.byteOffset, string.length).toString('latin1')
    const known = this.#refs.get(key)
    if (known !== undefined) return known
    this.#records.len(SYMBOL_TAG, string)
    const fresh = this.#refs.size
    this.#refs.set(key, fresh)
    return fresh
  }

  /** The records of Request.symbols. */
  write(): Uint8Array {
    return this.#records.written()
  }
}

function writeSeries(
  out: Growing,
  bytes: Uint8Array,
  { series, strip, folds }: Converted,
  strings: Strings,
  labelsOf: LabelsOf,
): void {
  const contents = new Growing(out.left)
  writeRefs(contents, labelsOf(series), strip, strings)
  const parts = [series, ...folds].flatMap(part => [...fields(bytes, part.start, part.end)])
  for (const field of parts) {
    const value = bytes.subarray(field.start, field.end)
    switch (field.number) {
      case 1:
      case 5:
      case 6:
        break
      case 2:
        contents.len(SAMPLE_TAG, value)
        break
      case 3: {
        const exemplar = new Growing(contents.left)
        writeRefs(exemplar, labelsOf(field), undefined, strings)
        exemplar.raw(without(bytes, field, 1))
        contents.len(EXEMPLAR_TAG, exemplar.written())
        break
      }
      case 4:
        contents.len(HISTOGRAM_TAG, value)
        break
      default:
        contents.raw(bytes.subarray(field.at, field.end))
    }
  }
  out.len(SERIES_TAG, contents.written())
}

function writeRefs(out: Growing, labels: Iterable<Label>, strip: number | undefined, strings: Strings): void {
  const packed = new Growing(out.left)
  let index = 0
  for (const { name, value } of labels) {
    if (index++ === strip) continue
    packed.raw(varintBytes(strings.refTo(name)))
    packed.raw(varintBytes(strings.refTo(value)))
  }
  if (packed.length > 0) out.len(REFS_TAG, packed.written())
}
