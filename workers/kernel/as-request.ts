// A push of 1.0 that goes out as 2.0: its strings become symbols, its labels references to these; as-write-request.ts has
// both messages side by side. When a series is routed, its labels and those of its exemplars are interned, and their
// references kept as words, as if it had come as 2.0. Shares are then written as share-v2.ts does it.
import { MEMO_COUNT, MEMOS, NEED_ENTRIES, NEED_REFS, NEED_SYMBOLS } from './abi'
import { copy, equal } from './bytes'
import { addRow } from './entries'
import { expectLen, fieldEnd, fieldNumber, fieldStart, frame } from './field'
import { NOTHING } from './fold'
import { intern, NO_SYMBOL, openInterned } from './interned'
import { name, nameLength, readLabel, value, valueLength } from './labels'
import { stripped } from './placement'
import { addRefs, openRefs, refs, refsEnd, Series } from './series-v2'
import { close, putRefs } from './message-v2'
import { Tenant } from './tenants'
import { putVarint, varintSize } from './varint'
import { Watch } from './watches'

/** A series that is to be referred to. Behind its own references stand those of its exemplars. */
@unmanaged
export class InternedSeries extends Series {
  /** Up to here what follows the labels goes out as it stands. */
  plain: u32
}

/** The label that stood last at this place in a series. */
@unmanaged
class Memo {
  /** Its tag; and its bytes from there on, 0 where nothing is known. */
  at: u32
  size: u32
  name: u32
  value: u32
}

const lastMemo: usize = MEMOS + (MEMO_COUNT - 1) * offsetof<Memo>()

export function openAsRequest(): void {
  openInterned()
  openRefs()
  memory.fill(MEMOS, 0, MEMO_COUNT * offsetof<Memo>())
}

/** Reads an exemplar, whose labels are to be interned. Answers 0 or FAULT. */
export function readExemplar(i: usize, end: usize): i32 {
  while (i < end) {
    if (frame(i, end)) return -1
    const stop = fieldEnd
    if (fieldNumber == 1 && (expectLen(i) || readLabel(fieldStart, stop))) return -1
    i = stop
  }
  return 0
}

/** The row of the series that was taken last. */
export let taken: usize = 0

/** Takes the current series, which was read and placed. Answers 0 or what there is too little room for. */
export function takeSeries(from: usize, end: usize, hasExemplars: bool): i32 {
  if ((end - from) << 2 > refsEnd - refs) return NEED_REFS
  taken = addRow(offsetof<InternedSeries>())
  if (taken == 0) return NEED_ENTRIES
  const series = changetype<InternedSeries>(taken)
  const first = refs
  let without: usize = 0
  if (stripped != 0) without = changetype<Watch>(stripped).start
  let i = internLabels(from, end, without)
  if (i == 0) return NEED_SYMBOLS
  series.rest = <u32>i
  // The common case: samples, and nothing behind them.
  while (i < end) {
    const w = <u32>load<u16>(i)
    if ((w & 0x80ff) != 0x12) break
    i += 2 + (w >> 8)
  }
  series.plain = <u32>i
  if (!internMore(i, end, without)) return NEED_SYMBOLS
  series.refs = <u32>first
  series.refsEnd = <u32>refs
  if (hasExemplars && !internExemplars(i, end)) return NEED_SYMBOLS
  series.end = <u32>end
  series.next = 0
  series.folds = 0
  return 0
}

/**
 * The labels that stand first. The bet: a label is the one at its place in the series before, or has its name. Fallback:
 * its strings are looked for. Benchmark: split/rw1-as-rw2. Returns the position behind them; 0 where there is no room.
 */
// @ts-ignore: decorator
@inline
function internLabels(i: usize, end: usize, without: usize): usize {
  let memo = changetype<Memo>(MEMOS)
  while (i < end) {
    const w = <u32>load<u16>(i)
    if ((w & 0x80ff) != 0x0a) break
    const size = (w >> 8) + 2
    if (i != without) {
      if (memo.size != size || !equal(memo.at, i, size)) {
        if (!learn(memo, i, size)) return 0
      }
      addRefs(memo.name, memo.value)
    }
    i += size
    // Labels beyond the last place have that in common.
    if (changetype<usize>(memo) < lastMemo) memo = changetype<Memo>(changetype<usize>(memo) + offsetof<Memo>())
  }
  return i
}

/** Interns the label of `size` bytes at `i`. Answers false where there is no room. */
function learn(memo: Memo, i: usize, size: u32): bool {
  const head = <u32>load<u16>(i, 2)
  const n = head >> 8
  const last = <u32>load<u16>(i + n, 4)
  if ((head & 0x80ff) == 0x0a && (last & 0x80ff) == 0x12 && 6 + n + (last >> 8) == size) {
    // 0a LL 0a NN name 12 VV value, as everybody writes it.
    const isKnown = memo.size != 0 && load<u16>(memo.at, 2) == head && equal(memo.at + 4, i + 4, n)
    if (!isKnown) memo.name = intern(i + 2, i + 4, n)
    memo.value = intern(i + 4 + n, i + 6 + n, last >> 8)
    memo.size = size
  } else {
    readLabel(i + 2, i + size)
    memo.name = intern(name, name, nameLength)
    memo.value = intern(value, value, valueLength)
    memo.size = 0
  }
  memo.at = <u32>i
  return memo.name != NO_SYMBOL && memo.value != NO_SYMBOL
}

/** Labels among the other fields of a series, and those with a long length. */
function internMore(i: usize, end: usize, without: usize): bool {
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 1 && i != without && !internOne(fieldStart, stop)) return false
    i = stop
  }
  return true
}

function internOne(from: usize, end: usize): bool {
  readLabel(from, end)
  const n = intern(name, name, nameLength)
  const v = intern(value, value, valueLength)
  addRefs(n, v)
  return n != NO_SYMBOL && v != NO_SYMBOL
}

function internExemplars(i: usize, end: usize): bool {
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 3 && !internMore(fieldStart, stop, 0)) return false
    i = stop
  }
  return true
}

/** Writes all series of a tenant at `p`; returns the position behind them. */
export function writeInterned(tenant: Tenant, p: usize): usize {
  // The bet: the contents need as many bytes for their length as those of the series before. Fallback: close() moves them.
  let room: u32 = 1
  let at = <usize>tenant.head
  while (at != 0) {
    const series = changetype<InternedSeries>(at)
    at = series.next
    store<u8>(p, 0x2a)
    const contents = p + 1 + room
    let q = putRefs(series.refs, series.refsEnd, contents)
    q = copy(q, series.rest, series.plain - series.rest)
    if (series.plain < series.end) q = writeRest(series, q)
    if (series.folds > NOTHING) {
      for (let folded = series.folds; folded != 0; folded = changetype<InternedSeries>(folded).next) {
        q = writeRest(changetype<InternedSeries>(folded), q)
      }
    }
    p = close(contents, room, q)
    room = varintSize(<u32>(q - contents))
  }
  return p
}

/** Writes the fields of a series that do not go out as they stand. */
function writeRest(series: InternedSeries, q: usize): usize {
  let labels = <usize>series.refsEnd
  let i = <usize>series.plain
  const end = <usize>series.end
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    const number = fieldNumber
    if (number == 2) q = putField(0x12, fieldStart, stop, q)
    else if (number == 4) q = putField(0x1a, fieldStart, stop, q)
    else if (number == 3) {
      const from = fieldStart
      const labelsEnd = labels + (<usize>countLabels(from, stop) << 3)
      store<u8>(q, 0x22)
      const contents = q + 2
      q = close(contents, 1, copyUnlabelled(from, stop, putRefs(labels, labelsEnd, contents)))
      labels = labelsEnd
    } else if (number > 6) q = copy(q, i, <u32>(stop - i))
    i = stop
  }
  return q
}

function putField(tag: u32, from: usize, end: usize, q: usize): usize {
  store<u8>(q, tag)
  const n = <u32>(end - from)
  return copy(putVarint(q + 1, n), from, n)
}

function countLabels(i: usize, end: usize): u32 {
  let count: u32 = 0
  while (i < end) {
    frame(i, end)
    if (fieldNumber == 1) count++
    i = fieldEnd
  }
  return count
}

/** Copies the fields of an exemplar but for its labels. */
function copyUnlabelled(i: usize, end: usize, q: usize): usize {
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber != 1) q = copy(q, i, <u32>(stop - i))
    i = stop
  }
  return q
}
