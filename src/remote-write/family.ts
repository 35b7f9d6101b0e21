/**
 * Names of metric families: how an entry of 1.0 metadata spells its own, and how it follows from the name of a series.
 * All of them are what a sender wrote, so there is one place that says which are worth to be remembered.
 */
import { isUtf8 } from 'node:buffer'
import { Fault } from '../wire/fault.ts'
import { fields, LEN } from '../wire/protobuf.ts'
import type { Family, Reported } from './split.ts'

/** Longest name that is taken notice of; Prometheus has no limit, and no exporter comes near this one. */
const MAX_NAME_BYTES = 512

/**
 * Longest help text and unit; a longer one counts as none. Mimir cuts at 1,024 bytes. In 2.0, one text of megabytes may
 * belong to any number of families.
 */
const MAX_TEXT_BYTES = 4096

export const NOTHING_REPORTED: Reported = Object.freeze({ entries: [], names: [], families: [] })

/** The name that these bytes spell; empty where they are none: too long, or not UTF-8. Borrows `bytes`. */
export function nameOf(bytes: Uint8Array): string {
  if (bytes.length > MAX_NAME_BYTES || !isUtf8(bytes)) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}

/** A help text or unit as far as it is taken notice of. */
export function takenText(bytes: Uint8Array): Uint8Array {
  return bytes.length > MAX_TEXT_BYTES ? bytes.subarray(0, 0) : bytes
}

/** Such a text; what is not UTF-8 becomes U+FFFD: it is only for people to read. Borrows `bytes`. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}

/** `MetricMetadata.metric_family_name` of a record of `WriteRequest.metadata`; empty where it has none that can be read. */
export function familyOf(record: Uint8Array): string {
  try {
    let name = record.subarray(0, 0)
    for (const metadata of fields(record, 0, record.length)) {
      for (const field of fields(record, metadata.start, metadata.end)) {
        // Of a repeated one the last counts, as with every decoder.
        if (field.number === 2 && field.type === LEN) name = record.subarray(field.start, field.end)
      }
    }
    return nameOf(name)
  } catch (error) {
    // Metadata is not opened otherwise, so what can't be read is not worth a refusal.
    if (error instanceof Fault) return ''
    throw error
  }
}

/** Numbers of MetricType → suffixes of the series that belong to one family. A counter is named with its `_total`. */
const SERIES_SUFFIXES: Readonly<Record<number, readonly string[]>> = {
  3: ['_bucket', '_sum', '_count'],
  4: ['_bucket', '_gsum', '_gcount'],
  5: ['_sum', '_count'],
}

/** The family of a series with this name and type. */
export function familyOfSeries(name: string, type: number): string {
  const suffix = SERIES_SUFFIXES[type]?.find(suffix => name.endsWith(suffix) && name.length > suffix.length)
  return suffix === undefined ? name : name.slice(0, -suffix.length)
}

/** Tells families that differ in anything. No separator would do: a help text may hold any character. */
export function keyOfFamily({ name, type, help, unit }: Family): string {
  return `${type} ${name.length} ${unit.length} ${name}${unit}${help}`
}
