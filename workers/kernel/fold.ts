// Shares of 2.0: stores refuse a series without samples and histograms, or the whole request for it, and Prometheus sends
// each exemplar in such a series of its own ("lone" here). It is folded into the first series of the share that has the
// same labels and something to store. What finds none goes beside the share, as 1.0, which has no such rule.
//
// Nothing of this runs unless a push has lone series. Labels are the same if their references are, in the same order,
// without those of the tenant label: a symbol table that spells a string twice may keep a series from its host.
import { ASIDE_TOTAL, NEED_ENTRIES } from './abi'
import { copy, equal } from './bytes'
import { addRow, Entry } from './entries'
import { fieldEnd, fieldNumber, frame } from './field'
import { Series } from './series-v2'
import { sipHash } from './sip-hash'
import { measure, spell, SpelledSeries } from './spelled-series'
import { endSymbols, sizeSymbols } from './symbols'
import { Tenant, tenantAt, tenantCount } from './tenants'
import { timesLost } from './times'
import { varintSize } from './varint'

/** What a tenant has beside its share, or might. Fields stand as abi.ts says. */
@unmanaged
export class Aside {
  /** How many of its series are lone. */
  lone: u32
  /** The first entry that goes aside. */
  head: u32
  /** Where the place of the next one is to be written. */
  tail: u32
  series: u32
  exemplars: u32
  metadata: u32
  /** Bytes of its entries before compression. */
  size: u32
  out: u32
  outLength: u32
}

/** Lone series with the same labels. */
@unmanaged
class Group {
  hash: u32
  /** One of them. */
  series: u32
  /** What they are folded into, and the last that was; 0 for none. */
  host: u32
  last: u32
}

// What stands in `Series.folds` beside the first of the series that are folded into it: of a lone series 1, and the
// place of its record, if there is one; of a series without anything NOTHING. Whatever is more, and no lone series', is
// the first of the series that are folded in.
const LONE: u32 = 1
export const NOTHING: u32 = 2

/** How many lone series there are. */
export let loneCount: u32 = 0
/** Bytes of all that goes aside, and the times that are lost with it. */
export let asideTotal: u64 = 0
export let asideTimesLost: u32 = 0

export function openFold(): void {
  loneCount = 0
  asideTotal = 0
  asideTimesLost = 0
  entryCount = 0
  entryBytes = 0
  store<u32>(ASIDE_TOTAL, 0)
}

/** Takes down a series without samples and histograms, which went to this tenant. Answers false where there is no room. */
export function noteEmpty(series: Series, tenant: Tenant, exemplars: u32): bool {
  series.folds = NOTHING
  if (exemplars == 0) return true
  if (!openAside(tenant)) return false
  series.folds = LONE
  changetype<Aside>(tenant.aside).lone++
  loneCount++
  return true
}

/** Answers false where there is no room. */
function openAside(tenant: Tenant): bool {
  if (tenant.aside != 0) return true
  const row = addRow(offsetof<Aside>())
  if (row == 0) return false
  memory.fill(row, 0, offsetof<Aside>())
  tenant.aside = <u32>row
  changetype<Aside>(row).tail = <u32>(row + offsetof<Aside>('head'))
  return true
}

// Entries of metadata of a 1.0 push, which has no place in 2.0: all go to one tenant, the default one.
/** How many there are. */
export let entryCount: u32 = 0
let entryBytes: u32 = 0
let entryOwner: usize = 0
let firstEntry: usize = 0
let lastEntry: usize = 0

/** Takes down the row of an entry, which has that many bytes. Answers false where there is no room. */
export function noteEntry(row: usize, bytes: u32, tenant: Tenant): bool {
  if (!openAside(tenant)) return false
  if (entryCount == 0) firstEntry = row
  else changetype<Entry>(lastEntry).next = <u32>row
  lastEntry = row
  entryOwner = changetype<usize>(tenant)
  entryBytes += bytes
  entryCount++
  return true
}

/** Puts the entries behind the series that go aside. */
export function putEntriesAside(): void {
  const tenant = changetype<Tenant>(entryOwner)
  const aside = changetype<Aside>(tenant.aside)
  store<u32>(aside.tail, <u32>firstEntry)
  aside.metadata = entryCount
  tenant.metadata = 0
  aside.size += entryBytes
  asideTotal += entryBytes
  store<u32>(ASIDE_TOTAL, <u32>asideTotal)
}

/** A lone series came as 1.0: this is the row of its record. */
export function keepRecord(series: Series, record: usize): void {
  series.folds = LONE | <u32>record
}

// @ts-ignore: decorator
@inline
function isLone(series: Series): bool {
  return (series.folds & LONE) != 0
}

let slots: usize = 0
let mask: u32 = 0

/** Folds what can be folded; the rest goes aside. Answers 0, FAULT, or what it needs. */
export function foldAll(): i32 {
  // At most half of the slots are taken.
  const most: u32 = 2 << (32 - clz(loneCount))
  slots = addRow(<usize>most << 2)
  if (slots == 0) return NEED_ENTRIES
  for (let k: u32 = 0; k < tenantCount; k++) {
    const tenant = tenantAt(k)
    if (tenant.aside == 0) continue
    const aside = changetype<Aside>(tenant.aside)
    mask = (2 << (32 - clz(aside.lone))) - 1
    memory.fill(slots, 0, <usize>(mask + 1) << 2)
    const groups = groupLone(tenant)
    if (groups < 0) return groups
    findHosts(tenant, groups)
    const answer = fold(tenant, aside)
    if (answer) return answer
  }
  // Sizes were asked for.
  if (asideTotal > 0) endSymbols(false)
  store<u32>(ASIDE_TOTAL, <u32>asideTotal)
  return 0
}

/** Groups a tenant's lone series by their labels. Answers how many groups there are, or NEED_ENTRIES. */
function groupLone(tenant: Tenant): i32 {
  let groups = 0
  for (let at = <usize>tenant.head; at != 0; at = changetype<Series>(at).next) {
    const series = changetype<Series>(at)
    if (!isLone(series)) continue
    const slot = slotOf(series)
    if (load<u32>(slot) != 0) continue
    const row = addRow(offsetof<Group>())
    if (row == 0) return NEED_ENTRIES
    const group = changetype<Group>(row)
    group.hash = hash
    group.series = <u32>at
    group.host = 0
    store<u32>(slot, <u32>row)
    groups++
  }
  return groups
}

/** Finds the first series for each group that has the same labels, and something to store. */
function findHosts(tenant: Tenant, groups: i32): void {
  for (let at = <usize>tenant.head; at != 0 && groups > 0; at = changetype<Series>(at).next) {
    const series = changetype<Series>(at)
    if (series.folds != 0) continue
    const row = load<u32>(slotOf(series))
    if (row == 0) continue
    const group = changetype<Group>(row)
    if (group.host != 0) continue
    group.host = <u32>at
    groups--
  }
}

/** Hash of the series that was looked for last. */
let hash: u32 = 0

/** The slot that holds the group with the labels of this series, or where that belongs. */
function slotOf(series: Series): usize {
  const refs = <usize>series.refs
  const bytes = series.refsEnd - series.refs
  hash = sipHash(refs, bytes)
  let slot = hash & mask
  while (true) {
    const at = slots + (<usize>slot << 2)
    const row = load<u32>(at)
    if (row == 0) return at
    const group = changetype<Group>(row)
    const other = changetype<Series>(group.series)
    if (group.hash == hash && other.refsEnd - other.refs == bytes && equal(other.refs, refs, bytes)) return at
    slot = (slot + 1) & mask
  }
}

/** Chains the tenant's series anew: lone ones to their host, or aside. Answers 0, FAULT, or NEED_ENTRIES. */
function fold(tenant: Tenant, aside: Aside): i32 {
  let tail = changetype<usize>(tenant) + offsetof<Tenant>('head')
  let at = <usize>tenant.head
  store<u32>(tail, 0)
  while (at != 0) {
    const series = changetype<Series>(at)
    at = series.next
    series.next = 0
    if (!isLone(series)) {
      store<u32>(tail, <u32>changetype<usize>(series))
      tail = changetype<usize>(series) + offsetof<Series>('next')
      continue
    }
    const group = changetype<Group>(load<u32>(slotOf(series)))
    if (group.host == 0) {
      const answer = putAside(series, tenant, aside)
      if (answer) return answer
      continue
    }
    const host = changetype<Series>(group.host)
    if (host.folds == 0) host.folds = <u32>changetype<usize>(series)
    else changetype<Series>(group.last).next = <u32>changetype<usize>(series)
    group.last = <u32>changetype<usize>(series)
  }
  return 0
}

function putAside(series: Series, tenant: Tenant, aside: Aside): i32 {
  let exemplars: u32 = 0
  let row = <usize>(series.folds - LONE)
  if (row != 0) {
    exemplars = countFields(series, 3)
    const size = recordSize(changetype<Entry>(row))
    aside.size += size
    asideTotal += size
    store<u32>(aside.tail, <u32>row)
    aside.tail = <u32>(row + offsetof<Entry>('next'))
  } else {
    row = addRow(offsetof<SpelledSeries>())
    if (row == 0) return NEED_ENTRIES
    if (asideTotal == 0) sizeSymbols()
    copy(row, changetype<usize>(series), offsetof<Series>())
    const spelled = changetype<SpelledSeries>(row)
    if (measure(spelled)) return -1
    const size = spell(spelled)
    exemplars = countFields(series, 4)
    aside.size += <u32>size
    asideTotal += size
    asideTimesLost += timesLost
    store<u32>(aside.tail, <u32>row)
    aside.tail = <u32>(row + offsetof<SpelledSeries>('next'))
  }
  tenant.series--
  tenant.exemplars -= exemplars
  aside.series++
  aside.exemplars += exemplars
  return 0
}

/** Bytes of a record as it goes out. */
function recordSize(entry: Entry): u32 {
  const size = entry.cut - entry.from + entry.end - entry.resume
  return entry.cut == entry.resume ? size : 1 + varintSize(size) + size
}

/** How many fields of that number stand behind the labels that stand first. */
function countFields(series: Series, number: u32): u32 {
  let count: u32 = 0
  const end = <usize>series.end
  for (let i = <usize>series.rest; i < end; i = fieldEnd) {
    frame(i, end)
    if (fieldNumber == number) count++
  }
  return count
}
