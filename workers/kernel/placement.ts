// Where a series goes: to a tenant's share, or into the count of what was refused.
import { BAD_REFERENCE, BY_CONFIG, BY_FIRST, DEFAULT, DEFAULT_LENGTH, HA_COUNT, INVALID, INVALID_TENANT } from './abi'
import { MISSING, MISSING_TENANT, PRECEDENCE, REASONS, REFUSAL_BYTES, REFUSALS } from './abi'
import { REPEATED_LABEL, REPLICAS, RULES, STRIP, TENANT_LABELS, TO_DEFAULT, TO_DROP, TOO_MANY_TENANTS } from './abi'
import { findTenant, NO_ROOM, NO_TENANT, numberOf, ONE_TOO_MANY, Tenant } from './tenants'
import { firstConfigured, firstLabel, hasRepeat, isReplica, labelsDisagree, lastLabel } from './watches'
import { putReplica, repeat, repeatLength, replica, Watch } from './watches'

/** What is counted of an entry. */
export let samples: u32 = 0
export let histograms: u32 = 0
export let exemplars: u32 = 0
/** Whether the series finds its tenant, and nothing of it goes there. */
let isLost: bool = false

@unmanaged
class Refusal {
  order: u32
  series: u32
  samples: u32
  histograms: u32
  exemplars: u32
  metadata: u32
  example: u32
  exampleLength: u32
}

let rules: usize = 0
let strip: bool = false
let precedence: i32 = 0
let several: bool = false
let haBytes: u32 = 0
let replicas: usize = 0
let refusals: u32 = 0
let known: usize = 0
export let disagreements: u32 = 0
/** The label that `place` wants to be removed from the series; 0 for none. */
export let stripped: usize = 0

export function stripNothing(): void {
  stripped = 0
}

/**
 * `knownTenants`: 2.0, for each symbol the place of the tenant that it names as a value, or 0; in 1.0 there is no
 * such table.
 */
export function openPlacement(knownTenants: usize): void {
  known = knownTenants
  rules = load<u32>(RULES)
  strip = load<u32>(rules + STRIP) != 0
  precedence = load<u32>(rules + PRECEDENCE)
  several = load<u32>(rules + TENANT_LABELS) > 1
  haBytes = load<u32>(rules + HA_COUNT) << 3
  replicas = load<u32>(REPLICAS)
  disagreements = 0
  refusals = 0
  memory.fill(REFUSALS, 0, 2 * REASONS * REFUSAL_BYTES)
}

export function setCounts(s: u32, h: u32, e: u32, lost: bool): void {
  isLost = lost
  samples = s
  histograms = h
  exemplars = e
}

// What the placing functions answer instead of a tenant's row.
export const REFUSED: usize = 0
export const NO_ROOM_LEFT: usize = 1

/** The row of the tenant that the current series goes to, counted there; or REFUSED, counted too; or NO_ROOM_LEFT. */
// @ts-ignore: decorator
@inline
export function placeSeries(): usize {
  stripped = 0
  if (hasRepeat) return placeInvalid(REPEATED_LABEL, repeat, repeatLength)
  let winner = firstLabel
  if (several) {
    if (labelsDisagree()) disagreements++
    if (precedence == BY_CONFIG) winner = firstConfigured()
    else if (precedence != BY_FIRST) winner = lastLabel
  }
  const w = changetype<Watch>(winner)
  if (winner == 0 || w.valueLength == 0) return placeMissing()
  const place = known == 0 ? findTenant(w.value, w.valueLength) : findKnown(w)
  if (place <= ONE_TOO_MANY) {
    if (place == NO_TENANT) return placeInvalid(INVALID_TENANT, w.value, w.valueLength)
    return noPlace(place, true, w.value, w.valueLength)
  }
  if (strip) stripped = winner
  return countSeries(changetype<Tenant>(place))
}

/** As `findTenant`, for a value that stands in the symbol table: looked up once. */
function findKnown(w: Watch): usize {
  const at = known + (<usize>w.end << 2)
  let place = <usize>load<u32>(at)
  if (place == 0) {
    place = findTenant(w.value, w.valueLength)
    if (place > ONE_TOO_MANY) store<u32>(at, <u32>place)
  }
  return place
}

function placeMissing(): usize {
  const mode = load<u32>(rules + MISSING)
  if (mode == TO_DEFAULT && load<u32>(rules + DEFAULT) != 0) return placeInDefault(true)
  return refuse(MISSING_TENANT, mode == TO_DROP, true, 0, 0)
}

function placeInvalid(reason: u32, value: usize, n: u32): usize {
  const mode = load<u32>(rules + INVALID)
  if (mode == TO_DEFAULT && load<u32>(rules + DEFAULT) != 0) return placeInDefault(true)
  return refuse(reason, mode == TO_DROP, true, value, n)
}

/** Where the current series, or an entry of metadata, goes if it has no tenant of its own; it keeps all labels. */
export function placeInDefault(isSeries: bool): usize {
  const value = <usize>load<u32>(rules + DEFAULT)
  const n = load<u32>(rules + DEFAULT_LENGTH)
  const place = findTenant(value, n)
  if (place == NO_TENANT) return refuse(INVALID_TENANT, load<u32>(rules + INVALID) == TO_DROP, isSeries, value, n)
  if (place <= ONE_TOO_MANY) return noPlace(place, isSeries, value, n)
  const tenant = changetype<Tenant>(place)
  if (isSeries) return countSeries(tenant)
  tenant.metadata++
  return place
}

function noPlace(place: usize, isSeries: bool, value: usize, n: u32): usize {
  return place == NO_ROOM ? NO_ROOM_LEFT : refuse(TOO_MANY_TENANTS, false, isSeries, value, n)
}

// @ts-ignore: decorator
@inline
function countSeries(tenant: Tenant): usize {
  if (isLost) return changetype<usize>(tenant)
  // The common case: all series of the push come from one replica. The tenant label itself may be an HA label; if
  // it is stripped, what counts is what goes out.
  if (tenant.replica != replica || stripped != 0 && changetype<Watch>(stripped).isHa) compareReplica(tenant)
  tenant.series++
  tenant.samples += samples
  tenant.histograms += histograms
  tenant.exemplars += exemplars
  return changetype<usize>(tenant)
}

function compareReplica(tenant: Tenant): void {
  const row = replicas + <usize>(numberOf(tenant) * haBytes)
  if (tenant.series == 0) putReplica(row, stripped)
  else if (!isReplica(row, stripped)) tenant.alone = 1
  tenant.replica = replica
}

/** 2.0: a series whose references lead nowhere. */
export function refuseReference(): usize {
  return refuse(BAD_REFERENCE, false, true, 0, 0)
}

function refuse(reason: u32, dropped: bool, isSeries: bool, value: usize, n: u32): usize {
  const refusal = changetype<Refusal>(<usize>REFUSALS + <usize>(reason + (dropped ? REASONS : 0)) * REFUSAL_BYTES)
  if (refusal.order == 0) {
    refusal.order = ++refusals
    refusal.example = <u32>value
    refusal.exampleLength = n
  }
  if (isSeries) {
    refusal.series++
    refusal.samples += samples
    refusal.histograms += histograms
    refusal.exemplars += exemplars
  } else {
    refusal.metadata++
  }
  return REFUSED
}
