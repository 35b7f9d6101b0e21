// A push of 2.0 that goes out as 1.0: how its series are written, once spelled-series.ts has measured them.
//
//   2.0 TimeSeries                      1.0 TimeSeries
//     repeated uint32 labels_refs = 1     repeated Label labels = 1
//     repeated Sample samples = 2         repeated Sample samples = 2
//     repeated Histogram histograms = 3   repeated Histogram histograms = 4
//     repeated Exemplar exemplars = 4     repeated Exemplar exemplars = 3
//     Metadata metadata = 5               –
//     int64 created_timestamp = 6         –
//   and without the times and the histograms of times.ts; a Label is { string name = 1; string value = 2; }
import { MOST_PLACES, OUTPUT, PLACES } from './abi'
import { copy } from './bytes'
import { fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, VARINT } from './field'
import { closeBlock, encodeFull, full, openBlock } from './gather'
import { exemplarSize, SpelledSeries } from './spelled-series'
import { putSymbol, sizeOf } from './symbols'
import { tenantAt, tenantCount } from './tenants'
import { isCustom, keptBytes, readTimes, timeIn } from './times'
import { behind, putVarint, varint } from './varint'

/** Writes all shares of the last scan to the output, one behind the other; returns how long they are together. */
export function spellShares(): u32 {
  const from = <usize>load<u32>(OUTPUT)
  let to = from
  for (let k: u32 = 0; k < tenantCount; k++) {
    const tenant = tenantAt(k)
    const end = closeBlock(spellAll(tenant.head, openBlock(tenant.size, to)))
    tenant.out = <u32>to
    tenant.outLength = <u32>(end - to)
    to = end
  }
  return <u32>(to - from)
}

/** The references of the series before, and how many of its labels still stand where PLACES says. */
let before: usize = 0
let known: usize = 0

/**
 * Writes a chain of series at `p`. Room behind `full` is for two symbols, or any other field, or the labels of a series
 * that fit in before: blocks are looked after in between.
 */
export function spellAll(first: u32, p: usize): usize {
  known = 0
  let at = <usize>first
  while (at != 0) {
    const series = changetype<SpelledSeries>(at)
    at = series.next
    store<u8>(p, 0x0a)
    p = writeLabels(series.refs, series.refsEnd, putVarint(p + 1, series.size))
    p = copy(p, series.rest, series.plain - series.rest)
    if (p >= full) p = encode(p)
    if (series.plain < series.last) p = writeRest(series.plain, series.last, p)
  }
  return p
}

/** As `encodeFull`; what was known to stand before `p` does no more. */
function encode(p: usize): usize {
  known = 0
  return encodeFull(p)
}

/**
 * The bet: most labels are those of the series before, at the same place, and there they stand one behind the other.
 * Fallback: each is written by itself. Benchmark: split/rw2-as-rw1.
 */
// @ts-ignore: decorator
@inline
function writeLabels(refs: usize, end: usize, p: usize): usize {
  // Beyond that many, all are written by themselves.
  if (end - refs > <usize>MOST_PLACES << 3) return writeMany(refs, end, p)
  let place = <usize>PLACES
  let old = before
  let last = before + (known << 3)
  let ref = refs
  known = (end - refs) >> 3
  while (ref < end) {
    if (old < last && load<u64>(ref) == load<u64>(old)) {
      const from = <usize>load<u32>(place)
      const moved = <u32>(p - from)
      do {
        store<u32>(place, load<u32>(place) + moved)
        place += 4
        ref += 8
        old += 8
      } while (ref < end && old < last && load<u64>(ref) == load<u64>(old))
      p = copy(p, from, load<u32>(place) - <u32>from)
    } else {
      store<u32>(place, <u32>p)
      p = putLabel(p, load<u32>(ref), load<u32>(ref, 4))
      place += 4
      ref += 8
      old += 8
    }
    if (p >= full) {
      p = encode(p)
      last = 0
    }
  }
  store<u32>(place, <u32>p)
  before = refs
  return p
}

function writeMany(ref: usize, end: usize, p: usize): usize {
  known = 0
  for (; ref < end; ref += 8) {
    p = putLabel(p, load<u32>(ref), load<u32>(ref, 4))
    if (p >= full) p = encode(p)
  }
  return p
}

// @ts-ignore: decorator
@inline
function putLabel(p: usize, name: u32, value: u32): usize {
  store<u8>(p, 0x0a)
  p = putVarint(p + 1, sizeOf(name) + sizeOf(value))
  return putSymbol(putSymbol(p, 0x0a, name), 0x12, value)
}

/** Writes what follows the labels, from `i` on. */
function writeRest(i: usize, end: usize, p: usize): usize {
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    const number = fieldNumber
    if (number == 2 || number == 3) p = writeWithoutTime(number, fieldStart, stop, p)
    else if (number == 4) p = writeExemplar(fieldStart, stop, p)
    else if (number > 6) p = copy(p, i, <u32>(stop - i))
    if (p >= full) p = encode(p)
    i = stop
  }
  return p
}

function writeWithoutTime(number: u32, i: usize, end: usize, p: usize): usize {
  const time = timeIn(number)
  readTimes(time, i, end)
  if (isCustom) return p
  store<u8>(p, number == 2 ? 0x12 : 0x22)
  p = putVarint(p + 1, keptBytes)
  if (keptBytes == <u32>(end - i)) return copy(p, i, keptBytes)
  return copyWithout(time, i, end, p)
}

/** Copies the fields of a message but for those of one number. */
function copyWithout(number: u32, i: usize, end: usize, p: usize): usize {
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber != number) p = copy(p, i, <u32>(stop - i))
    i = stop
  }
  return p
}

// ---- exemplars: labels first, whose references may stand in any number of records, packed or not

function writeExemplar(from: usize, end: usize, p: usize): usize {
  store<u8>(p, 0x1a)
  p = putVarint(p + 1, <u32>exemplarSize(from, end))
  isPair = false
  let i = from
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 1) {
      if (fieldType == VARINT) p = writeRef(fieldValue, p)
      else p = writeRefs(fieldStart, stop, p)
    }
    i = stop
  }
  return copyWithout(1, from, end, p)
}

/** The reference before, if that was a name and its value comes next. */
let name: u32 = 0
let isPair: bool = false

function writeRef(ref: u32, p: usize): usize {
  if (isPair) p = putLabel(p, name, ref)
  name = ref
  isPair = !isPair
  return p < full ? p : encode(p)
}

function writeRefs(i: usize, end: usize, p: usize): usize {
  while (i < end) {
    const ref = <u32>varint(i, end)
    i = behind
    p = writeRef(ref, p)
  }
  return p
}
