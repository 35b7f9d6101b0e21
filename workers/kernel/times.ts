// The times that 2.0 has and 1.0 has not: created_timestamp of a series, start_timestamp of a sample and of a histogram.
//
//   message TimeSeries { …; int64 created_timestamp = 6; }
//   message Sample { …; int64 start_timestamp = 3; }
//   message Histogram { …; int64 start_timestamp = 17; }
//
// And the histograms that 1.0 can't say: those with custom buckets. Of these no time is counted, they are lost as a whole.
//
//   message Histogram { …; sint32 schema = 4; …; repeated double custom_values = 16; }
import { expectVarint, fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, VARINT } from './field'
import { varint } from './varint'

/** How many of the series that are not 0. */
export let timesLost: u32 = 0
/** Bytes of the message that `readTimes` has read, without these. */
export let keptBytes: u32 = 0
/** Whether that is a histogram that 1.0 can't say. */
export let isCustom: bool = false

const HISTOGRAM_TIME: u32 = 17
/** Schema -53 as it stands in the message: a sint32. */
const CUSTOM_BUCKETS: u32 = 105

export function openTimes(): void {
  timesLost = 0
}

/** Number of the time in a field of a series, which is 2 (a sample) or 3 (a histogram). */
export function timeIn(number: u32): u32 {
  return number == 2 ? 3 : HISTOGRAM_TIME
}

/** Reads a sample or a histogram, whose time has that number. Answers 0 or FAULT. */
export function readTimes(number: u32, i: usize, end: usize): i32 {
  const before = timesLost
  let schema: u32 = 0
  let hasValues = false
  keptBytes = <u32>(end - i)
  while (i < end) {
    if (frame(i, end)) return -1
    const stop = fieldEnd
    if (fieldNumber == number) {
      if (readTime(i)) return -1
      keptBytes -= <u32>(stop - i)
    } else if (fieldNumber == 16) {
      hasValues = true
    } else if (fieldNumber == 4 && fieldType == VARINT) {
      schema = fieldValue
    }
    i = stop
  }
  isCustom = number == HISTOGRAM_TIME && (hasValues || schema == CUSTOM_BUCKETS)
  if (isCustom) timesLost = before
  return 0
}

/** Reads the field at `at` that was just framed and is such a time. Answers 0 or FAULT. */
export function readTime(at: usize): i32 {
  if (expectVarint(at)) return -1
  if (varint(fieldStart, fieldEnd) != 0) timesLost++
  return 0
}
