// Remote write 2.0: several messages as one. Their symbols are united (united.ts). Series and other fields follow in the
// order of the messages and of the fields in each.
//
// The messages are shares that an engine has made, so they are well-formed and every reference leads somewhere; but a
// share may be a push as it came, so all else that protobuf allows is possible.
import { BUILD, BUILD_NEEDED, BUILD_ROOM, FAULT, INPUT, MESSAGE, NEED_BUILD, NEED_SYMBOLS, SYMBOLS_ROOM } from './abi'
import { copy } from './bytes'
import { fieldEnd, fieldNumber, fieldStart, frame } from './field'
import { close } from './message-v2'
import { writeOddRefs, writeRest } from './share-v2'
import { claim, decode, literalOf } from './snappy-decode'
import { encode } from './snappy-encode'
import { codeOf, know, openKnown } from './symbols'
import { codeOfUnited, isUnited, openUnited, unite, unitedCount, unitedEnd, unitedNeed } from './united'
import { behind, varint, varintSize } from './varint'

/** Where the merged message begins once it is complete, and before that where its series do. */
let start: usize = 0
let end: usize = 0

/**
 * Merges `count` messages. The input has the length of each block, in words, and then the blocks; all messages together
 * have at most `bytes` bytes, and none is longer than the arena MESSAGE. Answers how long the merged message is; or FAULT
 * where a block can't be decoded; or what it needs, to be called again.
 */
export function merge(count: u32, bytes: u32): i32 {
  const build = <usize>load<u32>(BUILD)
  openUnited(build)
  // Behind room for all symbols. What is copied may go a vector too far.
  start = end = build + bytes + 64
  let lengths = <usize>load<u32>(INPUT)
  let block = lengths + (<usize>count << 2)
  let left = bytes
  for (const first = block; lengths < first; lengths += 4) {
    const n = load<u32>(lengths)
    // The host has read it, too.
    const size = <u32>claim(block, n)
    let message = literalOf(block, n, size)
    if (message == 0) {
      message = load<u32>(MESSAGE)
      if (decode(block, n, message, size)) return FAULT
    }
    const answer = add(message, message + size, left)
    if (answer) return answer
    left -= size
    block += n
  }
  // The symbols go before the series.
  const table = <u32>(unitedEnd - build)
  start -= table
  memory.copy(start, build, table)
  return <i32>(end - start)
}

/** Encodes the merged message to `to`; returns the length of the block. */
export function encodeMerged(to: usize): u32 {
  return <u32>(encode(start, <u32>(end - start), to) - to)
}

/** Adds one message; `left` bytes are to come, with it. */
function add(from: usize, stop: usize, left: u32): i32 {
  openKnown()
  const need = readSymbols(from, stop)
  if (need) return need
  const built = <u64>(end - load<u32>(BUILD))
  // No reference gets longer than one to the last symbol.
  if (built + <u64>(stop - from) * varintSize(unitedCount) + 64 > <u64>load<u32>(BUILD_ROOM)) {
    // For all that follow, too: a symbol takes two bytes.
    store<u32>(BUILD_NEEDED, <u32>(built + <u64>left * varintSize(unitedCount + (left >> 1)) + 64))
    return NEED_BUILD
  }
  end = writeMessage(from, stop, end)
  return 0
}

/** The first walk, because symbols may stand behind the series. Answers 0 or what it needs. */
function readSymbols(i: usize, end: usize): i32 {
  const room = load<u32>(SYMBOLS_ROOM)
  let count: u32 = 0
  // The bet: senders write the same strings in the same order, so the next symbol is the one behind the last that was
  // found. Fallback: it is looked for by its hash. Benchmark: split/merge-rw2.
  let expected: u32 = 1
  while (i < end) {
    const w = <u32>load<u16>(i)
    let isSymbol = (w & 0xff) == 0x22
    let start = i + 2
    let stop = start + (w >> 8)
    // The common case: symbols and series whose length has one byte.
    if (w >= 0x8000 || !(isSymbol || (w & 0xff) == 0x2a)) {
      frame(i, end)
      isSymbol = fieldNumber == 4
      start = fieldStart
      stop = fieldEnd
    }
    i = stop
    if (!isSymbol) continue
    if (count == room) return NEED_SYMBOLS
    const n = <u32>(stop - start)
    let number: u32 = 0
    if (n > 0) {
      if (expected < unitedCount && isUnited(expected, start, n)) number = expected
      else {
        const known = unitedCount
        number = unite(start, n)
        // At once: in a table that is full, no search ends.
        if (unitedNeed) return unitedNeed
        if (number < known) expected = number
      }
      expected++
    }
    know(count++, number, codeOfUnited(number))
  }
  return 0
}

/** The second walk: all but the symbols. */
function writeMessage(i: usize, end: usize, p: usize): usize {
  while (i < end) {
    // The common case: symbols and series whose length has one byte.
    const w = <u32>load<u16>(i)
    if (w < 0x8000 && ((w & 0xff) == 0x2a || (w & 0xff) == 0x22)) {
      const stop = i + 2 + (w >> 8)
      if ((w & 0xff) == 0x2a) p = writeSeries(i + 2, stop, p)
      i = stop
      continue
    }
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 5) p = writeSeries(fieldStart, stop, p)
    else if (fieldNumber != 4) p = copy(p, i, <u32>(stop - i))
    i = stop
  }
  return p
}

/** As share-v2.ts writes it. */
function writeSeries(from: usize, end: usize, p: usize): usize {
  store<u8>(p, 0x2a)
  const room = varintSize(<u32>(end - from))
  const contents = p + 1 + room
  const packed = contents + 2
  store<u8>(contents, 0x0a)
  let q = packed
  // The bet: one packed record of references stands first, and only samples follow. Fallback: all references are looked
  // for before anything else is written. Benchmark: split/merge-rw2.
  if (from < end && load<u8>(from) == 0x0a) {
    frame(from, end)
    const refs = fieldStart
    const stop = fieldEnd
    const rest = samplesUpTo(stop, end)
    if (rest == end || !hasRefs(rest, end)) {
      q = writeKnownRefs(refs, stop, q)
      q = q == packed ? contents : close(packed, 1, q)
      q = copy(q, stop, <u32>(rest - stop))
      return close(contents, room, rest == end ? q : writeRest(rest, end, q))
    }
  }
  q = writeOddRefs(from, end, q)
  q = q == packed ? contents : close(packed, 1, q)
  return close(contents, room, writeRest(from, end, q))
}

/** The position behind the samples that stand at `i`, as many as there are. */
// @ts-ignore: decorator
@inline
function samplesUpTo(i: usize, end: usize): usize {
  while (i < end) {
    const w = <u32>load<u16>(i)
    if (w >= 0x8000 || (w & 0xff) != 0x12) break
    i += 2 + (w >> 8)
  }
  return i
}

/** Whether a field of a series from `i` on is one of label references. */
function hasRefs(i: usize, end: usize): bool {
  while (i < end) {
    frame(i, end)
    if (fieldNumber == 1) return true
    i = fieldEnd
  }
  return false
}

/** Rewrites the references of a packed record; as share-v2.ts does, but that all of them are known. */
// @ts-ignore: decorator
@inline
function writeKnownRefs(i: usize, end: usize, q: usize): usize {
  while (i < end) {
    let ref = <u32>load<u8>(i++)
    if (ref > 127) {
      ref = <u32>varint(i - 1, end)
      i = behind
    }
    // Without a branch for its length, which is close to random.
    const code = codeOf(ref)
    store<u64>(q, code)
    q += <usize>(code >> 56)
  }
  return q
}
