/** What the kernel has reported of metric families. */
import * as abi from '../../../workers/kernel/abi.ts'
import type { TenantId } from '../../tenant.ts'
import { familyOf, familyOfSeries, keyOfFamily, NOTHING_REPORTED, nameOf, textOf } from '../family.ts'
import type { Family, MetadataEntry, Reported, SplitRules } from '../split.ts'
import { bytesAt, type Memory } from './memory.ts'

/** `tenants` by their number in the kernel. */
export function readReported(
  memory: Memory,
  rules: SplitRules,
  names: MetricNames,
  tenants: readonly TenantId[],
): Reported {
  if (rules.families === 'none' && rules.metadata !== 'report') return NOTHING_REPORTED
  const entries = readEntries(memory)
  if (memory.word(abi.REPORTED_NAMES) === 0) return { ...NOTHING_REPORTED, entries }
  return rules.families === 'names'
    ? { ...NOTHING_REPORTED, entries, names: readNames(memory, names, tenants) }
    : { ...NOTHING_REPORTED, entries, families: readFamilies(memory, rules, names, tenants) }
}

/** All records stand in one piece of memory: a push may have a quarter of a million of them. */
function readEntries(memory: Memory): MetadataEntry[] {
  let length = 0
  for (const row of rowsOf(memory, abi.REPORTED_ENTRIES, abi.ENTRY_NEXT)) length += lengthOf(memory, row)
  const copy = new Uint8Array(length)
  const entries: MetadataEntry[] = []
  let end = 0
  for (const row of rowsOf(memory, abi.REPORTED_ENTRIES, abi.ENTRY_NEXT)) {
    const start = end
    end += lengthOf(memory, row)
    copy.set(
      memory.bytes.subarray(memory.word(row + abi.ENTRY_FROM), memory.word(row + abi.ENTRY_END)),
      start,
    )
    const record = copy.subarray(start, end)
    entries.push({ family: familyOf(record), record })
  }
  return entries
}

function lengthOf(memory: Memory, row: number): number {
  return memory.word(row + abi.ENTRY_END) - memory.word(row + abi.ENTRY_FROM)
}

/** A chain whose first row stands at `first`, and each other one at `next` of the one before. */
function* rowsOf(memory: Memory, first: number, next: number): Generator<number> {
  for (let row = memory.word(first); row !== 0; row = memory.word(row + next)) yield row
}

function readNames(memory: Memory, names: MetricNames, tenants: readonly TenantId[]): Reported['names'] {
  const sets = tenants.map(tenant => ({ tenant, names: new Set<string>() }))
  for (const row of rowsOf(memory, abi.REPORTED_NAMES, abi.NAMED_NEXT)) {
    const name = names.of(memory, row)
    if (name !== '') sets[memory.word(row + abi.NAMED_TENANT)]?.names.add(name)
  }
  return sets
    .filter(({ names }) => names.size > 0)
    .map(({ tenant, names }) => ({ tenant, names: [...names] }))
}

function readFamilies(
  memory: Memory,
  rules: SplitRules,
  names: MetricNames,
  tenants: readonly TenantId[],
): Reported['families'] {
  const maps: { tenant: TenantId; families: Map<string, Family> }[] = tenants.map(tenant => {
    return { tenant, families: new Map() }
  })
  let left = rules.maxOutputBytes
  for (const row of rowsOf(memory, abi.REPORTED_NAMES, abi.NAMED_NEXT)) {
    const bytes =
      memory.word(row + abi.NAMED_NAME + 4) +
      memory.word(row + abi.NAMED_HELP + 4) +
      memory.word(row + abi.NAMED_UNIT + 4)
    if (bytes > left) continue
    const described = names.familyOf(memory, row)
    if (described === undefined) continue
    const families = maps[memory.word(row + abi.NAMED_TENANT)]?.families
    if (families?.has(described.key) !== false) continue
    families.set(described.key, described.family)
    left -= bytes
  }
  return maps
    .filter(({ families }) => families.size > 0)
    .map(({ tenant, families }) => ({ tenant, families: [...families.values()] }))
}

interface KnownName {
  readonly bytes: Uint8Array
  readonly name: string
}

interface KnownFamily {
  readonly name: Uint8Array
  readonly type: number
  readonly help: Uint8Array
  readonly unit: Uint8Array
  readonly family: Family
  readonly key: string
}

/**
 * Names and families as texts. The bet, as with tenants: what this push says was said by a push before. By the kernel's
 * hash of the name; a newer one takes the place of an older one.
 */
export class MetricNames {
  #names: (KnownName | undefined)[] | undefined
  #families: (KnownFamily | undefined)[] | undefined

  /** `row`: of a name that is reported. Empty where it is none that is taken notice of. */
  of(memory: Memory, row: number): string {
    this.#names ??= new Array(SLOTS).fill(undefined)
    const slot = memory.word(row + abi.NAMED_HASH) % SLOTS
    const known = this.#names[slot]
    if (known !== undefined && isAt(memory, row + abi.NAMED_NAME, known.bytes)) return known.name
    const bytes = bytesAt(memory, row + abi.NAMED_NAME)
    const name = nameOf(bytes)
    if (name !== '') this.#names[slot] = { bytes: new Uint8Array(bytes), name }
    return name
  }

  /** `row`: of a family that is reported. Undefined where its name is none that is taken notice of. */
  familyOf(memory: Memory, row: number): Pick<KnownFamily, 'family' | 'key'> | undefined {
    this.#families ??= new Array(SLOTS).fill(undefined)
    const type = memory.word(row + abi.NAMED_TYPE)
    // Targets of different versions describe a family in different words: these must not drive each other out.
    const slot = (memory.word(row + abi.NAMED_HASH) + 31 * memory.word(row + abi.NAMED_HELP + 4)) % SLOTS
    const known = this.#families[slot]
    if (
      known?.type === type &&
      isAt(memory, row + abi.NAMED_NAME, known.name) &&
      isAt(memory, row + abi.NAMED_HELP, known.help) &&
      isAt(memory, row + abi.NAMED_UNIT, known.unit)
    ) {
      return known
    }
    const spelt = this.of(memory, row)
    if (spelt === '') return undefined
    const help = bytesAt(memory, row + abi.NAMED_HELP)
    const unit = bytesAt(memory, row + abi.NAMED_UNIT)
    const family = {
      name: familyOfSeries(spelt, type),
      type,
      help: textOf(help),
      unit: textOf(unit),
    }
    const key = keyOfFamily(family)
    if (help.length + unit.length <= KEPT_BYTES) {
      const name = new Uint8Array(bytesAt(memory, row + abi.NAMED_NAME))
      this.#families[slot] = {
        name,
        type,
        help: new Uint8Array(help),
        unit: new Uint8Array(unit),
        family,
        key,
      }
    }
    return { family, key }
  }
}

/** Whether the bytes whose place and length stand at `at` are these. */
function isAt(memory: Memory, at: number, expected: Uint8Array): boolean {
  const from = memory.word(at)
  if (memory.word(at + 4) !== expected.length) return false
  const { bytes } = memory
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false
  return true
}

const SLOTS = 8192
/** Longer texts are read anew each time: what senders write must not fill the memory. */
const KEPT_BYTES = 1024
