// Remote write 1.0: finds the series and metadata of a message, and gives each to its tenant.
//
//   message WriteRequest {
//     repeated TimeSeries timeseries = 1;
//     reserved 2; // Cortex: the source of the request
//     repeated MetricMetadata metadata = 3;
//   }
//   message TimeSeries {
//     repeated Label labels = 1;
//     repeated Sample samples = 2;
//     repeated Exemplar exemplars = 3;
//     repeated Histogram histograms = 4;
//   }
//   message Label { string name = 1; string value = 2; }
//
// Every field is framed down to names and values of labels. Samples, exemplars, histograms and metadata are
// counted and not opened. The message is walked in byte order, so the fault with the lowest position is the one
// that is reported. If shares are to be of 2.0, exemplars are opened; see as-request.ts.
import { DEFAULT, FAMILIES, FIELD_OF_2_0, MAX_ENTRIES, MESSAGE, METADATA, METADATA_DROPPED, MORE_ENTRIES } from './abi'
import { NAMES_OF_SERIES, NEED_ENTRIES, NEED_TENANTS, RULES, SHAPE_COUNT, SHAPES, TO_DEFAULT, TO_REPORT } from './abi'
import { HISTOGRAMS_LOST, SERIES_LOST, TIMES_LOST, TOO_MANY_SERIES, WRONG_PROTOCOL } from './abi'
import { InternedSeries, openAsRequest, readExemplar, taken, takeSeries } from './as-request'
import { addOption, addRow, Entry, openEntries, optionBytes } from './entries'
import { openFamilies, reportEntry, reportName } from './families'
import { countFrom, fault } from './fault'
import { expectLen, fieldEnd, fieldNumber, fieldStart, frame } from './field'
import { name, nameLength, readLabel, value, valueLength } from './labels'
import { asideTotal, entryCount, foldAll, keepRecord, loneCount, noteEmpty, noteEntry, openFold, putEntriesAside } from './fold'
import { exemplars as exemplarCount, histograms as histogramCount, samples as sampleCount, stripNothing } from './placement'
import { NO_ROOM_LEFT, openPlacement, placeInDefault, placeSeries, REFUSED, setCounts, stripped } from './placement'
import { report } from './report'
import { endSymbols } from './symbols'
import { closeTenants, openTenants, Tenant, tenantAt, tenantCount } from './tenants'
import { varintSize } from './varint'
import { endSeries, firstWatch, nextSeries, note, openWatches, Watch, watchFor, watchForAny } from './watches'

/** Whether shares are to be of 2.0. */
let interns: bool = false

/**
 * Reads the message of n bytes. `mayKeep`: whether a share may be the push itself; `asV2`: whether shares are to be of
 * 2.0. Answers 0, FAULT, or what it needs; the report is in the desk.
 */
export function scanWriteRequest(n: u32, mayKeep: bool, asV2: bool): i32 {
  interns = asV2
  const from = <usize>load<u32>(MESSAGE)
  countFrom(from)
  openEntries()
  // No label looks like this.
  memory.fill(SHAPES, 0xff, (SHAPE_COUNT + 1) * offsetof<Shape>())
  openTenants()
  openWatches()
  openPlacement(0)
  openFamilies()
  openFold()
  if (interns) openAsRequest()
  const answer = scan(from, from + n, mayKeep)
  if (interns) endSymbols(false)
  closeTenants()
  return answer
}

function scan(from: usize, end: usize, mayKeep: bool): i32 {
  const rules = <usize>load<u32>(RULES)
  const most = load<u32>(rules + MAX_ENTRIES)
  const keepsMetadata = load<u32>(rules + METADATA) == TO_DEFAULT && load<u32>(rules + DEFAULT) != 0
  const reportsMetadata = load<u32>(rules + METADATA) == TO_REPORT
  const reportsNames = load<u32>(rules + FAMILIES) == NAMES_OF_SERIES
  let entries: u32 = 0
  let placed: u32 = 0
  let cuts: u32 = 0
  let dropped: u32 = 0
  let i = from
  while (i < end) {
    const at = i
    let contents: usize = 0
    let stop: usize = 0
    let isSeries = false
    // The common case: a series whose length has one to three bytes.
    if (load<u8>(i) == 0x0a) {
      let length = <u32>load<u8>(i, 1)
      contents = i + 2
      if (length > 127) {
        length = (length & 0x7f) | (<u32>load<u8>(i, 2) << 7)
        contents = i + 3
        if (length > 0x3fff) {
          length = (length & 0x3fff) | (<u32>load<u8>(i, 3) << 14)
          contents = i + 4
        }
      }
      stop = contents + length
      isSeries = length <= 0x1fffff && stop <= end
    }
    if (!isSeries) {
      if (frame(i, end)) return -1
      contents = fieldStart
      stop = fieldEnd
      if (fieldNumber == 4 || fieldNumber == 5) return fault(WRONG_PROTOCOL, at, FIELD_OF_2_0)
      if (fieldNumber != 1 && fieldNumber != 3) {
        // Its number means something else in a message of 2.0, or nothing.
        if (!interns && !addOption(at, stop)) return NEED_ENTRIES
        i = stop
        continue
      }
      if (expectLen(at)) return -1
      isSeries = fieldNumber == 1
    }
    if (entries == most) return fault(TOO_MANY_SERIES, at, MORE_ENTRIES)
    entries++
    i = stop
    let place: usize
    if (isSeries) {
      nextSeries()
      if (scanSeries(contents, stop)) return -1
      endSeries()
      place = placeSeries()
      if (reportsNames && place > NO_ROOM_LEFT && !reportName(changetype<Tenant>(place))) return NEED_ENTRIES
    } else if (keepsMetadata) {
      setCounts(0, 0, 0, false)
      stripNothing()
      place = placeInDefault(false)
    } else {
      if (reportsMetadata && !reportEntry(at, stop)) return NEED_ENTRIES
      dropped++
      continue
    }
    if (place == REFUSED) continue
    if (place == NO_ROOM_LEFT) return NEED_TENANTS
    const tenant = changetype<Tenant>(place)
    if (interns && !isSeries) {
      const entry = addEntry(at, contents, stop)
      if (entry == 0 || !noteEntry(entry, recordSize, tenant)) return NEED_ENTRIES
      continue
    }
    if (interns) {
      const answer = takeSeries(contents, stop, exemplarCount > 0)
      if (answer) return answer
      const series = changetype<InternedSeries>(taken)
      if (sampleCount + histogramCount == 0) {
        if (!noteEmpty(series, tenant, exemplarCount)) return NEED_ENTRIES
        if (exemplarCount > 0) {
          const record = addEntry(at, contents, stop)
          if (record == 0) return NEED_ENTRIES
          keepRecord(series, record)
        }
      }
      store<u32>(tenant.tail, <u32>taken)
      tenant.tail = <u32>(taken + offsetof<InternedSeries>('next'))
      continue
    }
    const row = addEntry(at, contents, stop)
    if (row == 0) return NEED_ENTRIES
    tenant.size += recordSize
    if (stripped != 0) cuts++
    store<u32>(tenant.tail, <u32>row)
    tenant.tail = <u32>(row + offsetof<Entry>('next'))
    placed++
  }
  let total: u64 = 0
  for (let k: u32 = 0; k < tenantCount; k++) {
    const tenant = tenantAt(k)
    tenant.size += optionBytes
    total += tenant.size
  }
  store<u32>(METADATA_DROPPED, dropped)
  store<u32>(TIMES_LOST, 0)
  store<u32>(HISTOGRAMS_LOST, 0)
  store<u32>(SERIES_LOST, 0)
  if (loneCount > 0) {
    const answer = foldAll()
    if (answer) return answer
  }
  if (entryCount > 0) putEntriesAside()
  if (interns) total = asideTotal
  return report(from, mayKeep && tenantCount == 1 && placed == entries && cuts == 0, total)
}

/** Bytes of the entry that was added last, as it goes out. */
let recordSize: u32 = 0

/** A row for the record at `at`, without the label that is removed; or 0 where there is no room. */
// @ts-ignore: decorator
@inline
function addEntry(at: usize, contents: usize, stop: usize): usize {
  const row = addRow(offsetof<Entry>())
  if (row == 0) return 0
  const entry = changetype<Entry>(row)
  entry.end = <u32>stop
  entry.next = 0
  if (stripped != 0) {
    const label = changetype<Watch>(stripped)
    entry.from = <u32>contents
    entry.cut = label.start
    entry.resume = label.end
    const length = <u32>(stop - contents) - (label.end - label.start)
    recordSize = 1 + varintSize(length) + length
  } else {
    entry.from = <u32>at
    entry.cut = entry.resume = <u32>stop
    recordSize = <u32>(stop - at)
  }
  return row
}

/**
 * What the labels of the series before looked like, one after the other. A label is written as everybody writes it,
 * name before value, and every length takes one byte: 0a LL 0a NN <name> 12 VV <value>. Then the lengths add up,
 * which shows that nothing else is in it.
 */
@unmanaged
class Shape {
  /** 0a LL 0a NN, and the first four bytes behind them, which are of the name if it is that long. */
  start: u64
  /** 12 VV */
  value: u32
  /** Bytes of the label, tag and length included. */
  size: u32
  /** The first watch whose name begins so and has NN bytes. */
  watch: u32
  reserved: u32
}

/** Reads one series: counts what it holds and notes the labels that are looked for. Answers 0 or FAULT. */
// @ts-ignore: decorator
@inline
function scanSeries(from: usize, end: usize): i32 {
  let samples: u32 = 0
  let histograms: u32 = 0
  let exemplars: u32 = 0
  let i = from
  let at = from

  // The bet: this series has labels of the same lengths as the one before. So the next label is looked at without
  // waiting for the length of this one: what was guessed is compared, not computed. A label that differs teaches
  // its shape. Fallback: the loop below. Benchmark: split/rw1.
  let shape = changetype<Shape>(SHAPES)
  while (i < end) {
    at = i
    const start = load<u64>(i)
    const value = i + (<usize>shape.start >> 24) + 4
    if (start != shape.start || <u32>load<u16>(value) != shape.value) {
      if ((<u32>start & 0xff) != 0x0a || !learn(shape, start, i)) break
    }
    i += shape.size
    if (shape.watch != 0) {
      const n = <u32>start >> 24
      const watch = watchFor(shape.watch, at + 4, n)
      if (watch != 0) note(watch, at, i, at + 6 + n, shape.value >> 8)
    }
    shape = changetype<Shape>(changetype<usize>(shape) + offsetof<Shape>())
  }
  // A label past the end was none.
  if (i > end) return frame(at, end)

  while (i < end) {
    const w = <u32>load<u16>(i)
    if ((w & 0x80c7) == 0x0002) {
      // Samples, exemplars and histograms whose length takes one byte; 5 to 7 are unknown fields that look alike.
      const stop = i + 2 + (w >> 8)
      const number = (w & 0xff) >> 3
      if (number > 1 && stop <= end) {
        if (number == 2) samples++
        else if (number == 3) {
          exemplars++
          if (interns && readExemplar(i + 2, stop)) return -1
        } else if (number == 4) histograms++
        i = stop
        continue
      }
    }
    if (frame(i, end)) return -1
    const stop = fieldEnd
    const number = fieldNumber
    if (number <= 4 && expectLen(i)) return -1
    if (number == 1) {
      if (scanLabel(i, fieldStart, stop)) return -1
    } else if (number == 2) samples++
    else if (number == 3) {
      exemplars++
      if (interns && readExemplar(fieldStart, stop)) return -1
    } else if (number == 4) histograms++
    i = stop
  }
  setCounts(samples, histograms, exemplars, false)
  return 0
}

/** Takes the shape of the label at `i`, if it is written as everybody writes it. */
function learn(shape: Shape, start: u64, i: usize): bool {
  // There are no more shapes: the last one is never taken.
  if (changetype<usize>(shape) == SHAPES + SHAPE_COUNT * offsetof<Shape>()) return false
  const lengths = <u32>start
  if ((lengths & 0x80ff80ff) != 0x000a000a) return false
  const n = lengths >> 24
  const size = ((lengths >> 8) & 0xff) + 2
  const value = <u32>load<u16>(i + n, 4)
  if ((value & 0x80ff) != 0x12 || 6 + n + (value >> 8) != size) return false
  shape.start = start
  shape.value = value
  shape.size = size
  shape.watch = <u32>firstWatch(<u32>(start >> 32), n)
  return true
}

/** Reads a label, whose tag is at `at`, and notes it. Answers 0 or FAULT. */
function scanLabel(at: usize, from: usize, end: usize): i32 {
  if (readLabel(from, end)) return -1
  const watch = watchForAny(name, nameLength)
  if (watch != 0) note(watch, at, end, value, valueLength)
  return 0
}
