// What a series of 2.0 takes as 1.0, when its labels are spelled out; as-write-request.ts writes it. A reference of one
// byte becomes a string of any length, so every series is measured when it is routed, and the sum of all is held against
// the limit before anything is written.
import { fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, VARINT } from './field'
import { Series } from './series-v2'
import { sizeOf } from './symbols'
import { isCustom, keptBytes, openTimes, readTime, readTimes, timeIn } from './times'
import { behind, varint, varintSize } from './varint'

/** A series that is to be spelled out. */
@unmanaged
export class SpelledSeries extends Series {
  /** Up to here what follows the labels goes out as it stands. */
  plain: u32
  /** Behind the last field that goes out. */
  last: u32
  /** Bytes of the contents as 1.0, from `spell` on. */
  size: u32
}

/** Bytes of what follows the labels in the series that was measured last. */
let restSize: u64 = 0

/** Histograms of it that 1.0 can't say. */
export let histogramsLost: u32 = 0

/** Measures what follows the labels. Answers 0 or FAULT: samples and histograms were not opened before. */
export function measure(series: SpelledSeries): i32 {
  openTimes()
  histogramsLost = 0
  const rest = <usize>series.rest
  const end = <usize>series.end
  let i = rest
  // The common case: samples without start_timestamp, and metadata, which has no place in 1.0.
  let stop = i + 2
  while (stop <= end) {
    const w = <u32>load<u16>(i)
    stop += w >> 8
    if ((w & 0x80ff) != 0x12 || stop > end || !isPlainSample(i + 2, stop)) break
    i = stop
    stop += 2
  }
  series.plain = <u32>i
  restSize = i - rest
  let last = i
  while (i < end) {
    const w = <u32>load<u16>(i)
    if ((w & 0x80ff) == 0x2a) {
      i += 2 + (w >> 8)
      continue
    }
    // It was framed before.
    frame(i, end)
    stop = fieldEnd
    const number = fieldNumber
    if (number == 6) {
      if (readTime(i)) return -1
    } else if (number != 1 && number != 5) {
      if (number == 2 || number == 3) {
        if (readTimes(timeIn(number), fieldStart, stop)) return -1
        if (isCustom) {
          histogramsLost++
          i = stop
          continue
        }
        restSize += 1 + varintSize(keptBytes) + keptBytes
      } else if (number == 4) {
        const size = exemplarSize(fieldStart, stop)
        restSize += 1 + varintSize(<u32>size) + size
      } else {
        restSize += stop - i
      }
      last = stop
    }
    i = stop
  }
  series.last = <u32>last
  return 0
}

/** 09 value 10 timestamp, as Prometheus writes it; a value of 0 may be left out. */
// @ts-ignore: decorator
@inline
function isPlainSample(i: usize, end: usize): bool {
  if (load<u8>(i) == 0x09) i += 9
  if (load<u8>(i++) != 0x10) return false
  // How many bytes say that another one follows.
  const more = <usize>(ctz(~load<u64>(i) & 0x8080808080808080) >> 3)
  return more < 8 && i + more + 1 == end
}

/** Completes the size of a measured series, whose labels are those that go out; returns bytes of its record. */
export function spell(series: SpelledSeries): u64 {
  let size = restSize
  for (let ref = <usize>series.refs, end = <usize>series.refsEnd; ref < end; ref += 8) {
    size += labelSize(sizeOf(load<u32>(ref)), sizeOf(load<u32>(ref, 4)))
  }
  // What does not fit in 32 bits is more than any limit, so it is never written.
  series.size = <u32>size
  return 1 + varintSize(<u32>size) + size
}

// @ts-ignore: decorator
@inline
function labelSize(name: u32, value: u32): u64 {
  const size = <u64>name + value
  return 1 + varintSize(<u32>size) + size
}

// ---- exemplars, whose references may stand in any number of records, packed or not

/** The reference before, if that was a name and its value comes next. */
let name: u32 = 0
let isPair: bool = false

/** Bytes of an exemplar's contents as 1.0. */
export function exemplarSize(i: usize, end: usize): u64 {
  let size: u64 = 0
  isPair = false
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber != 1) size += stop - i
    else if (fieldType == VARINT) size += refSize(fieldValue)
    else size += refsSize(fieldStart, stop)
    i = stop
  }
  return size
}

/** Of a label, where it is complete. */
function refSize(ref: u32): u64 {
  const size = isPair ? labelSize(sizeOf(name), sizeOf(ref)) : 0
  name = ref
  isPair = !isPair
  return size
}

function refsSize(i: usize, end: usize): u64 {
  let size: u64 = 0
  while (i < end) {
    const ref = <u32>varint(i, end)
    i = behind
    size += refSize(ref)
  }
  return size
}
