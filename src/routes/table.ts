/**
 * Which store a tenant's share goes to, by the path that its push came by and who pushed it: the first row that matches.
 * Rows may be many and tenants are what data says, so exact names are looked up, patterns are matched in linear time, and
 * what was found is remembered, up to a bound.
 */
import type { TenantId } from '../tenant.ts'
import { matcherOf } from '../text.ts'

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
  /** By path, and then by principal; of a principal that no row names by ''. */
  readonly #choices: Map<string, Map<string, Choice<D>>> = new Map()
  readonly #named: ReadonlySet<string>

  constructor(rows: readonly Row[], upstreams: ReadonlyMap<string, D>) {
    this.#rows = rows
    this.#upstreams = upstreams
    this.#named = new Set(rows.flatMap(({ principals }) => principals ?? []))
  }

  /** Paths that rows name. */
  get paths(): ReadonlySet<string> {
    return new Set(this.#rows.flatMap(({ paths }) => paths ?? []))
  }

  /** `path` is one that is served: there are as many as the configuration names, and our own. */
  choiceOf(path: string, principal: string): (tenant: TenantId) => D | undefined {
    return this.#choice(path, principal).of
  }

  /** Every store that pushes by this path may be for. */
  upstreamsAt(path: string): readonly D[] {
    const rows = this.#rows.filter(({ paths }) => paths === undefined || paths.includes(path))
    return [...new Set(rows.map(({ upstream }) => this.#upstream(upstream)))]
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
      const rows = this.#rows.filter(
        ({ paths, principals }) =>
          (paths === undefined || paths.includes(path)) &&
          (principals === undefined || principals.includes(principal)),
      )
      choice = new Choice(
        rows.map(({ tenants, upstream }) => ({ tenants, target: this.#upstream(upstream) })),
      )
      choices.set(name, choice)
    }
    return choice
  }

  #upstream(name: string): D {
    const upstream = this.#upstreams.get(name)
    if (upstream === undefined) throw new Error(`BUG: a route to ${name}, which is no upstream`)
    return upstream
  }
}

interface Candidate<D> {
  readonly tenants: readonly string[] | undefined
  readonly target: D
}

/** Tenants whose store is remembered; a sender that makes them up makes it begin anew. */
const MAX_KNOWN = 10_000

/** The rows that are left when path and principal are known. */
class Choice<D> {
  /** The first row that names it. */
  readonly #exact: Map<string, number> = new Map()
  readonly #patterns: { readonly row: number; readonly matches: (tenant: string) => boolean }[] = []
  readonly #targets: readonly D[]
  /** The first row for all tenants; those behind it never match. */
  readonly #all: number
  readonly #known: Map<TenantId, D | undefined> = new Map()

  constructor(candidates: readonly Candidate<D>[]) {
    this.#targets = candidates.map(({ target }) => target)
    const all = candidates.findIndex(({ tenants }) => tenants === undefined)
    this.#all = all < 0 ? candidates.length : all
    for (const [row, { tenants = [] }] of candidates.slice(0, this.#all).entries()) {
      for (const tenant of tenants) {
        if (tenant.includes('*')) this.#patterns.push({ row, matches: matcherOf(tenant) })
        else if (!this.#exact.has(tenant)) this.#exact.set(tenant, row)
      }
    }
  }

  readonly of = (tenant: TenantId): D | undefined => {
    // The common case: one store for everybody.
    if (this.#all === 0) return this.#targets[0]
    if (this.#known.has(tenant)) return this.#known.get(tenant)
    const exact = this.#exact.get(tenant) ?? this.#all
    const pattern = this.#patterns.find(({ row, matches }) => row < exact && matches(tenant))
    const found = this.#targets[pattern?.row ?? exact]
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(tenant, found)
    return found
  }
}
