/** The body of one push, read for display: labels and float samples. Histograms, exemplars and metadata are passed over. */

import { expectType, FIXED64, type Field, fields, LEN, VARINT } from '../wire/protobuf.ts'
import { decodeSnappy } from '../wire/snappy.ts'
import type { Labels, ReceivedSeries } from './memory.ts'
import type { Sample } from './samples.ts'

/** Throws where `body` is not one complete snappy block of a WriteRequest; see proto/write_request.proto. Borrows `body`. */
export function readPush(body: Uint8Array, maxDecodedBytes: number): readonly ReceivedSeries[] {
  const message = Buffer.from(decodeSnappy(body, maxDecodedBytes).buffer)
  const series: ReceivedSeries[] = []
  for (const field of fields(message, 0, message.length)) {
    if (is(field, 1, LEN)) series.push(readSeries(message, field)) // repeated TimeSeries timeseries = 1
  }
  return series
}

function readSeries(message: Buffer, within: Field): ReceivedSeries {
  const labels: Label[] = []
  const samples: Sample[] = []
  for (const field of fields(message, within.start, within.end)) {
    if (is(field, 1, LEN))
      labels.push(readLabel(message, field)) // repeated Label labels = 1
    else if (is(field, 2, LEN)) samples.push(readSample(message, field)) // repeated Sample samples = 2
  }
  return { labels: inOrder(labels), samples }
}

function readLabel(message: Buffer, within: Field): Label {
  let name = ''
  let value = ''
  for (const field of fields(message, within.start, within.end)) {
    if (is(field, 1, LEN)) name = message.toString('utf8', field.start, field.end)
    else if (is(field, 2, LEN)) value = message.toString('utf8', field.start, field.end)
  }
  return [name, value]
}

function readSample(message: Buffer, within: Field): Sample {
  let bits = 0n
  let time = 0
  for (const field of fields(message, within.start, within.end)) {
    if (is(field, 1, FIXED64))
      bits = message.readBigUInt64LE(field.start) // double value = 1, by its bits
    else if (is(field, 2, VARINT)) time = readInt64(message, field) // int64 timestamp = 2
  }
  return { bits, time }
}

type Label = Labels[number]

/** Whether it is field `number`, which must then have that type. */
function is(field: Field, number: number, type: Field['type']): boolean {
  if (field.number !== number) return false
  expectType(field, type)
  return true
}

/** The varint of `field`; `fields` has seen that it is complete. */
function readInt64(message: Buffer, field: Field): number {
  let value = 0n
  for (let i = field.end - 1; i >= field.start; i--) {
    value = (value << 7n) | BigInt((message[i] as number) & 0x7f)
  }
  return Number(BigInt.asIntN(64, value))
}

/** A label with an empty value is no label. */
function inOrder(labels: readonly Label[]): Labels {
  return labels.filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}
