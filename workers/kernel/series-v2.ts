// One series of remote write 2.0, as request-v2.ts quotes it: its label references, what it counts, and whether
// all of its references lead somewhere. Samples and histograms are counted and not opened.
import { BAD_VARINT, PROTOBUF_MALFORMED, REFS, REFS_ROOM } from './abi'
import { fault } from './fault'
import { expectLen, expectVarint, fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, setFieldEnd, VARINT } from './field'
import { symbolCount, textAt, watchOf } from './symbols'
import { readTime, readTimes, timeIn } from './times'
import { behind, varint } from './varint'
import { note } from './watches'

@unmanaged
export class Series {
  /** The contents. */
  start: u32
  end: u32
  /** Where the fields behind the label references begin; the contents' start, if references may stand among these. */
  rest: u32
  /** Whether there are references in the rest: of labels, exemplars or metadata. */
  refersMore: u32
  /** All its label references, without those of a stripped label: words, in the arena REFS. */
  refs: u32
  refsEnd: u32
  /** The next series: of the message, and once it has a tenant, of that. */
  next: u32
  /** What is folded into it; see fold.ts. */
  folds: u32
}

/** Where the next reference goes, and where the room for them ends. */
export let refs: usize = 0
export let refsEnd: usize = 0

// What was found in the series that was read last.
export let samples: u32 = 0
export let histograms: u32 = 0
export let exemplars: u32 = 0
/** Whether there are references in what follows the labels. */
export let refersMore: bool = false
/** Whether a reference leads nowhere, or one is without its pair. */
export let isBad: bool = false

export function openRefs(): void {
  refs = load<u32>(REFS)
  refsEnd = refs + load<u32>(REFS_ROOM)
}

/** Adds a pair, for which there is room. */
// @ts-ignore: decorator
@inline
export function addRefs(name: u32, value: u32): void {
  store<u32>(refs, name)
  store<u32>(refs, value, 4)
  refs += 8
}

/** Forgets the references from `p` on. */
export function dropRefs(p: usize): void {
  refs = p
}

/**
 * The bet: one packed record of label references stands first, in whole pairs that all lead somewhere, and what
 * follows has no more of them. Answers false where it is not so, or anything is wrong: then the series is read again.
 * Fallback: readOddSeries. Benchmark: split/rw2.
 */
// @ts-ignore: decorator
@inline
export function readSeries(series: Series): bool {
  const end = <usize>series.end
  const symbols = symbolCount
  const watches = watchOf
  samples = histograms = exemplars = 0
  refersMore = isBad = false
  let to = refs
  let i = <usize>series.start
  if (i < end && load<u8>(i) == 0x0a) {
    let length = <u32>load<u8>(i, 1)
    i += 2
    if (length > 127) {
      length = (length & 0x7f) | (<u32>load<u8>(i++) << 7)
      if (length > 0x3fff) return false
    }
    const stop = i + length
    if (stop > end) return false
    while (i < stop) {
      let name = <u32>load<u8>(i++)
      if (name > 127) {
        name = (name & 0x7f) | (<u32>load<u8>(i++) << 7)
        if (name > 0x3fff) {
          name = (name & 0x3fff) | (<u32>load<u8>(i++) << 14)
          if (name > 0x1fffff) return false
        }
      }
      let value = <u32>load<u8>(i++)
      if (value > 127) {
        value = (value & 0x7f) | (<u32>load<u8>(i++) << 7)
        if (value > 0x3fff) {
          value = (value & 0x3fff) | (<u32>load<u8>(i++) << 14)
          if (value > 0x1fffff) return false
        }
      }
      if (name >= symbols || value >= symbols) return false
      store<u32>(to, name)
      store<u32>(to, value, 4)
      const watch = <usize>load<u32>(watches + (<usize>name << 2))
      if (watch != 0) {
        const text = textAt(value)
        note(watch, to, value, text.start, text.end - text.start)
      }
      to += 8
    }
    if (i != stop) return false
  }
  refs = to
  series.rest = <u32>i
  while (i < end) {
    const w = <u32>load<u16>(i)
    const stop = i + 2 + (w >> 8)
    if (w < 0x8000 && stop <= end) {
      const tag = w & 0xff
      if (tag == 0x12) {
        samples++
        i = stop
        continue
      }
      if (tag == 0x2a && isPlainMetadata(i + 2, stop)) {
        refersMore = true
        i = stop
        continue
      }
    }
    // Framing it costs little beside what is in it.
    if (frame(i, end) || fieldNumber == 1) return false
    if (fieldNumber <= 5) {
      if (checkField(i)) return false
      if (isBad) return false
    }
    i = fieldEnd
  }
  return true
}

/** 08 TT 18 help 20 unit, each in its place, as Prometheus writes it. */
// @ts-ignore: decorator
@inline
function isPlainMetadata(i: usize, end: usize): bool {
  if (load<u8>(i) == 0x08 && load<u8>(i, 1) < 128) i += 2
  if (load<u8>(i) == 0x18) {
    i = plainRef(i + 1)
    if (i == 0) return false
  }
  if (load<u8>(i) == 0x20) {
    i = plainRef(i + 1)
    if (i == 0) return false
  }
  return i == end
}

/** The position behind the reference at `i`, if it leads somewhere and has at most three bytes; else 0. */
// @ts-ignore: decorator
@inline
function plainRef(i: usize): usize {
  let ref = <u32>load<u8>(i++)
  if (ref > 127) {
    ref = (ref & 0x7f) | (<u32>load<u8>(i++) << 7)
    if (ref > 0x3fff) ref = (ref & 0x3fff) | (<u32>load<u8>(i++) << 14)
  }
  return ref < symbolCount && ref <= 0x1fffff ? i : 0
}

/**
 * Reads any series: references in any number of records, packed or not. `opens`: samples and histograms, too, because
 * they go out as 1.0. Answers 0 or FAULT; `isBad` tells of references.
 */
export function readOddSeries(series: Series, opens: bool): i32 {
  const end = <usize>series.end
  const first = refs
  samples = histograms = exemplars = 0
  refersMore = true
  isBad = false
  series.rest = series.start
  let i = <usize>series.start
  while (i < end) {
    if (frame(i, end)) return -1
    const stop = fieldEnd
    const number = fieldNumber
    if (number == 1) {
      if (fieldType == VARINT) addRef(fieldValue)
      else if (expectLen(i) || readRefs(fieldStart, stop)) return -1
    } else if (number <= 5) {
      if (checkField(i)) return -1
      if (opens && number <= 3 && readTimes(timeIn(number), fieldStart, stop)) return -1
    } else if (opens && number == 6 && readTime(i)) return -1
    i = stop
  }
  if ((refs - first) & 4) isBad = true
  if (isBad) return 0
  for (let pair = first; pair < refs; pair += 8) {
    const watch = <usize>load<u32>(watchOf + (<usize>load<u32>(pair) << 2))
    if (watch == 0) continue
    const value = load<u32>(pair, 4)
    const text = textAt(value)
    note(watch, pair, value, text.start, text.end - text.start)
  }
  return 0
}

function addRef(ref: u32): void {
  if (ref >= symbolCount) isBad = true
  store<u32>(refs, ref)
  refs += 4
}

function readRefs(i: usize, end: usize): i32 {
  while (i < end) {
    const ref = <u32>varint(i, end)
    if (behind == 0) return fault(PROTOBUF_MALFORMED, i, BAD_VARINT)
    addRef(ref)
    i = behind
  }
  return 0
}

/**
 * Counts the field at `at` that was just framed, number 2 to 5, and checks what it refers to. Keeps what `frame` has
 * left.
 */
function checkField(at: usize): i32 {
  if (expectLen(at)) return -1
  const end = fieldEnd
  const number = fieldNumber
  if (number == 2) {
    samples++
    return 0
  }
  if (number == 3) {
    histograms++
    return 0
  }
  refersMore = true
  if (number == 4) exemplars++
  const answer = number == 4 ? checkExemplar(fieldStart, end) : checkMetadata(fieldStart, end)
  setFieldEnd(end)
  return answer
}

function checkExemplar(i: usize, end: usize): i32 {
  // The references are looked at and forgotten again.
  const first = refs
  while (i < end) {
    if (frame(i, end)) return -1
    const stop = fieldEnd
    if (fieldNumber == 1) {
      if (fieldType == VARINT) addRef(fieldValue)
      else if (expectLen(i) || readRefs(fieldStart, stop)) return -1
    }
    i = stop
  }
  if ((refs - first) & 4) isBad = true
  refs = first
  return 0
}

function checkMetadata(i: usize, end: usize): i32 {
  while (i < end) {
    if (frame(i, end)) return -1
    if (fieldNumber == 3 || fieldNumber == 4) {
      if (expectVarint(i)) return -1
      if (fieldValue >= symbolCount) isBad = true
    }
    i = fieldEnd
  }
  return 0
}
