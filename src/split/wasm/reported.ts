/** What the kernel has reported of metric families. */
import * as abi from '../../../workers/kernel/abi.ts'
import type { TenantId } from '../../tenant.ts'
import { familyOf, familyOfSeries, keyOfFamily, NOTHING_REPORTED, nameOf } from '../family.ts'
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
    : { ...NOTHING_REPORTED, entries, families: readFamilies(memory, names, tenants) }
}

function readEntries(memory: Memory): MetadataEntry[] {
  const entries: MetadataEntry[] = []
  for (let row = memory.word(abi.REPORTED_ENTRIES); row !== 0; row = memory.word(row + abi.ENTRY_NEXT)) {
    const record = memory.bytes.slice(memory.word(row + abi.ENTRY_FROM), memory.word(row + abi.ENTRY_END))
    entries.push({ family: familyOf(record), record })
  }
  return entries
}

function* rowsOf(memory: Memory): Generator<number> {
  for (let row = memory.word(abi.REPORTED_NAMES); row !== 0; row = memory.word(row + abi.NAMED_NEXT))
    yield row
}

function readNames(memory: Memory, names: MetricNames, tenants: readonly TenantId[]): Reported['names'] {
  const sets = tenants.map(tenant => ({ tenant, names: new Set<string>() }))
  for (const row of rowsOf(memory)) {
    const name = names.of(memory, row)
    if (name !== '') sets[memory.word(row + abi.NAMED_TENANT)]?.names.add(name)
  }
  return sets
    .filter(({ names }) => names.size > 0)
    .map(({ tenant, names }) => ({ tenant, names: [...names] }))
}

function readFamilies(
  memory: Memory,
  names: MetricNames,
  tenants: readonly TenantId[],
): Reported['families'] {
  const maps: { tenant: TenantId; families: Map<string, Family> }[] = tenants.map(tenant => {
    return { tenant, families: new Map() }
  })
  for (const row of rowsOf(memory)) {
    const name = names.of(memory, row)
    if (name === '') continue
    const type = memory.word(row + abi.NAMED_TYPE)
    const help = bytesAt(memory, row + abi.NAMED_HELP).toString()
    const unit = bytesAt(memory, row + abi.NAMED_UNIT).toString()
    const family = { name: familyOfSeries(name, type), type, help, unit }
    const families = maps[memory.word(row + abi.NAMED_TENANT)]?.families
    const key = keyOfFamily(family)
    if (families?.has(key) === false) families.set(key, family)
  }
  return maps
    .filter(({ families }) => families.size > 0)
    .map(({ tenant, families }) => ({ tenant, families: [...families.values()] }))
}

/**
 * Names of metrics as texts. The bet, as with tenants: a name of this push was in a push before. By the kernel's hash; a
 * newer one takes the place of an older one.
 */
export class MetricNames {
  readonly #known = new Array<{ readonly bytes: Uint8Array; readonly name: string } | undefined>(SLOTS).fill(
    undefined,
  )

  /** `row`: of a name that is reported. Empty where it is none that is taken notice of. */
  of(memory: Memory, row: number): string {
    const at = memory.word(row + abi.NAMED_NAME)
    const length = memory.word(row + abi.NAMED_NAME + 4)
    const slot = memory.word(row + abi.NAMED_HASH) % SLOTS
    const known = this.#known[slot]
    const { bytes } = memory
    if (known !== undefined && known.bytes.length === length) {
      let i = 0
      while (i < length && known.bytes[i] === bytes[at + i]) i++
      if (i === length) return known.name
    }
    const name = nameOf(bytes.subarray(at, at + length))
    if (name !== '') this.#known[slot] = { bytes: bytes.slice(at, at + length), name }
    return name
  }
}

const SLOTS = 8192
