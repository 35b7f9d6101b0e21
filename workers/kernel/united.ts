// Remote write 2.0: one symbol table for several messages. First the empty string, then the symbols of the messages in
// their order, each string once. A string is found by its bytes, in a hash table: its rows stand in the arena REFS, its
// slots in ENTRIES.
import { ENTRIES, ENTRIES_ROOM, NEED_ENTRIES, NEED_REFS, REFS, REFS_ROOM } from './abi'
import { copy, equal } from './bytes'
import { sipHash } from './sip-hash'
import { putVarint } from './varint'

@unmanaged
class United {
  start: u32
  length: u32
  /** The reference to it as it is written: a varint of at most five bytes, and in the highest byte its length. */
  code: u64
}

/** How many strings there are, with the empty one. A string's number is the reference to it. */
export let unitedCount: u32 = 0
/** What there was too little room for, NEED_REFS or NEED_ENTRIES, or 0. From then on nothing may be looked for. */
export let unitedNeed: i32 = 0
/** The position behind the last record of the table. */
export let unitedEnd: usize = 0

let rows: usize = 0
let room: u32 = 0
/** In each slot the hash of a string and its number, which is 0 where the slot is free: the empty string is in none. */
let slots: usize = 0
let slotCount: u32 = 0

const FIRST_SLOTS: u32 = 512

/** Begins the table at `p` with the empty string, where there is room for all symbols of all messages. */
export function openUnited(p: usize): void {
  rows = load<u32>(REFS)
  room = load<u32>(REFS_ROOM) / offsetof<United>()
  slots = load<u32>(ENTRIES)
  slotCount = FIRST_SLOTS
  memory.fill(slots, 0, FIRST_SLOTS << 3)
  store<u16>(p, 0x0022)
  unitedEnd = p + 2
  unitedCount = 0
  unitedNeed = 0
  addRow(p, 0)
}

/** Whether the string of that number, which is not the empty one, is this. */
// @ts-ignore: decorator
@inline
export function isUnited(number: u32, start: usize, n: u32): bool {
  const row = rowAt(number)
  return row.length == n && equal(row.start, start, n)
}

/** The code of a string: see United. */
// @ts-ignore: decorator
@inline
export function codeOfUnited(number: u32): u64 {
  return rowAt(number).code
}

/** The number of a string that is not empty. It gets one where it has none yet. */
export function unite(start: usize, n: u32): u32 {
  const hash = sipHash(start, n)
  let slot = hash & (slotCount - 1)
  while (true) {
    const at = slots + (<usize>slot << 3)
    const number = load<u32>(at, 4)
    if (number == 0) return add(at, hash, start, n)
    if (load<u32>(at) == hash && isUnited(number, start, n)) return number
    slot = (slot + 1) & (slotCount - 1)
  }
}

function add(slot: usize, hash: u32, start: usize, n: u32): u32 {
  if (unitedCount == room) {
    unitedNeed = NEED_REFS
    return 0
  }
  store<u8>(unitedEnd, 0x22)
  const text = putVarint(unitedEnd + 1, n)
  unitedEnd = copy(text, start, n)
  const number = addRow(text, n)
  store<u32>(slot, hash)
  store<u32>(slot, number, 4)
  // At most half of the slots are taken, so a search ends soon.
  if (unitedCount << 1 > slotCount && !enlarge()) unitedNeed = NEED_ENTRIES
  return number
}

function addRow(text: usize, n: u32): u32 {
  const number = unitedCount++
  const row = rowAt(number)
  row.start = <u32>text
  row.length = n
  row.code = 0
  const code = changetype<usize>(row) + offsetof<United>('code')
  store<u8>(code, <u32>(putVarint(code, number) - code), 7)
  return number
}

// @ts-ignore: decorator
@inline
function rowAt(number: u32): United {
  return changetype<United>(rows + <usize>number * offsetof<United>())
}

/** Four times as many slots, behind those there were. Answers false where there is no room. */
function enlarge(): bool {
  const next = slots + (<usize>slotCount << 3)
  const count = slotCount << 2
  if (next + (<usize>count << 3) > <usize>load<u32>(ENTRIES) + load<u32>(ENTRIES_ROOM)) return false
  memory.fill(next, 0, <usize>count << 3)
  for (let old = slots; old < next; old += 8) {
    const slot = load<u64>(old)
    if (slot == 0) continue
    let at = <u32>slot & (count - 1)
    while (load<u32>(next + (<usize>at << 3), 4) != 0) at = (at + 1) & (count - 1)
    store<u64>(next + (<usize>at << 3), slot)
  }
  slots = next
  slotCount = count
  return true
}
