// The tenants of one push: which values are a tenant, and a hash table that finds their rows.
//
// A row's key is the label's value as it stands in the message, without prefix. Only an account of VictoriaMetrics is
// written out with its prefix, because it is normalised as a whole: `007`, `7` and `7:0` are one tenant.
import { ACCOUNT, ACCOUNT_BYTES, ALLOWED, FORBIDDEN, FORBIDDEN_COUNT, MAX_TENANT_BYTES, MAX_TENANTS } from './abi'
import { PREFIX, PREFIX_LENGTH, RULES, SEED, SLOTS, SLOTS_MASK } from './abi'
import { TENANT_BYTES, TENANTS, TENANTS_ROOM } from './abi'
import { equal } from './bytes'

/** One tenant and its share so far. Fields stand as abi.ts says. */
@unmanaged
export class Tenant {
  key: u32
  keyLength: u32
  hash: u32
  /** Bytes of its entries before compression. */
  size: u32
  series: u32
  samples: u32
  histograms: u32
  exemplars: u32
  metadata: u32
  /** The first entry. */
  head: u32
  /** Where the place of the next entry is to be written. */
  tail: u32
  /** Whether its series differ in an HA label. */
  alone: u32
  /** `replica` of the last series that was seen to have the HA values of the first. */
  replica: u32
  out: u32
  outLength: u32
  /** What it has beside its share, 0 if there is none; see fold.ts. */
  aside: u32
}

/** How many tenants there are. */
export let tenantCount: u32 = 0

let rows: usize = 0
let slots: usize = 0
let mask: u32 = 0
let seed: u64 = 0
let limit: u32 = 0
let room: u32 = 0
let account: bool = false
let prefixLength: u32 = 0

export function openTenants(): void {
  rows = load<u32>(TENANTS)
  room = load<u32>(TENANTS_ROOM)
  slots = load<u32>(SLOTS)
  mask = load<u32>(SLOTS_MASK)
  const rules = <usize>load<u32>(RULES)
  seed = load<u64>(rules + SEED)
  limit = load<u32>(rules + MAX_TENANTS)
  account = load<u32>(rules + ACCOUNT) != 0
  prefixLength = load<u32>(rules + PREFIX_LENGTH)
  tenantCount = 0
}

/** Frees the slots that are in use, instead of clearing the table: a push has few tenants. */
export function closeTenants(): void {
  for (let k: u32 = 0; k < tenantCount; k++) {
    let slot = tenantAt(k).hash & mask
    while (load<u32>(slots + (slot << 2)) != 0) {
      store<u32>(slots + (slot << 2), 0)
      slot = (slot + 1) & mask
    }
  }
}

// @ts-ignore: decorator
@inline
export function tenantAt(k: u32): Tenant {
  return changetype<Tenant>(rows + <usize>k * TENANT_BYTES)
}

/** Number of the tenant among those of the push. */
// @ts-ignore: decorator
@inline
export function numberOf(tenant: Tenant): u32 {
  return <u32>((changetype<usize>(tenant) - rows) / TENANT_BYTES)
}

// What `findTenant` answers instead of a place.
export const NO_TENANT: usize = 0
export const NO_ROOM: usize = 1
export const ONE_TOO_MANY: usize = 2

/** The row of the tenant that this value names, or NO_TENANT, NO_ROOM or ONE_TOO_MANY. */
// @ts-ignore: decorator
@inline
export function findTenant(value: usize, n: u32): usize {
  // Not hashed: any number of series of 2.0 may refer to one value of megabytes.
  if (n > <u32>MAX_TENANT_BYTES) return NO_TENANT
  // A key with its prefix is not to be mistaken for a value.
  if (account && prefixLength != 0) return findAccount(value, n)
  const h = hash(value, n)
  let slot = h & mask
  while (true) {
    const at = load<u32>(slots + (slot << 2))
    if (at == 0) return account ? findAccount(value, n) : isTenant(value, n) ? add(value, n, h, slot) : NO_TENANT
    const tenant = tenantAt(at - 1)
    if (tenant.hash == h && tenant.keyLength == n && equal(tenant.key, value, n)) return changetype<usize>(tenant)
    slot = (slot + 1) & mask
  }
}

/**
 * 28 bits. The seed is another one in each instance, so that nobody can choose values that all fall into one slot.
 */
// @ts-ignore: decorator
@inline
export function hash(value: usize, n: u32): u32 {
  let h: u64 = seed + n
  let k: u32 = 0
  while (k + 8 <= n) {
    h = (h ^ load<u64>(value + k)) * 0x9e3779b185ebca87
    h ^= h >> 32
    k += 8
  }
  if (k < n) h = (h ^ (load<u64>(value + k) & (((<u64>1) << ((n - k) << 3)) - 1))) * 0x9e3779b185ebca87
  h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9
  return <u32>(h >> 36)
}

function add(key: usize, n: u32, h: u32, slot: u32): usize {
  if (tenantCount == limit) return ONE_TOO_MANY
  if (tenantCount == room) return NO_ROOM
  const tenant = tenantAt(tenantCount)
  memory.fill(changetype<usize>(tenant), 0, TENANT_BYTES)
  tenant.key = <u32>key
  tenant.keyLength = n
  tenant.hash = h
  tenant.tail = <u32>(changetype<usize>(tenant) + offsetof<Tenant>('head'))
  tenantCount++
  store<u32>(slots + (slot << 2), tenantCount)
  return changetype<usize>(tenant)
}

/** Whether prefix and value together are a tenant; the host has checked the prefix's own bytes. */
function isTenant(value: usize, n: u32): bool {
  const rules = <usize>load<u32>(RULES)
  if (n + prefixLength > <u32>MAX_TENANT_BYTES) return false
  for (let k: u32 = 0; k < n; k++) {
    if (load<u8>(rules + ALLOWED + <usize>load<u8>(value + k)) == 0) return false
  }
  let row = <usize>load<u32>(rules + FORBIDDEN)
  for (let k = load<u32>(rules + FORBIDDEN_COUNT); k > 0; k--) {
    if (load<u32>(row) == n && equal(load<u32>(row, 4), value, n)) return false
    row += 8
  }
  return true
}

// ---- accounts of VictoriaMetrics: accountID[:projectID], both uint32

// What `readAccount` has read so far.
let ids: u64 = 0
let id: u64 = 0
let digits: u32 = 0
let colons: u32 = 0

/** As `findTenant`, for a value that is no key as it stands. */
function findAccount(value: usize, n: u32): usize {
  const rules = <usize>load<u32>(RULES)
  if (n + prefixLength > <u32>MAX_TENANT_BYTES) return NO_TENANT
  id = ids = 0
  digits = colons = 0
  if (!readAccount(load<u32>(rules + PREFIX), prefixLength) || !readAccount(value, n) || digits == 0) return NO_TENANT
  // The key is written behind the rows, where the next tenant's would stand. It counts only if it is new.
  const key = rows + <usize>room * TENANT_BYTES + <usize>tenantCount * ACCOUNT_BYTES
  let end = colons == 0 ? putDecimal(key, id) : putDecimal(key, ids)
  if (colons != 0 && id != 0) {
    store<u8>(end, 0x3a)
    end = putDecimal(end + 1, id)
  }
  const length = <u32>(end - key)
  const h = hash(key, length)
  let slot = h & mask
  while (true) {
    const at = load<u32>(slots + (slot << 2))
    if (at == 0) return add(key, length, h, slot)
    const tenant = tenantAt(at - 1)
    if (tenant.hash == h && tenant.keyLength == length && equal(tenant.key, key, length)) return changetype<usize>(tenant)
    slot = (slot + 1) & mask
  }
}

/** Reads on; false where this can't be an account. */
function readAccount(p: usize, n: u32): bool {
  const end = p + n
  while (p < end) {
    const byte = <u32>load<u8>(p++)
    if (byte == 0x3a && colons == 0 && digits > 0) {
      ids = id
      id = 0
      digits = 0
      colons = 1
      continue
    }
    if (byte - 0x30 > 9) return false
    id = id * 10 + (byte - 0x30)
    if (id > <u64>u32.MAX_VALUE) return false
    digits++
  }
  return true
}

function putDecimal(p: usize, value: u64): usize {
  let end = p + 1
  for (let rest = value; rest > 9; rest /= 10) end++
  for (let at = end; at > p; value /= 10) store<u8>(--at, 0x30 + <u8>(value % 10))
  return end
}
