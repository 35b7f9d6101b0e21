/** What the demo's table shows of Sluice's own metrics. */
import type { Registry } from 'prom-client'

export interface SluiceCounts {
  /** Pushes answered, by status. */
  readonly answers: ReadonlyMap<string, number>
  /** Shares that were not delivered, by tenant. */
  readonly failedShares: ReadonlyMap<string, number>
  /** Series left out before delivery. */
  readonly refusedSeries: number
}

/** Reads counters as a scrape of /metrics would show them. A counter without a value yet is absent there, too. */
export async function readCounts(registry: Registry): Promise<SluiceCounts> {
  const answers = new Map<string, number>()
  for (const { labels, value } of await valuesOf(registry, 'sluice_pushes_total')) {
    add(answers, String(labels.status), value)
  }
  const failedShares = new Map<string, number>()
  for (const { labels, value } of await valuesOf(registry, 'sluice_shares_total')) {
    if (labels.verdict !== 'delivered') add(failedShares, String(labels.tenant), value)
  }
  let refusedSeries = 0
  for (const { value } of await valuesOf(registry, 'sluice_refused_series_total')) refusedSeries += value
  return { answers, failedShares, refusedSeries }
}

async function valuesOf(registry: Registry, name: string) {
  const metric = registry.getSingleMetric<string>(name)
  if (metric === undefined) throw new Error(`BUG: Sluice has no metric ${name}`)
  return (await metric.get()).values
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}
