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
// Every field is framed down to names and values of labels. Samples, exemplars, histograms and metadata are counted and not opened.
// The message is walked in byte order, so the fault with the lowest position is the one that is reported.
import { BY_LENGTH, DEFAULT, DISAGREEMENTS, ENTRIES, ENTRIES_ROOM, ENTRY_BYTES, FIELD_OF_2_0, HAS_OPTIONS } from './abi'
import { MAX_ENTRIES, MESSAGE, METADATA, METADATA_DROPPED, MORE_ENTRIES, NEED_ENTRIES, NEED_TENANTS, RULES } from './abi'
import { STRIP, TENANT_COUNT, TO_DEFAULT, TOO_MANY_SERIES, TOTAL, UNTOUCHED, WRONG_PROTOCOL } from './abi'
import { countFrom, fault } from './fault'
import { expectLen, fieldEnd, fieldNumber, fieldStart, frame } from './field'
import { disagreements, NO_ROOM_LEFT, openPlacement, placeInDefault, placeSeries, REFUSED } from './placement'
import { setCounts, stripped } from './placement'
import { closeTenants, openTenants, Tenant, tenantAt, tenantCount } from './tenants'
import { varintSize } from './varint'
import { nextSeries, note, openWatches, Watch, watchFor, watchForAny } from './watches'

/**
 * A record on its way out: the bytes from `from` to `cut`, then those from `resume` to `end`. If nothing is cut, these
 * are the whole record with its tag and length; else they are its contents, and tag and length are written anew.
 */
@unmanaged
export class Entry {
  from: u32
  cut: u32
  resume: u32
  end: u32
  /** The next entry of the same tenant, 0 at the end. */
  next: u32
}

/** The fields beside the entries, chained as a tenant's entries are: first one, place of the next, bytes of all. */
export let firstOption: u32 = 0
let optionBytes: u32 = 0
let optionTail: usize = 0

/** Rows of entries in use. */
let used: u32 = 0
let room: u32 = 0
let rows: usize = 0
let byLength: usize = 0

/** Reads the message of n bytes. Answers 0, FAULT, NEED_ENTRIES or NEED_TENANTS; the report is in the desk. */
export function scanWriteRequest(n: u32): i32 {
  const from = <usize>load<u32>(MESSAGE)
  countFrom(from)
  rows = load<u32>(ENTRIES)
  room = load<u32>(ENTRIES_ROOM)
  byLength = <usize>load<u32>(RULES) + BY_LENGTH
  used = firstOption = optionBytes = 0
  openTenants()
  openWatches()
  openPlacement()
  const answer = scan(from, from + n)
  closeTenants()
  return answer
}

function scan(from: usize, end: usize): i32 {
  const rules = <usize>load<u32>(RULES)
  const most = load<u32>(rules + MAX_ENTRIES)
  const keepsMetadata = load<u32>(rules + METADATA) == TO_DEFAULT && load<u32>(rules + DEFAULT) != 0
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
        if (used == room) return NEED_ENTRIES
        const option = addEntry(at, stop, stop, stop)
        if (firstOption == 0) firstOption = <u32>option
        else store<u32>(optionTail, <u32>option)
        optionTail = option + offsetof<Entry>('next')
        optionBytes += <u32>(stop - at)
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
      place = placeSeries()
    } else if (keepsMetadata) {
      setCounts(0, 0, 0)
      stripped = 0
      place = placeInDefault(false)
    } else {
      dropped++
      continue
    }
    if (place == REFUSED) continue
    if (place == NO_ROOM_LEFT) return NEED_TENANTS
    if (used == room) return NEED_ENTRIES
    const tenant = changetype<Tenant>(place)
    let entry: usize
    if (stripped != 0) {
      const label = changetype<Watch>(stripped)
      entry = addEntry(contents, label.start, label.end, stop)
      const length = <u32>(stop - contents) - (label.end - label.start)
      tenant.size += 1 + varintSize(length) + length
      cuts++
    } else {
      entry = addEntry(at, stop, stop, stop)
      tenant.size += <u32>(stop - at)
    }
    store<u32>(tenant.tail, <u32>entry)
    tenant.tail = <u32>(entry + offsetof<Entry>('next'))
    placed++
  }
  report(<u32>(end - from), placed == entries && cuts == 0, dropped)
  return 0
}

// @ts-ignore: decorator
@inline
function addEntry(from: usize, cut: usize, resume: usize, end: usize): usize {
  const entry = rows + <usize>used * ENTRY_BYTES
  const e = changetype<Entry>(entry)
  e.from = <u32>from
  e.cut = <u32>cut
  e.resume = <u32>resume
  e.end = <u32>end
  e.next = 0
  used++
  return entry
}

function report(length: u32, isWhole: bool, dropped: u32): void {
  const untouched = isWhole && tenantCount == 1
  let total: u64 = 0
  for (let k: u32 = 0; k < tenantCount; k++) {
    const tenant = tenantAt(k)
    // An untouched message has its options where they stood; all others have them at the end.
    tenant.size += optionBytes
    total += tenant.size
  }
  store<u32>(TENANT_COUNT, tenantCount)
  store<u32>(HAS_OPTIONS, u32(firstOption != 0))
  store<u32>(UNTOUCHED, u32(untouched))
  store<u32>(DISAGREEMENTS, disagreements)
  store<u32>(METADATA_DROPPED, dropped)
  store<u64>(TOTAL, total)
}

/** Reads one series: counts what it holds and notes the labels that are looked for. Answers 0 or FAULT. */
function scanSeries(from: usize, end: usize): i32 {
  const names = byLength
  let samples: u32 = 0
  let histograms: u32 = 0
  let exemplars: u32 = 0
  let i = from
  while (i < end) {
    const w = load<u32>(i)
    // The bet: a label is written as everybody writes it, name before value, and every length takes one byte:
    // 0a LL 0a NN <name> 12 VV <value>. Then the two inner lengths add up to the outer one, which shows that nothing else is in it.
    // Fallback: frame(). Benchmark: split/rw1.
    if ((w & 0x80ff80ff) == 0x000a000a) {
      const stop = i + 2 + ((w >> 8) & 0xff)
      const n = w >> 24
      const name = i + 4
      const value = name + n + 2
      const head = <u32>load<u16>(name + n)
      if (value + (head >> 8) == stop && (head & 0x80ff) == 0x12 && stop <= end) {
        if (load<u32>(names + (<usize>n << 2)) != 0) {
          const watch = watchFor(names, name, n)
          if (watch != 0) note(watch, i, stop, value, head >> 8)
        }
        i = stop
        continue
      }
    } else if ((w & 0x80c7) == 0x0002) {
      // Samples, exemplars and histograms whose length takes one byte; 5 to 7 are unknown fields that look alike.
      const stop = i + 2 + ((w >> 8) & 0xff)
      const number = (w & 0xff) >> 3
      if (number > 1 && stop <= end) {
        if (number == 2) samples++
        else if (number == 3) exemplars++
        else if (number == 4) histograms++
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
    else if (number == 3) exemplars++
    else if (number == 4) histograms++
    i = stop
  }
  setCounts(samples, histograms, exemplars)
  return 0
}

/**
 * Reads a label as every protobuf decoder reads it: fields in any order, a name or value that is repeated counts where
 * it stands last, a missing one is empty. `at` is the label's tag. Answers 0 or FAULT.
 */
function scanLabel(at: usize, from: usize, end: usize): i32 {
  let name = from
  let n: u32 = 0
  let value = from
  let valueLength: u32 = 0
  let i = from
  while (i < end) {
    if (frame(i, end)) return -1
    if (fieldNumber <= 2) {
      if (expectLen(i)) return -1
      if (fieldNumber == 1) {
        name = fieldStart
        n = <u32>(fieldEnd - fieldStart)
      } else {
        value = fieldStart
        valueLength = <u32>(fieldEnd - fieldStart)
      }
    }
    i = fieldEnd
  }
  const watch = watchForAny(name, n)
  if (watch != 0) note(watch, at, end, value, valueLength)
  return 0
}
