// Rows for the parts of a message: one behind the other, and chained by whom they belong to.
import { ENTRIES, ENTRIES_ROOM, HAS_OPTIONS } from './abi'
import { copy } from './bytes'

/**
 * A record on its way out: the bytes from `from` to `cut`, then those from `resume` to `end`. If nothing is cut,
 * these are the whole record with its tag and length; else they are its contents, and tag and length are written
 * anew.
 */
@unmanaged
export class Entry {
  from: u32
  cut: u32
  resume: u32
  end: u32
  /** The next entry of the same chain, 0 at the end. */
  next: u32
}

let free: usize = 0
let end: usize = 0

// Fields beside the entries: they go into every share.
/** The first one, 0 if there are none. */
export let firstOption: u32 = 0
/** Bytes of all. */
export let optionBytes: u32 = 0
let lastOption: usize = 0

export function openEntries(): void {
  free = load<u32>(ENTRIES)
  end = free + load<u32>(ENTRIES_ROOM)
  firstOption = optionBytes = 0
  lastOption = 0
  store<u32>(HAS_OPTIONS, 0)
}

/** Place for a row of that many bytes, or 0: NEED_ENTRIES. */
// @ts-ignore: decorator
@inline
export function addRow(bytes: usize): usize {
  const row = free
  if (row + bytes > end) return 0
  free = row + bytes
  return row
}

/**
 * Adds the field at `from`, tag included. Answers false where there is no room. Fields that follow one another share a
 * row, so that a message of nothing else takes no more memory than it is long.
 */
export function addOption(from: usize, to: usize): bool {
  optionBytes += <u32>(to - from)
  if (lastOption != 0) {
    const last = changetype<Entry>(lastOption)
    if (last.end == <u32>from) {
      last.cut = last.resume = last.end = <u32>to
      return true
    }
  }
  const row = addRow(offsetof<Entry>())
  if (row == 0) return false
  const option = changetype<Entry>(row)
  option.from = <u32>from
  option.cut = option.resume = option.end = <u32>to
  option.next = 0
  if (lastOption == 0) firstOption = <u32>row
  else changetype<Entry>(lastOption).next = <u32>row
  lastOption = row
  store<u32>(HAS_OPTIONS, 1)
  return true
}

/** Copies all options to `p`; returns the position behind them. */
export function copyOptions(p: usize): usize {
  let at = <usize>firstOption
  while (at != 0) {
    const option = changetype<Entry>(at)
    p = copy(p, option.from, option.end - option.from)
    at = option.next
  }
  return p
}
