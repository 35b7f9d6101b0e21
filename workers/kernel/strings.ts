// Strings by their bytes: a hash table that gives each a number, from 1 on. Rows stand in the arena REFS, slots in
// ENTRIES: whoever uses this has no rows of its own there.
import { ENTRIES, ENTRIES_ROOM, NEED_ENTRIES, NEED_REFS, REFS, REFS_ROOM } from './abi'
import { equal } from './bytes'
import { sipHash } from './sip-hash'

@unmanaged
class Text {
  start: u32
  length: u32
  hash: u32
}

/** How many strings there are. */
export let stringCount: u32 = 0
/** What there was too little room for, NEED_REFS or NEED_ENTRIES, or 0: from then on numbers mean nothing. */
export let stringsNeed: i32 = 0

let rows: usize = 0
let room: u32 = 0
let slots: usize = 0
let slotCount: u32 = 0
/** Of the string that was looked for last. */
let hash: u32 = 0
let slot: u32 = 0

const FIRST_SLOTS: u32 = 1024

export function openStrings(): void {
  stringCount = 0
  stringsNeed = 0
  rows = load<u32>(REFS)
  room = load<u32>(REFS_ROOM) / offsetof<Text>()
  slots = load<u32>(ENTRIES)
  slotCount = FIRST_SLOTS
  memory.fill(slots, 0, FIRST_SLOTS << 2)
}

/** The number of the string, 0 where it has none yet. */
export function findString(start: usize, length: u32): u32 {
  hash = sipHash(start, length)
  slot = hash & (slotCount - 1)
  while (true) {
    const number = load<u32>(slots + (<usize>slot << 2))
    if (number == 0) return 0
    const text = textAt(number)
    if (text.hash == hash && text.length == length && equal(text.start, start, length)) return number
    slot = (slot + 1) & (slotCount - 1)
  }
}

/** Gives a number to the string that was looked for last, and not found. It is kept where it is. */
export function addString(start: usize, length: u32): u32 {
  if (stringCount == room) {
    stringsNeed = NEED_REFS
    return 0
  }
  const number = ++stringCount
  const text = textAt(number)
  text.start = <u32>start
  text.length = length
  text.hash = hash
  store<u32>(slots + (<usize>slot << 2), number)
  // At most half of the slots are taken, so a search ends soon.
  if (stringCount << 1 > slotCount && !enlarge()) stringsNeed = NEED_ENTRIES
  return number
}

// @ts-ignore: decorator
@inline
function textAt(number: u32): Text {
  return changetype<Text>(rows + <usize>(number - 1) * offsetof<Text>())
}

/** Four times as many slots, behind those there were. Answers false where there is no room. */
function enlarge(): bool {
  const next = slots + (<usize>slotCount << 2)
  const count = slotCount << 2
  if (next + (<usize>count << 2) > <usize>load<u32>(ENTRIES) + load<u32>(ENTRIES_ROOM)) return false
  slots = next
  slotCount = count
  memory.fill(next, 0, <usize>count << 2)
  for (let number: u32 = 1; number <= stringCount; number++) {
    let at = textAt(number).hash & (count - 1)
    while (load<u32>(next + (<usize>at << 2)) != 0) at = (at + 1) & (count - 1)
    store<u32>(next + (<usize>at << 2), number)
  }
  return true
}
