/** A WriteRequest as the demo's sender makes it; see proto/write_request.proto. */
import protobuf from 'protobufjs/minimal.js'
import type { Labels } from './memory.ts'

export interface SentSeries {
  readonly labels: Labels
  /** `undefined` ends the series: it is sent as a stale marker. */
  readonly value: number | undefined
}

/** One sample at `time` (milliseconds since the epoch) for each series. Returns the message before compression, fresh. */
export function writeRequest(series: readonly SentSeries[], time: number): Uint8Array {
  const writer = protobuf.Writer.create()
  for (const { labels, value } of series) {
    writer.uint32(LEN_1).fork() // repeated TimeSeries timeseries = 1
    for (const [name, text] of labels) {
      writer.uint32(LEN_1).fork() // repeated Label labels = 1
      writer.uint32(LEN_1).string(name).uint32(LEN_2).string(text)
      writer.ldelim()
    }
    writer.uint32(LEN_2).fork() // repeated Sample samples = 2
    writer.uint32(FIXED64_1) // double value = 1
    if (value === undefined) writer.fixed64(STALE_MARKER)
    else writer.double(value)
    writer.uint32(VARINT_2).int64(time) // int64 timestamp = 2
    writer.ldelim()
    writer.ldelim()
  }
  return writer.finish()
}

const LEN_1 = 0x0a
const LEN_2 = 0x12
const FIXED64_1 = 0x09
const VARINT_2 = 0x10

/** 0x7ff0000000000002, as bits: a NaN that goes through a JS number may come out as another NaN. */
const STALE_MARKER = '9218868437227405314'
