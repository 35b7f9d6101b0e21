// What is reported of metric families beside the shares: entries of 1.0 metadata, and the names or the metadata of
// series that found a tenant. Nothing of this runs unless the rules ask for it.
import { FAMILIES, MAX_NAME_BYTES, MAX_TEXT_BYTES, NAME_WATCH, REPORTED_ENTRIES, REPORTED_NAMES, RULES, SEEN, SEEN_COUNT } from './abi'
import { equal } from './bytes'
import { addRow } from './entries'
import { fieldEnd, fieldNumber, fieldStart, fieldType, fieldValue, frame, VARINT } from './field'
import { refersMore, Series } from './series-v2'
import { Text, textAt } from './symbols'
import { hash, numberOf, Tenant } from './tenants'
import { isNoted, Watch } from './watches'

/** An entry of metadata: its whole record. Fields stand as abi.ts says. */
@unmanaged
class Reported {
  from: u32
  end: u32
  next: u32
}

/** What one series says, once for each tenant, mostly: the host leaves out what it has already. */
@unmanaged
class Named {
  /** The number of the tenant. */
  tenant: u32
  hash: u32
  name: u32
  nameLength: u32
  type: u32
  help: u32
  helpLength: u32
  unit: u32
  unitLength: u32
  next: u32
}

let nameWatch: usize = 0
let seen: usize = 0
let lastEntry: usize = 0
let lastName: usize = 0

export function openFamilies(): void {
  const rules = <usize>load<u32>(RULES)
  nameWatch = load<u32>(rules + NAME_WATCH)
  lastEntry = REPORTED_ENTRIES
  lastName = REPORTED_NAMES
  store<u32>(REPORTED_ENTRIES, 0)
  store<u32>(REPORTED_NAMES, 0)
  seen = load<u32>(SEEN)
  if (load<u32>(rules + FAMILIES) != 0) memory.fill(seen, 0, SEEN_COUNT << 2)
}

/** Takes down the record of a metadata entry. Answers false where there is no room. */
export function reportEntry(from: usize, end: usize): bool {
  const row = addRow(offsetof<Reported>())
  if (row == 0) return false
  const entry = changetype<Reported>(row)
  entry.from = <u32>from
  entry.end = <u32>end
  entry.next = 0
  store<u32>(lastEntry, <u32>row)
  lastEntry = row + offsetof<Reported>('next')
  return true
}

// What the metadata of the current series says: a type, and texts by their place and length.
let metricType: u32 = 0
let help: u32 = 0
let helpLength: u32 = 0
let unit: u32 = 0
let unitLength: u32 = 0

/** Takes down the name of the current series, which went to this tenant. Answers false where there is no room. */
export function reportName(tenant: Tenant): bool {
  metricType = help = helpLength = unit = unitLength = 0
  if (!isNoted(nameWatch)) return true
  const watch = changetype<Watch>(nameWatch)
  return add(tenant, hash(watch.value, watch.valueLength))
}

/** 2.0: the family that the metadata of this series describes. Answers false where there is no room. */
export function reportFamily(tenant: Tenant, series: Series): bool {
  // No references behind the labels: no metadata either.
  if (!refersMore) return true
  metricType = help = helpLength = unit = unitLength = 0
  let i = <usize>series.rest
  const end = <usize>series.end
  while (i < end) {
    frame(i, end)
    const stop = fieldEnd
    if (fieldNumber == 5) readMetadata(fieldStart, stop)
    i = stop
  }
  if (metricType == 0 && helpLength == 0 && unitLength == 0) return true
  // A text stands once in the symbol table, mostly: its place tells it from others.
  return isNoted(nameWatch) ? add(tenant, changetype<Watch>(nameWatch).value * 0x9e3779b1 >> 8) : true
}

/** As every decoder reads it: a message that is repeated is merged, and of each of its fields the last counts. */
function readMetadata(i: usize, end: usize): void {
  while (i < end) {
    frame(i, end)
    if (fieldNumber == 1 && fieldType == VARINT) metricType = fieldValue
    else if (fieldNumber == 3) {
      const text = textAt(fieldValue)
      help = text.start
      helpLength = lengthOf(text)
    } else if (fieldNumber == 4) {
      const text = textAt(fieldValue)
      unit = text.start
      unitLength = lengthOf(text)
    }
    i = fieldEnd
  }
}

/** As the host's `textOf`: too long a text counts as none. */
function lengthOf(text: Text): u32 {
  const n = text.end - text.start
  return n > <u32>MAX_TEXT_BYTES ? 0 : n
}

/**
 * The bet: what a series says was said by one of the last few thousand. Fallback: it is there twice, and the host
 * leaves it out.
 * `key` is the same for the same name.
 */
// @ts-ignore: decorator
@inline
function add(tenant: Tenant, key: u32): bool {
  const watch = changetype<Watch>(nameWatch)
  const n = watch.valueLength
  // The host takes no notice of longer ones, and any number of series of 2.0 may refer to one of megabytes.
  if (n == 0 || n > <u32>MAX_NAME_BYTES) return true
  const number = numberOf(tenant)
  const slot = seen + (<usize>((key ^ (number * 0x9e3779b1 >> 12)) & (SEEN_COUNT - 1)) << 2)
  const place = <usize>load<u32>(slot)
  if (place != 0) {
    const before = changetype<Named>(place)
    if (
      before.tenant == number && before.nameLength == n &&
      (before.name == watch.value || equal(before.name, watch.value, n)) &&
      before.type == metricType && before.help == help && before.unit == unit
    ) return true
  }
  const row = addRow(offsetof<Named>())
  if (row == 0) return false
  const named = changetype<Named>(row)
  named.tenant = number
  named.hash = hash(watch.value, n)
  named.name = watch.value
  named.nameLength = n
  named.type = metricType
  named.help = help
  named.helpLength = helpLength
  named.unit = unit
  named.unitLength = unitLength
  named.next = 0
  store<u32>(lastName, <u32>row)
  lastName = row + offsetof<Named>('next')
  store<u32>(slot, <u32>row)
  return true
}
