/** What a push says of metric families, gathered while its entries find their tenants. */
import type { TenantId } from '../../tenant.ts'
import { sameBytes } from '../../wire/protobuf.ts'
import { familyOf, familyOfSeries, keyOfFamily, nameOf, takenText, textOf } from '../family.ts'
import type { Family, MetadataEntry, Reported, SplitRules } from '../split.ts'
import type { Label, SeriesMetadata } from './message.ts'

const NAME_LABEL = Buffer.from('__name__')

export class Reporting {
  readonly #asked: SplitRules['families']
  /** Bytes that families may still take. */
  #left: number
  readonly #entries: MetadataEntry[] = []
  readonly #names: Map<TenantId, Set<string>> = new Map()
  readonly #families: Map<TenantId, Map<string, Family>> = new Map()

  constructor({ families, maxOutputBytes }: Pick<SplitRules, 'families' | 'maxOutputBytes'>) {
    this.#asked = families
    this.#left = maxOutputBytes
  }

  /** A record of `WriteRequest.metadata`; borrowed. */
  entry(record: Uint8Array): void {
    this.#entries.push({ family: familyOf(record), record: new Uint8Array(record) })
  }

  /** A series that went to this tenant, as it came. Of a repeated name the last counts. `metadata`: undefined in 1.0. */
  series(tenant: TenantId, labels: Iterable<Label>, metadata: SeriesMetadata | undefined): void {
    if (this.#asked === 'none') return
    const value = [...labels].findLast(label => sameBytes(label.name, NAME_LABEL))?.value ?? EMPTY
    const name = nameOf(value)
    if (name === '') return
    if (this.#asked === 'names' && metadata === undefined) {
      this.#names.set(tenant, (this.#names.get(tenant) ?? new Set()).add(name))
    }
    if (this.#asked === 'metadata' && metadata !== undefined) this.#describe(tenant, value, name, metadata)
  }

  #describe(tenant: TenantId, value: Uint8Array, name: string, metadata: SeriesMetadata): void {
    const { type } = metadata
    const [help, unit] = [metadata.help, metadata.unit].map(takenText) as [Uint8Array, Uint8Array]
    // Senders without metadata write it all the same, with nothing in it.
    if (type === 0 && help.length + unit.length === 0) return
    const family = { name: familyOfSeries(name, type), type, help: textOf(help), unit: textOf(unit) }
    const key = keyOfFamily(family)
    const known = this.#families.get(tenant) ?? new Map<string, Family>()
    const bytes = value.length + help.length + unit.length
    if (known.has(key) || bytes > this.#left) return
    this.#left -= bytes
    this.#families.set(tenant, known.set(key, family))
  }

  /** `tenants` in order of their shares. */
  list(tenants: readonly TenantId[]): Reported {
    return {
      entries: this.#entries,
      names: tenants.flatMap(tenant => {
        const names = this.#names.get(tenant)
        return names === undefined ? [] : [{ tenant, names: [...names] }]
      }),
      families: tenants.flatMap(tenant => {
        const families = this.#families.get(tenant)
        return families === undefined ? [] : [{ tenant, families: [...families.values()] }]
      }),
    }
  }
}

const EMPTY = new Uint8Array(0)
