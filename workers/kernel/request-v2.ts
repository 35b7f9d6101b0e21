// Remote write 2.0: finds symbols and series, and gives each series to its tenant.
//
//   message Request {
//     reserved 1 to 3; // the fields of a 1.0 WriteRequest
//     repeated string symbols = 4;
//     repeated TimeSeries timeseries = 5;
//   }
//   message TimeSeries {
//     repeated uint32 labels_refs = 1; // pairs: name, value
//     repeated Sample samples = 2;
//     repeated Histogram histograms = 3;
//     repeated Exemplar exemplars = 4;
//     Metadata metadata = 5;
//     int64 created_timestamp = 6;
//   }
//   message Exemplar { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
//   message Metadata { MetricType type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
//
// Two walks, because symbols may stand behind the series: first the message's own fields, then each series in order.
import { FIELD_OF_1_0, MAX_ENTRIES, MESSAGE, METADATA_DROPPED, MORE_ENTRIES, NEED_ENTRIES, NEED_REFS } from './abi'
import { BAD_VARINT, NEED_SYMBOLS, NEED_TENANTS, PROTOBUF_MALFORMED, REFS, REFS_ROOM, RULES } from './abi'
import { TOO_MANY_SERIES, WRONG_PROTOCOL } from './abi'
import { copy } from './bytes'
import { addOption, addRow, openEntries } from './entries'
import { countFrom, fault } from './fault'
import { expectLen, expectVarint, fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, VARINT } from './field'
import { NO_ROOM_LEFT, openPlacement, placeSeries, refuseReference, REFUSED, setCounts, stripped } from './placement'
import { report } from './report'
import { addSymbol, endSymbols, openSymbols, symbolCount, tenantOf, textAt, watchOf } from './symbols'
import { closeTenants, openTenants, Tenant, tenantAt, tenantCount } from './tenants'
import { behind, varint } from './varint'
import { endSeries, nextSeries, note, openWatches, restartSeries, Watch } from './watches'

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
}

let firstSeries: u32 = 0
/** Where the next reference goes, and where the room ends. */
let refs: usize = 0
let refsRoom: usize = 0

// What the series has that is read.
let samples: u32 = 0
let histograms: u32 = 0
let exemplars: u32 = 0
let refersMore: bool = false
let isBad: bool = false

/** Reads the message of n bytes. `mayKeep`: whether a share may be the push itself. Answers 0, FAULT, or what it needs; the report is in the desk. */
export function scanRequest(n: u32, mayKeep: bool): i32 {
  const from = <usize>load<u32>(MESSAGE)
  countFrom(from)
  openEntries()
  openTenants()
  openWatches()
  openSymbols()
  openPlacement(tenantOf)
  refs = load<u32>(REFS)
  refsRoom = refs + load<u32>(REFS_ROOM)
  store<u32>(METADATA_DROPPED, 0)
  const answer = index(from, from + n)
  if (answer) return answer
  endSymbols()
  const result = route(from, n, mayKeep)
  closeTenants()
  return result
}

/** The first walk: symbols, series and other fields of the message. */
function index(from: usize, end: usize): i32 {
  const most = load<u32>(load<u32>(RULES) + MAX_ENTRIES)
  let entries: u32 = 0
  let tail: usize = 0
  let i = from
  firstSeries = 0
  while (i < end) {
    const at = i
    const tag = <u32>load<u8>(i)
    let start: usize = 0
    let stop: usize = 0
    let isSymbol = tag == 0x22
    let isFast = false
    // The common case: symbols and series whose length has one or two bytes.
    if (isSymbol || tag == 0x2a) {
      let length = <u32>load<u8>(i, 1)
      start = i + 2
      if (length > 127) {
        length = (length & 0x7f) | (<u32>load<u8>(i, 2) << 7)
        start = i + 3
      }
      stop = start + length
      isFast = length <= 0x3fff && stop <= end
    }
    if (!isFast) {
      if (frame(i, end)) return -1
      start = fieldStart
      stop = fieldEnd
      if (fieldNumber <= 3) return fault(WRONG_PROTOCOL, at, FIELD_OF_1_0)
      if (fieldNumber > 5) {
        if (!addOption(at, stop)) return NEED_ENTRIES
        i = stop
        continue
      }
      if (expectLen(at)) return -1
      isSymbol = fieldNumber == 4
    }
    i = stop
    if (isSymbol) {
      if (!addSymbol(at, start, stop)) return NEED_SYMBOLS
      continue
    }
    if (entries == most) return fault(TOO_MANY_SERIES, at, MORE_ENTRIES)
    entries++
    const row = addRow(offsetof<Series>())
    if (row == 0) return NEED_ENTRIES
    const series = changetype<Series>(row)
    series.start = <u32>start
    series.end = <u32>stop
    series.next = 0
    if (tail == 0) firstSeries = <u32>row
    else store<u32>(tail, <u32>row)
    tail = row + offsetof<Series>('next')
  }
  return 0
}

/** The second walk: every series to its tenant. */
function route(from: usize, n: u32, mayKeep: bool): i32 {
  let isWhole = mayKeep && symbolCount > 0 && textAt(0).start == textAt(0).end
  let at = <usize>firstSeries
  while (at != 0) {
    const row = at
    const series = changetype<Series>(row)
    at = series.next
    const first = refs
    if (<usize>(series.end - series.start) << 2 > refsRoom - refs) return NEED_REFS
    samples = histograms = exemplars = 0
    refersMore = isBad = false
    nextSeries()
    if (!readSeries(series)) {
      refs = first
      restartSeries()
      if (readOddSeries(series)) return -1
    }
    setCounts(samples, histograms, exemplars)
    endSeries()
    const place = isBad ? refuseReference() : placeSeries()
    if (place == NO_ROOM_LEFT) return NEED_TENANTS
    if (place == REFUSED) {
      refs = first
      isWhole = false
      continue
    }
    if (stripped != 0) {
      const pair = <usize>changetype<Watch>(stripped).start
      copy(pair, pair + 8, <u32>(refs - pair - 8))
      refs -= 8
      isWhole = false
    }
    series.refersMore = u32(refersMore)
    series.refs = <u32>first
    series.refsEnd = <u32>refs
    series.next = 0
    const tenant = changetype<Tenant>(place)
    store<u32>(tenant.tail, <u32>row)
    tenant.tail = <u32>(row + offsetof<Series>('next'))
  }
  const untouched = isWhole && tenantCount == 1
  if (untouched) tenantAt(0).size = n
  return report(from, untouched, untouched ? n : 0)
}

/**
 * The bet: one packed record of label references stands first, in whole pairs that all lead somewhere, and what
 * follows has no more of them. Answers false where it is not so, or anything is wrong: then the series is read again.
 * Fallback: readOddSeries. Benchmark: split/rw2.
 */
function readSeries(series: Series): bool {
  const end = <usize>series.end
  const symbols = symbolCount
  const watches = watchOf
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

/** Reads any series: references in any number of records, packed or not. Answers 0 or FAULT; `isBad` tells of references. */
function readOddSeries(series: Series): i32 {
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
    if (fieldNumber == 1) {
      if (fieldType == VARINT) addRef(fieldValue)
      else if (expectLen(i) || readRefs(fieldStart, stop)) return -1
    } else if (fieldNumber <= 5) {
      if (checkField(i)) return -1
    }
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

/** Counts the field at `at` that was just framed, number 2 to 5, and checks what it refers to. Keeps what `frame` has left. */
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
  fieldEnd = end
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
