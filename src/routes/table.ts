/**
 * Which store a tenant's share goes to, by the path that its push came by and who pushed it: the first row that matches.
 * Rows may be many and tenants are what data says, so exact names are looked up, of patterns only those are tried that may
 * match, and what was found is remembered, up to a bound.
 */
import type { TenantId } from '../tenant.ts'
import { type Pattern, Patterns } from './patterns.ts'
import { Recent } from './recent.ts'
import { catchesAllTenants } from './section.ts'

export interface Row {
  /** Undefined is any; so it is below. */
  readonly paths: readonly string[] | undefined
  readonly principals: readonly string[] | undefined
  /** Names, or patterns in which `*` is any number of characters. */
  readonly tenants: readonly string[] | undefined
  readonly upstream: string
}

export class RouteTable<D> {
  readonly #rows: readonly Row[]
  readonly #upstreams: ReadonlyMap<string, D>
  /** Places in `#rows`: of the rows that name a path, by path, and of those that name none. */
  readonly #atPath: Map<string, number[]> = new Map()
  readonly #anywhere: number[] = []
  /** By path, and then by principal; of a principal that no row names by ''. */
  readonly #choices: Map<string, Map<string, Choice<D>>> = new Map()
  /** The same, by their rows: most paths and principals have the same ones, and so one memory. */
  readonly #ofRows: Map<string, Choice<D>> = new Map()
  readonly #named: ReadonlySet<string>
  readonly #maxKnown: number

  constructor(rows: readonly Row[], upstreams: ReadonlyMap<string, D>) {
    this.#rows = rows
    this.#upstreams = upstreams
    this.#named = new Set(rows.flatMap(({ principals }) => principals ?? []))
    // Once for all paths: there may be a thousand rows with a path each.
    for (const [place, { paths }] of rows.entries()) {
      if (paths === undefined) this.#anywhere.push(place)
      for (const path of new Set(paths)) {
        const places = this.#atPath.get(path)
        if (places === undefined) this.#atPath.set(path, [place])
        else places.push(place)
      }
    }
    this.#maxKnown = maxKnown((this.#atPath.size + 1) * (this.#named.size + 1))
  }

  /** Paths that rows name. */
  get paths(): ReadonlySet<string> {
    return new Set(this.#atPath.keys())
  }

  /** Names whose store is remembered, of all paths and principals together. */
  get remembered(): number {
    return [...this.#ofRows.values()].reduce((sum, choice) => sum + choice.remembered, 0)
  }

  /** `path` is one that is served: there are as many as the configuration names, and our own. */
  choiceOf(path: string, principal: string): (tenant: TenantId) => D | undefined {
    return this.#choice(path, principal).of
  }

  /** Every store that pushes by this path may be for. */
  upstreamsAt(path: string): readonly D[] {
    const names = new Set(this.#placesAt(path).map(place => this.#row(place).upstream))
    return [...names].map(name => this.#upstream(name))
  }

  /** Of its rows, in their order, without those behind one that takes everything. */
  #placesAt(path: string): readonly number[] {
    const own = this.#atPath.get(path) ?? []
    const places: number[] = []
    for (const place of own.length === 0 ? this.#anywhere : merged(own, this.#anywhere)) {
      places.push(place)
      const { principals, tenants } = this.#row(place)
      if (principals === undefined && catchesAllTenants(tenants)) break
    }
    return places
  }

  #row(place: number): Row {
    const row = this.#rows[place]
    if (row === undefined) throw new Error(`BUG: no row ${place}`)
    return row
  }

  #choice(path: string, principal: string): Choice<D> {
    const name = this.#named.has(principal) ? principal : ''
    let choices = this.#choices.get(path)
    if (choices === undefined) {
      choices = new Map()
      this.#choices.set(path, choices)
    }
    let choice = choices.get(name)
    if (choice === undefined) {
      const places = this.#placesAt(path).filter(place => {
        const { principals } = this.#row(place)
        return principals === undefined || principals.includes(principal)
      })
      choice = this.#choiceOf(places)
      choices.set(name, choice)
    }
    return choice
  }

  #choiceOf(places: readonly number[]): Choice<D> {
    const key = places.join()
    let choice = this.#ofRows.get(key)
    if (choice === undefined) {
      const rows = places.map(place => this.#row(place))
      choice = new Choice(
        rows.map(({ tenants, upstream }) => ({ tenants, target: this.#upstream(upstream) })),
        this.#maxKnown,
      )
      this.#ofRows.set(key, choice)
    }
    return choice
  }

  #upstream(name: string): D {
    const upstream = this.#upstreams.get(name)
    if (upstream === undefined) throw new Error(`BUG: a route to ${name}, which is no upstream`)
    return upstream
  }
}

/** Two ascending lists as one. */
function* merged(a: readonly number[], b: readonly number[]): Generator<number> {
  let [i, j] = [0, 0]
  for (;;) {
    const [left = Number.POSITIVE_INFINITY, right = Number.POSITIVE_INFINITY] = [a[i], b[j]]
    if (left === right) return
    if (left < right) i++
    else j++
    yield Math.min(left, right)
  }
}

interface Candidate<D> {
  readonly tenants: readonly string[] | undefined
  readonly target: D
}

/** Tenants whose store is remembered, in each of two generations: for one path and principal, and for all together. */
const MAX_KNOWN = 5000
const MAX_KNOWN_OF_ALL = 50_000

/** How many each may remember where there are so many: names are the senders' to make up, by every path. */
function maxKnown(choices: number): number {
  return Math.min(MAX_KNOWN, Math.ceil(MAX_KNOWN_OF_ALL / choices))
}

/** The rows that are left when path and principal are known. */
class Choice<D> {
  /** The first row that names it. */
  readonly #exact: Map<string, number> = new Map()
  readonly #patterns: Patterns
  readonly #targets: readonly D[]
  /** The first row for all tenants; those behind it never match. */
  readonly #all: number
  /** By tenant, its row; one behind the last where there is none. */
  readonly #known: Recent<TenantId, number>

  constructor(candidates: readonly Candidate<D>[], max: number) {
    this.#known = new Recent(max)
    this.#targets = candidates.map(({ target }) => target)
    const all = candidates.findIndex(({ tenants }) => catchesAllTenants(tenants))
    this.#all = all < 0 ? candidates.length : all
    const patterns: Pattern[] = []
    for (const [row, { tenants = [] }] of candidates.slice(0, this.#all).entries()) {
      for (const tenant of tenants) {
        if (tenant.includes('*')) patterns.push({ row, text: tenant })
        else if (!this.#exact.has(tenant)) this.#exact.set(tenant, row)
      }
    }
    this.#patterns = new Patterns(patterns)
  }

  get remembered(): number {
    return this.#known.size
  }

  readonly of = (tenant: TenantId): D | undefined => {
    // The common case: one store for everybody.
    if (this.#all === 0) return this.#targets[0]
    let row = this.#known.get(tenant)
    if (row === undefined) {
      row = this.#patterns.firstOf(tenant, this.#exact.get(tenant) ?? this.#all)
      this.#known.set(tenant, row)
    }
    return this.#targets[row]
  }
}
