/**
 * What the embedded store holds: series per tenant, in memory, bounded in every direction. Like a real store it takes
 * the good part of a push and says what it refused.
 */
import type { TenantId } from '../tenant.ts'
import { type Sample, Samples } from './samples.ts'

/** Name and value, sorted by name. */
export type Labels = readonly (readonly [name: string, value: string])[]

export interface ReceivedSeries {
  readonly labels: Labels
  readonly samples: readonly Sample[]
}

export interface StoredSeries {
  readonly labels: Labels
  readonly samples: Samples
}

export interface TenantStats {
  readonly tenant: TenantId
  /** Series held now. */
  readonly series: number
  /** Samples stored since the start. */
  readonly samples: number
  readonly pushes: number
  /** Pushes that were refused, wholly or in part. */
  readonly refused: number
}

export interface MemoryLimits {
  readonly tenants: number
  readonly seriesPerTenant: number
  /** Of all tenants together. */
  readonly series: number
  readonly samplesPerSeries: number
  /** Names and values of one series, in UTF-16 units. */
  readonly labelLength: number
}

/** About 30 MB when it is full of usual series; 200 MB when all of them have labels as long as can be. */
export const DEFAULT_LIMITS: MemoryLimits = {
  tenants: 100,
  seriesPerTenant: 10_000,
  series: 20_000,
  samplesPerSeries: 60,
  labelLength: 2048,
}

/** A series that got no sample for so long makes room for a new one. Twice the lookback of a query. */
const IDLE_MS = 10 * 60_000

interface TenantState {
  readonly series: Map<string, StoredSeries>
  samples: number
  pushes: number
  refused: number
}

export class Memory {
  readonly #limits: MemoryLimits
  readonly #now: () => number
  readonly #tenants = new Map<TenantId, TenantState>()
  #seriesTotal = 0
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(limits: MemoryLimits = DEFAULT_LIMITS, now: () => number = Date.now) {
    this.#limits = limits
    this.#now = now
  }

  /** Stores what it can. Returns a sentence for each reason why something was refused, with how often. */
  push(tenant: TenantId, received: readonly ReceivedSeries[]): readonly string[] {
    const state = this.#tenant(tenant)
    if (state === undefined) {
      return [`this store holds ${this.#limits.tenants} tenants and takes no new one`]
    }
    const refusals = new Map<string, number>()
    state.pushes++
    for (const series of received) {
      const refusal = this.#store(state, series)
      if (refusal !== undefined) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1)
    }
    if (refusals.size > 0) state.refused++
    return [...refusals].map(([reason, times]) => (times === 1 ? reason : `${reason} (${times} series)`))
  }

  /** A push that could not be read at all. A tenant that was never stored is not counted: that would be unbounded. */
  refuse(tenant: TenantId): void {
    const state = this.#tenants.get(tenant)
    if (state === undefined) return
    state.pushes++
    state.refused++
  }

  series(tenant: TenantId): Iterable<StoredSeries> {
    return this.#tenants.get(tenant)?.series.values() ?? []
  }

  /** Every tenant, by name. */
  stats(): readonly TenantStats[] {
    return [...this.#tenants]
      .map(([tenant, { series, samples, pushes, refused }]) => ({
        tenant,
        series: series.size,
        samples,
        pushes,
        refused,
      }))
      .sort((a, b) => (a.tenant < b.tenant ? -1 : 1))
  }

  #tenant(tenant: TenantId): TenantState | undefined {
    const known = this.#tenants.get(tenant)
    if (known !== undefined) return known
    if (this.#tenants.size >= this.#limits.tenants) return undefined
    const state: TenantState = { series: new Map(), samples: 0, pushes: 0, refused: 0 }
    this.#tenants.set(tenant, state)
    return state
  }

  #store(state: TenantState, received: ReceivedSeries): string | undefined {
    const wrong = wrongLabels(received.labels, this.#limits.labelLength)
    if (wrong !== undefined) return wrong
    const key = JSON.stringify(received.labels)
    const series = state.series.get(key) ?? this.#newSeries(state, key, received.labels)
    if (typeof series === 'string') return series
    let refusal: string | undefined
    for (const sample of received.samples) {
      const newest = series.samples.newest
      if (newest === undefined || sample.time > newest.time) {
        series.samples.add(sample)
        state.samples++
      } else if (sample.time < newest.time || sample.bits !== newest.bits) {
        // The same sample again is a retry, and welcome; anything else that is not newer is refused as in Prometheus.
        refusal = 'out of order sample'
      }
    }
    return refusal
  }

  #newSeries(state: TenantState, key: string, labels: Labels): StoredSeries | string {
    const limits = this.#limits
    if (state.series.size >= limits.seriesPerTenant || this.#seriesTotal >= limits.series) this.#sweep()
    if (state.series.size >= limits.seriesPerTenant) {
      return `this store holds ${limits.seriesPerTenant} series per tenant and takes no new one`
    }
    if (this.#seriesTotal >= limits.series) {
      return `this store holds ${limits.series} series and takes no new one`
    }
    const series = { labels, samples: new Samples(limits.samplesPerSeries) }
    state.series.set(key, series)
    this.#seriesTotal++
    return series
  }

  /** At most every ten seconds, because it looks at every series. */
  #sweep(): void {
    const now = this.#now()
    if (now - this.#sweptAt < 10_000) return
    this.#sweptAt = now
    for (const { series } of this.#tenants.values()) {
      for (const [key, { samples }] of series) {
        if ((samples.newest?.time ?? 0) > now - IDLE_MS) continue
        series.delete(key)
        this.#seriesTotal--
      }
    }
  }
}

function wrongLabels(labels: Labels, maxLength: number): string | undefined {
  let length = 0
  let named = false
  let previous: string | undefined
  for (const [name, value] of labels) {
    if (name === '') return 'a label has no name'
    if (name === previous) return 'a label name occurs twice'
    if (name === '__name__' && value !== '') named = true
    previous = name
    length += name.length + value.length
  }
  if (!named) return 'a series has no metric name'
  if (length > maxLength) return `labels of a series are longer than ${maxLength} characters`
  return undefined
}
