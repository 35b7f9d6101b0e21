/** What a push says of metric families, gathered while its entries find their tenants. */
import type { TenantId } from '../../tenant.ts'
import { familyOf, familyOfSeries, keyOfFamily, nameOf } from '../family.ts'
import type { Family, MetadataEntry, Reported, SplitRules } from '../split.ts'
import type { Label, SeriesMetadata } from './message.ts'
import { sameBytes } from './wire.ts'

const NAME_LABEL = Buffer.from('__name__')

export class Reporting {
  readonly #asked: SplitRules['families']
  readonly #entries: MetadataEntry[] = []
  readonly #names: Map<TenantId, Set<string>> = new Map()
  readonly #families: Map<TenantId, Map<string, Family>> = new Map()

  constructor(asked: SplitRules['families']) {
    this.#asked = asked
  }

  /** A record of `WriteRequest.metadata`; borrowed. */
  entry(record: Uint8Array): void {
    this.#entries.push({ family: familyOf(record), record: new Uint8Array(record) })
  }

  /** A series that went to this tenant, as it came. Of a repeated name the last counts. `metadata`: undefined in 1.0. */
  series(tenant: TenantId, labels: Iterable<Label>, metadata: SeriesMetadata | undefined): void {
    if (this.#asked === 'none') return
    const name = nameOf([...labels].findLast(label => sameBytes(label.name, NAME_LABEL))?.value ?? EMPTY)
    if (name === '') return
    if (this.#asked === 'names' && metadata === undefined) {
      this.#names.set(tenant, (this.#names.get(tenant) ?? new Set()).add(name))
    }
    if (this.#asked === 'metadata' && metadata !== undefined && says(metadata)) {
      const { type } = metadata
      const family = {
        name: familyOfSeries(name, type),
        type,
        help: textOf(metadata.help),
        unit: textOf(metadata.unit),
      }
      const known = this.#families.get(tenant) ?? new Map<string, Family>()
      if (!known.has(keyOfFamily(family))) known.set(keyOfFamily(family), family)
      this.#families.set(tenant, known)
    }
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

/** Senders without metadata write it all the same, with nothing in it. */
function says({ type, help, unit }: SeriesMetadata): boolean {
  return type !== 0 || help.length > 0 || unit.length > 0
}

/** What is not UTF-8 becomes U+FFFD: it is only for people to read. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
