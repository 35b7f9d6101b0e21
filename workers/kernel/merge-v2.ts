// Remote write 2.0: several messages as one. Their symbols are united: "" first, then what the series refer to, each
// string once, in order of the first reference. Series and other fields follow in the order of the messages and of
// the fields in each.
//
// Messages come one at a time, in the arena MESSAGE. They are shares that an engine has made, so they are well-formed and
// every reference leads somewhere; but a share may be a push as it came, so all else that protobuf allows is possible.
import { BUILD, BUILD_NEEDED, BUILD_ROOM, MESSAGE, NEED_BUILD, NEED_SYMBOLS } from './abi'
import { copy } from './bytes'
import { fieldEnd, fieldNumber, fieldStart, frame } from './field'
import { close, writeOddRefs, writeRefs, writeRest } from './share-v2'
import { encode } from './snappy-encode'
import { stringCount, stringsNeed } from './strings'
import { addPlainSymbol, endSymbols, openSymbols, openUnitedTable, symbolCount, tableEnd } from './symbols'
import { varintSize } from './varint'

/** Where the merged message begins once it is complete, and before that where its series do. */
let start: usize = 0
let end: usize = 0

/** Begins. All messages together have at most that many bytes. */
export function openMerge(bytes: u32): void {
  const build = <usize>load<u32>(BUILD)
  openUnitedTable(build)
  // Behind room for all symbols. What is copied may go a vector too far.
  start = end = build + bytes + 64
}

/**
 * Adds the message of n bytes. Answers 0; or NEED_BUILD, to be called again for this message; or what else it needs, to
 * begin again with more room.
 */
export function addMessage(n: u32): i32 {
  const from = <usize>load<u32>(MESSAGE)
  openSymbols()
  if (!readSymbols(from, from + n)) return NEED_SYMBOLS
  endSymbols(false)
  // No reference gets longer than one to the last symbol.
  const most = <u64>(end - load<u32>(BUILD)) + <u64>n * varintSize(stringCount + symbolCount) + 64
  if (most > <u64>load<u32>(BUILD_ROOM)) {
    store<u32>(BUILD_NEEDED, <u32>most)
    return NEED_BUILD
  }
  end = writeMessage(from, from + n, end)
  return stringsNeed
}

/** Puts the symbols before the series. Returns the length of the message. */
export function closeMerge(): u32 {
  const build = <usize>load<u32>(BUILD)
  const table = tableEnd() - build
  start -= table
  memory.copy(start, build, table)
  return <u32>(end - start)
}

/** Encodes the message to `to`; returns the length of the block. */
export function encodeMerged(to: usize): u32 {
  return <u32>(encode(start, <u32>(end - start), to) - to)
}

/** The first walk, because symbols may stand behind the series. */
function readSymbols(i: usize, end: usize): bool {
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
    if (isSymbol && !addPlainSymbol(i, start, stop)) return false
    i = stop
  }
  return true
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
  let rest = from
  // The bet: one packed record of references stands first, and there are no others. Fallback: all of them are looked
  // for before anything else is written. Benchmark: split/merge-rw2.
  if (from < end && load<u8>(from) == 0x0a) {
    frame(from, end)
    const refs = fieldStart
    const stop = fieldEnd
    if (hasNoRefs(stop, end)) {
      rest = stop
      q = writeRefs(refs, stop, q)
    }
  }
  if (rest == from) q = writeOddRefs(from, end, q)
  q = q == packed ? contents : close(packed, 1, q)
  return close(contents, room, writeRest(rest, end, q))
}

/** Whether no field of a series from `i` on is one of label references. */
function hasNoRefs(i: usize, end: usize): bool {
  while (i < end) {
    const w = <u32>load<u16>(i)
    if (w < 0x8000 && (w & 0xff) == 0x12) {
      i += 2 + (w >> 8)
      continue
    }
    frame(i, end)
    if (fieldNumber == 1) return false
    i = fieldEnd
  }
  return true
}
