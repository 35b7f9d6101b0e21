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
// If shares are to be of 1.0, samples and histograms are opened, and series measured; see spelled-series.ts.
import { FAMILIES, FIELD_OF_1_0, MAX_ENTRIES, MESSAGE, METADATA_DROPPED, METADATA_OF_SERIES, MORE_ENTRIES, NEED_ENTRIES, NEED_REFS } from './abi'
import { NEED_SYMBOLS, NEED_TENANTS, RULES, TOO_MANY_SERIES, WRONG_PROTOCOL } from './abi'
import { HISTOGRAMS_LOST, SERIES_LOST, TIMES_LOST } from './abi'
import { copy } from './bytes'
import { addOption, addRow, openEntries } from './entries'
import { openFamilies, reportFamily } from './families'
import { countFrom, fault } from './fault'
import { expectLen, fieldEnd, fieldNumber, fieldStart, frame } from './field'
import { asideTimesLost, asideTotal, foldAll, loneCount, noteEmpty, openFold } from './fold'
import { NO_ROOM_LEFT, openPlacement, placeSeries, refuseReference, REFUSED, setCounts, stripped } from './placement'
import { report } from './report'
import { dropRefs, exemplars, histograms, isBad, openRefs, readOddSeries, readSeries, refersMore } from './series-v2'
import { refs, refsEnd, samples, Series } from './series-v2'
import { histogramsLost, measure, spell, SpelledSeries } from './spelled-series'
import { addSymbol, endSymbols, openSymbols, symbolCount, tenantOf, textAt } from './symbols'
import { closeTenants, openTenants, Tenant, tenantAt, tenantCount } from './tenants'
import { timesLost } from './times'
import { endSeries, nextSeries, openWatches, restartSeries, Watch } from './watches'

let firstSeries: u32 = 0
/** Whether shares are to be of 1.0. */
let spells: bool = false

/**
 * Reads the message of n bytes. `mayKeep`: whether a share may be the push itself; `asV1`: whether shares are to be of
 * 1.0. Answers 0, FAULT, or what it needs; the report is in the desk.
 */
export function scanRequest(n: u32, mayKeep: bool, asV1: bool): i32 {
  spells = asV1
  const from = <usize>load<u32>(MESSAGE)
  countFrom(from)
  openEntries()
  openTenants()
  openWatches()
  openSymbols()
  openPlacement(tenantOf)
  openRefs()
  openFold()
  openFamilies()
  store<u32>(METADATA_DROPPED, 0)
  const answer = index(from, from + n)
  if (answer) return answer
  endSymbols(spells)
  const result = route(from, n, mayKeep)
  closeTenants()
  return result
}

/** The first walk: symbols, series and other fields of the message. */
function index(from: usize, end: usize): i32 {
  const most = load<u32>(load<u32>(RULES) + MAX_ENTRIES)
  const rowBytes = spells ? offsetof<SpelledSeries>() : offsetof<Series>()
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
        // Its number means something else in a message of 1.0, or nothing.
        if (!spells && !addOption(at, stop)) return NEED_ENTRIES
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
    const row = addRow(rowBytes)
    if (row == 0) return NEED_ENTRIES
    const series = changetype<Series>(row)
    series.start = <u32>start
    series.end = <u32>stop
    series.next = 0
    series.folds = 0
    if (tail == 0) firstSeries = <u32>row
    else store<u32>(tail, <u32>row)
    tail = row + offsetof<Series>('next')
  }
  return 0
}

/** The second walk: every series to its tenant. */
function route(from: usize, n: u32, mayKeep: bool): i32 {
  let isWhole = mayKeep && symbolCount > 0 && textAt(0).start == textAt(0).end
  const reportsFamilies = load<u32>(load<u32>(RULES) + FAMILIES) == METADATA_OF_SERIES
  let total: u64 = 0
  let lost: u32 = 0
  let lostHistograms: u32 = 0
  let lostSeries: u32 = 0
  let at = <usize>firstSeries
  while (at != 0) {
    const row = at
    const series = changetype<Series>(row)
    at = series.next
    const first = refs
    if (<usize>(series.end - series.start) << 2 > refsEnd - refs) return NEED_REFS
    nextSeries()
    if (!readSeries(series)) {
      dropRefs(first)
      restartSeries()
      if (readOddSeries(series, spells)) return -1
    }
    if (spells && !isBad && measure(changetype<SpelledSeries>(row))) return -1
    const loses = spells && !isBad && histogramsLost > 0
    // Nothing of it goes out.
    const isLost = loses && histograms == histogramsLost && samples + exemplars == 0
    setCounts(samples, histograms, exemplars, isLost)
    endSeries()
    const place = isBad ? refuseReference() : placeSeries()
    if (place == NO_ROOM_LEFT) return NEED_TENANTS
    if (place == REFUSED) {
      dropRefs(first)
      isWhole = false
      continue
    }
    const tenant = changetype<Tenant>(place)
    if (loses) {
      lostHistograms += histogramsLost
      if (isLost) {
        lostSeries++
        dropRefs(first)
        continue
      }
      tenant.histograms -= histogramsLost
    }
    if (stripped != 0) {
      const pair = <usize>changetype<Watch>(stripped).start
      copy(pair, pair + 8, <u32>(refs - pair - 8))
      dropRefs(refs - 8)
      isWhole = false
    }
    series.refersMore = u32(refersMore)
    series.refs = <u32>first
    series.refsEnd = <u32>refs
    series.next = 0
    if (samples + histograms == 0 && !spells && !noteEmpty(series, tenant, exemplars)) return NEED_ENTRIES
    if (spells) {
      const size = spell(changetype<SpelledSeries>(row))
      tenant.size += <u32>size
      total += size
      lost += timesLost
    }
    store<u32>(tenant.tail, <u32>row)
    tenant.tail = <u32>(row + offsetof<Series>('next'))
    if (reportsFamilies && !reportFamily(tenant, series)) return NEED_ENTRIES
  }
  if (loneCount > 0) {
    const answer = foldAll()
    if (answer) return answer
    total = asideTotal
    lost = asideTimesLost
  }
  store<u32>(TIMES_LOST, lost)
  store<u32>(HISTOGRAMS_LOST, lostHistograms)
  store<u32>(SERIES_LOST, lostSeries)
  const untouched = isWhole && tenantCount == 1 && loneCount == 0
  if (untouched) {
    tenantAt(0).size = n
    total = n
  }
  return report(from, untouched, total)
}
