// The labels that are looked for in each series: tenant labels and HA labels, found by name.
import { BY_LENGTH, HA, HA_COUNT, MAX_HA_BYTES, MAX_TENANT_BYTES, RULES, TENANT_LABELS, WATCH_BYTES, WATCH_COUNT, WATCHES } from './abi'
import { equal } from './bytes'

/** One name, and what the current series has under it. The host writes the fields before `series`. */
@unmanaged
export class Watch {
  /** The first eight bytes of the name, and which of them count. */
  word: u64
  mask: u64
  name: u32
  length: u32
  /** The next watch whose name is as long, 0 at the end. */
  next: u32
  /** Whether this is a tenant label. */
  isTenant: u32
  isHa: u32
  /** The series that had it last, as a number that `nextSeries` gives. What stands below belongs to that one. */
  series: u32
  /**
   * Where it stands. 1.0: the field, from its tag to its end. 2.0: its pair of references, and the symbol of its
   * value.
   */
  start: u32
  end: u32
  value: u32
  valueLength: u32
}

/** Number of the current series. */
let current: u32 = 0
let rules: usize = 0

// What the current series has, as far as it was read.
/** The first and the last of its tenant labels; 0 where it has none. */
export let firstLabel: usize = 0
export let lastLabel: usize = 0
/** Whether it has one tenant label twice, and the value that came second. */
export let hasRepeat: bool = false
export let repeat: usize = 0
export let repeatLength: u32 = 0
/** Changes whenever a series may have other HA values than the one before: while it stays, they are the same. */
export let replica: u32 = 0
/** How many HA labels it has, and how many the series before had. */
let haLabels: u32 = 0
let haLabelsBefore: u32 = 0

export function openWatches(): void {
  rules = load<u32>(RULES)
  // So that no watch seems to belong to the series before the first.
  current = 1
  replica = 1
  haLabels = 0
  let watch = <usize>load<u32>(rules + WATCHES)
  for (let k = load<u32>(rules + WATCH_COUNT); k > 0; k--) {
    changetype<Watch>(watch).series = 0
    watch += WATCH_BYTES
  }
}

// @ts-ignore: decorator
@inline
export function nextSeries(): void {
  current++
  firstLabel = lastLabel = 0
  hasRepeat = false
  haLabelsBefore = haLabels
  haLabels = 0
}

/** Begins the same series again. */
export function restartSeries(): void {
  nextSeries()
  // What was noted in between counts as a series of its own, so nothing is known about the one before.
  replica++
}

/** Ends the series: all its labels were noted. */
// @ts-ignore: decorator
@inline
export function endSeries(): void {
  if (haLabels != haLabelsBefore) replica++
}

/**
 * The watch for this name, of those from `watch` on; 0 where nobody looks for it. Reads eight bytes of the name,
 * whatever its length.
 */
// @ts-ignore: decorator
@inline
export function watchFor(watch: usize, name: usize, n: u32): usize {
  while (watch != 0) {
    const w = changetype<Watch>(watch)
    if ((load<u64>(name) & w.mask) == w.word && (n <= 8 || equal(name, w.name, n))) break
    watch = w.next
  }
  return watch
}

/** The first watch for a name of n bytes, below 128, whose first bytes are these; 0 where there is none. */
export function firstWatch(start: u32, n: u32): usize {
  let watch = <usize>load<u32>(rules + BY_LENGTH + (<usize>n << 2))
  while (watch != 0) {
    const w = changetype<Watch>(watch)
    if ((start & <u32>w.mask) == <u32>w.word) break
    watch = w.next
  }
  return watch
}

/** The same for a name of any length. */
export function watchForAny(name: usize, n: u32): usize {
  if (n < 128) return watchFor(load<u32>(rules + BY_LENGTH + (<usize>n << 2)), name, n)
  let watch = <usize>load<u32>(rules + WATCHES)
  for (let k = load<u32>(rules + WATCH_COUNT); k > 0; k--) {
    const w = changetype<Watch>(watch)
    if (w.length == n && equal(name, w.name, n)) return watch
    watch += WATCH_BYTES
  }
  return 0
}

/** Takes down that the current series has this label. */
// @ts-ignore: decorator
@inline
export function note(watch: usize, start: usize, end: usize, value: usize, n: u32): void {
  const w = changetype<Watch>(watch)
  if (w.isTenant) {
    if (w.series == current) {
      if (!hasRepeat) {
        hasRepeat = true
        repeat = value
        repeatLength = n
      }
    } else {
      if (firstLabel == 0) firstLabel = watch
      lastLabel = watch
    }
  }
  // An HA label that is repeated counts where it stands last, as stores read it.
  if (w.isHa) {
    haLabels++
    if (w.series != current - 1 || w.valueLength != n || !isSameHa(w.value, value, n)) replica++
  }
  w.series = current
  w.start = <u32>start
  w.end = <u32>end
  w.value = <u32>value
  w.valueLength = n
}

/**
 * Whether two HA values of n bytes are the same. Those that are too long never are: any number of series of 2.0 may
 * refer to values of megabytes.
 */
// @ts-ignore: decorator
@inline
function isSameHa(a: usize, b: usize, n: u32): bool {
  return n <= <u32>MAX_HA_BYTES && equal(a, b, n)
}

/** Whether the current series has the label of this watch. */
// @ts-ignore: decorator
@inline
export function isNoted(watch: usize): bool {
  return changetype<Watch>(watch).series == current
}

/** The first tenant label in configured order that has a value in the current series; 0 where there is none. */
export function firstConfigured(): usize {
  let watch = <usize>load<u32>(rules + WATCHES)
  for (let k = load<u32>(rules + TENANT_LABELS); k > 0; k--) {
    const w = changetype<Watch>(watch)
    if (w.series == current && w.valueLength > 0) return watch
    watch += WATCH_BYTES
  }
  return 0
}

/** Whether two tenant labels of the current series have values, and different ones. */
export function labelsDisagree(): bool {
  const first = firstConfigured()
  if (first == 0) return false
  const one = changetype<Watch>(first)
  const end = <usize>load<u32>(rules + WATCHES) + <usize>load<u32>(rules + TENANT_LABELS) * WATCH_BYTES
  for (let watch = first + WATCH_BYTES; watch < end; watch += WATCH_BYTES) {
    const w = changetype<Watch>(watch)
    if (w.series != current || w.valueLength == 0) continue
    // What is too long for a tenant is not compared to its end, because any number of series of 2.0 may refer to it.
    const n = min(w.valueLength, <u32>MAX_TENANT_BYTES)
    if (w.valueLength != one.valueLength || !equal(w.value, one.value, n)) return true
  }
  return false
}

/**
 * Writes place and length of each HA value of the current series to `row`; `without` is a watch that does not go
 * out.
 */
export function putReplica(row: usize, without: usize): void {
  const list = <usize>load<u32>(rules + HA)
  for (let k: usize = 0; k < load<u32>(rules + HA_COUNT); k++) {
    const watch = <usize>load<u32>(list + (k << 2))
    const w = changetype<Watch>(watch)
    const has = w.series == current && watch != without
    store<u32>(row + (k << 3), has ? w.value : 0)
    store<u32>(row + (k << 3), has ? w.valueLength : 0, 4)
  }
}

/** Whether the current series has the HA values at `row`. */
export function isReplica(row: usize, without: usize): bool {
  const list = <usize>load<u32>(rules + HA)
  for (let k: usize = 0; k < load<u32>(rules + HA_COUNT); k++) {
    const watch = <usize>load<u32>(list + (k << 2))
    const w = changetype<Watch>(watch)
    const n = w.series == current && watch != without ? w.valueLength : 0
    if (n != load<u32>(row + (k << 3), 4) || !isSameHa(w.value, load<u32>(row + (k << 3)), n)) return false
  }
  return true
}
