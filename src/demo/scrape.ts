/** What the demo's sender scrapes: prom-client registries in this process, labelled as Prometheus labels its targets. */
import type { MetricValueWithName, Registry } from 'prom-client'
import type { Labels } from './memory.ts'
import type { SentSeries } from './write-request.ts'

export interface Target {
  /** `job`, `instance`, and `tenant` where the target has one. */
  readonly labels: Readonly<Record<string, string>>
  readonly registry: Registry
  /** Which metrics of the registry belong to this target. */
  readonly keeps: (metric: string) => boolean
}

/** The target's series now, with the `up` and `scrape_*` that Prometheus adds to each scrape. */
export async function scrape(target: Target): Promise<readonly SentSeries[]> {
  const begin = performance.now()
  const series: SentSeries[] = []
  for (const metric of await target.registry.getMetricsAsJSON()) {
    if (!target.keeps(metric.name)) continue
    for (const sample of metric.values as MetricValueWithName<string>[]) {
      series.push({
        labels: labelsOf(sample.metricName ?? metric.name, sample.labels, target),
        value: sample.value,
      })
    }
  }
  const about = (name: string, value: number) => ({ labels: labelsOf(name, {}, target), value })
  return [
    ...series,
    about('up', 1),
    about('scrape_samples_scraped', series.length),
    about('scrape_duration_seconds', (performance.now() - begin) / 1000),
  ]
}

/** Sorted by name. A label of the target wins, and the scraped one is kept as `exported_…`: Prometheus' `honor_labels: false`. */
function labelsOf(name: string, scraped: MetricValueWithName<string>['labels'], target: Target): Labels {
  const labels = new Map([['__name__', name], ...Object.entries(target.labels)])
  for (const [label, value] of Object.entries(scraped)) {
    if (value === undefined || value === '') continue
    labels.set(labels.has(label) ? `exported_${label}` : label, String(value))
  }
  return [...labels].sort(([a], [b]) => (a < b ? -1 : 1))
}
