// Remote write 2.0: the symbol table of the push, and which of its symbols a share uses.
import { SYMBOL_COUNT, SYMBOLS, SYMBOLS_ROOM, SYMBOLS_SIZE } from './abi'
import { copy } from './bytes'
import { putVarint, varintSize } from './varint'
import { watchForAny } from './watches'

@unmanaged
export class Text {
  /** The record, if its tag and length are the shortest; else 0. */
  record: u32
  start: u32
  end: u32
}

export let symbolCount: u32 = 0
export let symbolRoom: u32 = 0
/** Bytes of all records, when their lengths are the shortest. */
let size: u32 = 0

// Beside the rows stand three tables of words, so that what the hot loops read lies close together.
let rows: usize = 0
/** For each symbol its place in the table of a share; see `refTo`. Before `endSymbols`, and if that leaves it, its size. */
export let marks: usize = 0
/** For each symbol the watch that has it as its name, or 0. */
export let watchOf: usize = 0
/** For each symbol the place of the tenant that it names as a value, or 0 while that is not known. */
export let tenantOf: usize = 0

export function openSymbols(): void {
  symbolRoom = load<u32>(SYMBOLS_ROOM)
  rows = load<u32>(SYMBOLS)
  marks = rows + <usize>symbolRoom * offsetof<Text>()
  watchOf = marks + (<usize>symbolRoom << 2)
  tenantOf = watchOf + (<usize>symbolRoom << 2)
  symbolCount = 0
  size = 0
}

/** Ends the table: no symbol is in use yet, and no tenant known. `spelled`: shares have no tables, but sizes are asked for. */
export function endSymbols(spelled: bool): void {
  if (!spelled) memory.fill(marks, 0, <usize>symbolCount << 2)
  memory.fill(tenantOf, 0, <usize>symbolCount << 2)
  counter = 1
  store<u32>(SYMBOL_COUNT, symbolCount)
  store<u32>(SYMBOLS_SIZE, size)
}

/** Adds the symbol whose tag is at `record`. Answers false where there is no room. */
export function addSymbol(record: usize, start: usize, end: usize): bool {
  if (symbolCount == symbolRoom) return false
  store<u32>(watchOf + (<usize>symbolCount << 2), <u32>watchForAny(start, <u32>(end - start)))
  addText(record, start, end)
  return true
}

/** The same of a message in which no label is looked for. */
export function addPlainSymbol(record: usize, start: usize, end: usize): bool {
  if (symbolCount == symbolRoom) return false
  addText(record, start, end)
  return true
}

// @ts-ignore: decorator
@inline
function addText(record: usize, start: usize, end: usize): void {
  const length = <u32>(end - start)
  const head = 1 + varintSize(length)
  const row = textAt(symbolCount)
  row.record = <u32>(start - record) == head ? <u32>record : 0
  row.start = <u32>start
  row.end = <u32>end
  store<u32>(marks + (<usize>symbolCount << 2), head + length)
  size += head + length
  symbolCount++
}

// @ts-ignore: decorator
@inline
export function textAt(symbol: u32): Text {
  return changetype<Text>(rows + <usize>symbol * offsetof<Text>())
}

/** Makes `sizeOf` right behind `endSymbols`, until that is called again. */
export function sizeSymbols(): void {
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    const text = textAt(symbol)
    const length = text.end - text.start
    store<u32>(marks + (<usize>symbol << 2), 1 + varintSize(length) + length)
  }
}

/** Bytes of the symbol as a field of its own, whose number is below 16. */
// @ts-ignore: decorator
@inline
export function sizeOf(symbol: u32): u32 {
  return load<u32>(marks + (<usize>symbol << 2))
}

/** Writes the symbol as a field with that tag; returns the position behind it. */
// @ts-ignore: decorator
@inline
export function putSymbol(p: usize, tag: u32, symbol: u32): usize {
  const text = textAt(symbol)
  if (text.record == 0) return putText(p, tag, text.start, text.end - text.start)
  // As it stands there, but for its tag.
  const end = copy(p, text.record, text.end - text.record)
  store<u8>(p, tag)
  return end
}

function putText(p: usize, tag: u32, text: usize, n: u32): usize {
  store<u8>(p, tag)
  return copy(putVarint(p + 1, n), text, n)
}

// ---- the table of one share

/**
 * Marks count up through all shares of the push, so nothing has to be cleared between them: a mark below the share's
 * base is from a share before. They can't overflow: each but the base costs the output at least three bytes, and that
 * is limited to 32 bits.
 */
let counter: u32 = 1
let base: u32 = 0
/** Where the next record goes. */
let end: usize = 0

/** Begins the table of a share at `p`: the empty string. */
export function openTable(p: usize): void {
  base = counter++
  store<u16>(p, 0x0022)
  end = p + 2
}

/** The position behind the last record. */
export function tableEnd(): usize {
  return end
}

/** The share's reference for a symbol of the push, which is below symbolCount. */
// @ts-ignore: decorator
@inline
export function refTo(symbol: u32): u32 {
  const mark = load<u32>(marks + (<usize>symbol << 2)) - base
  return <i32>mark < 0 ? use(symbol) : mark
}

/** Takes a symbol into the table. Empty ones are all the first. */
function use(symbol: u32): u32 {
  const text = textAt(symbol)
  let mark = base
  if (text.end > text.start) {
    end = putSymbol(end, 0x22, symbol)
    mark = counter++
  }
  store<u32>(marks + (<usize>symbol << 2), mark)
  return mark - base
}

// ---- symbols of a message whose references are known, where messages merge

/** Begins such a message: each of its symbols is made `know`n before anything refers to it. */
export function openKnown(): void {
  openSymbols()
  base = 0
}

/** Tells the reference for a symbol, below the arena's room, and its code: see `codeOf`. */
// @ts-ignore: decorator
@inline
export function know(symbol: u32, ref: u32, code: u64): void {
  store<u32>(marks + (<usize>symbol << 2), ref)
  store<u64>(rows + (<usize>symbol << 3), code)
}

/** The reference as it is written: a varint, and in the highest byte its length. Only where it is `know`n. */
// @ts-ignore: decorator
@inline
export function codeOf(symbol: u32): u64 {
  return load<u64>(rows + (<usize>symbol << 3))
}
