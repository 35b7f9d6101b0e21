// A push of 1.0 that goes out as 2.0: each different string in it is a symbol, found by its bytes.
import { equal } from './bytes'
import { sipHash } from './sip-hash'
import { addPlainSymbol, marks, openSymbols, symbolCount, symbolRoom, textAt, watchOf } from './symbols'

/** Few at first, so that a small push clears little; as many as there is room for in the end. */
const FIRST_SLOTS: u32 = 1024

/** Slots: the number of a symbol + 1. They stand where nothing else does: no label is looked for by its symbol. */
let slots: usize = 0
let slotCount: u32 = 0
let mostSlots: u32 = 0

export function openInterned(): void {
  openSymbols()
  slots = watchOf
  // Two words for each symbol.
  mostSlots = <u32>1 << (31 - clz(symbolRoom << 1))
  slotCount = FIRST_SLOTS
  memory.fill(slots, 0, FIRST_SLOTS << 2)
}

/** What `intern` answers where there is no room. */
export const NO_SYMBOL: u32 = u32.MAX_VALUE

/** The symbol of the n bytes at `text`; `record` is the tag before them, or anything else if that is not right before. */
export function intern(record: usize, text: usize, n: u32): u32 {
  const hash = sipHash(text, n)
  let slot = slotOf(hash)
  while (true) {
    const found = load<u32>(slot)
    if (found == 0) break
    const row = textAt(found - 1)
    if (load<u32>(hashAt(found - 1)) == hash && row.end - row.start == n && equal(row.start, text, n)) return found - 1
    slot = after(slot)
  }
  // At most half of the slots are taken, or three quarters where there can't be more: so a search ends soon.
  if (symbolCount << 1 >= slotCount) {
    if (slotCount < mostSlots) {
      enlarge()
      slot = freeSlot(hash)
    } else if (symbolCount >= (mostSlots >> 2) * 3) return NO_SYMBOL
  }
  const symbol = symbolCount
  if (!addPlainSymbol(record, text, text + n)) return NO_SYMBOL
  store<u32>(hashAt(symbol), hash)
  store<u32>(slot, symbol + 1)
  return symbol
}

// @ts-ignore: decorator
@inline
function hashAt(symbol: u32): usize {
  return marks + (<usize>symbol << 2)
}

// @ts-ignore: decorator
@inline
function slotOf(hash: u32): usize {
  return slots + (<usize>(hash & (slotCount - 1)) << 2)
}

// @ts-ignore: decorator
@inline
function after(slot: usize): usize {
  return slots + ((slot + 4 - slots) & ((<usize>slotCount << 2) - 1))
}

function freeSlot(hash: u32): usize {
  let slot = slotOf(hash)
  while (load<u32>(slot) != 0) slot = after(slot)
  return slot
}

function enlarge(): void {
  slotCount <<= 1
  memory.fill(slots, 0, <usize>slotCount << 2)
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    store<u32>(freeSlot(load<u32>(hashAt(symbol))), symbol + 1)
  }
}
