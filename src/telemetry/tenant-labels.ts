/**
 * Tenants as values of a metric label: the first `max` get one of their own, all others share `__other__`. Client
 * libraries never forget a series, so a sender that makes tenants up could fill memory and dashboards otherwise.
 */
const OTHER_TENANTS = '__other__'

export class TenantLabels {
  readonly #max: number
  readonly #known: Set<string> = new Set()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#known.size
  }

  of(tenant: string): string {
    if (this.#known.has(tenant)) return tenant
    if (this.#known.size >= this.#max) return OTHER_TENANTS
    this.#known.add(tenant)
    return tenant
  }
}
