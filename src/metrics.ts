/**
 * What is counted, under the names that dashboards use. The registry is passed in, so that two instances live in one
 * process. Tenants become label values only where the configuration says so, and only so many of them.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'
import type { Gate } from './admission/gate.ts'
import type { AttemptReport } from './egress/deliver.ts'
import type { Slots } from './egress/slots.ts'
import type { ErrorCode } from './errors.ts'
import type { PushReport } from './pipeline.ts'
import type { Counts } from './split/split.ts'
import { TenantLabels } from './tenant-labels.ts'

export interface MetricsOptions {
  readonly registry: Registry
  readonly version: string
  readonly includeTenant: boolean
  readonly maxTenants: number
  /** What the gauges read; a gauge is asked when it is scraped. */
  readonly gate: Gate
  readonly gateLimits: { readonly maxPushes: number; readonly maxBytes: number }
  readonly slots: Slots
  readonly splitsWaiting: () => number
}

/** Seconds, from a store on the same node to the sender's own timeout. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25]
const KINDS = ['series', 'samples', 'histograms', 'exemplars', 'metadata'] as const satisfies (keyof Counts)[]

export class Metrics {
  readonly #tenants: TenantLabels
  readonly #includeTenant: boolean
  readonly #pushes: Counter<'protocol' | 'status'>
  readonly #errors: Counter<'code'>
  readonly #receivedBytes: Counter
  readonly #received: Readonly<Record<keyof Counts, Counter>>
  readonly #shares: Counter<'verdict' | 'tenant'>
  readonly #ended: Readonly<
    Record<'series' | 'samples' | 'histograms' | 'exemplars', Counter<'verdict' | 'tenant'>>
  >
  readonly #refused: Counter<'reason' | 'policy'>
  readonly #disagreements: Counter
  readonly #pushSeconds: Histogram
  readonly #splitSeconds: Histogram
  readonly #attemptSeconds: Histogram<'verdict'>

  constructor(options: MetricsOptions) {
    const { registry, gate, gateLimits, slots } = options
    const registers = [registry]
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter<L>({ name: `sluice_${name}`, help, labelNames: [...labelNames], registers })
    const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Histogram<L>({
        name: `sluice_${name}`,
        help,
        labelNames: [...labelNames],
        buckets: SECONDS,
        registers,
      })
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name: `sluice_${name}`,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })

    this.#includeTenant = options.includeTenant
    this.#tenants = new TenantLabels(options.maxTenants)
    const tenant = options.includeTenant ? (['tenant'] as const) : []

    this.#pushes = counter('pushes_total', 'Pushes answered, by status.', ['protocol', 'status'])
    this.#errors = counter('errors_total', 'Requests that did not succeed, by code; see docs/errors.md.', [
      'code',
    ])
    this.#receivedBytes = counter('received_bytes_total', 'Bytes of bodies read, as they came over the wire.')
    this.#received = {
      series: counter('received_series_total', 'Series in pushes that could be split.'),
      samples: counter('received_samples_total', 'Samples in pushes that could be split.'),
      histograms: counter('received_histograms_total', 'Native histograms in pushes that could be split.'),
      exemplars: counter('received_exemplars_total', 'Exemplars in pushes that could be split.'),
      metadata: counter('received_metadata_total', 'Metadata entries in pushes that could be split.'),
    }
    this.#shares = counter('shares_total', 'Shares, by how they ended.', ['verdict', ...tenant])
    this.#ended = {
      series: counter('series_total', 'Series in shares, by how these ended.', ['verdict', ...tenant]),
      samples: counter('samples_total', 'Samples in shares, by how these ended.', ['verdict', ...tenant]),
      histograms: counter('histograms_total', 'Native histograms in shares, by how these ended.', [
        'verdict',
        ...tenant,
      ]),
      exemplars: counter('exemplars_total', 'Exemplars in shares, by how these ended.', [
        'verdict',
        ...tenant,
      ]),
    }
    this.#refused = counter(
      'refused_series_total',
      'Series left out before delivery, by reason and policy.',
      ['reason', 'policy'],
    )
    this.#disagreements = counter(
      'tenant_label_disagreements_total',
      'Series in which two of the configured tenant labels have different values.',
    )
    this.#pushSeconds = histogram('push_duration_seconds', 'A whole push, from its head to its answer.')
    this.#splitSeconds = histogram(
      'split_duration_seconds',
      'Splitting one push, the wait for a thread included.',
    )
    this.#attemptSeconds = histogram('upstream_attempt_duration_seconds', 'One request to the store.', [
      'verdict',
    ])

    gauge('in_flight_pushes', 'Pushes taken in and not answered.', () => gate.pushes)
    gauge('in_flight_pushes_limit', 'concurrency', () => gateLimits.maxPushes)
    gauge('in_flight_bytes', 'Bytes charged for pushes in flight.', () => gate.bytes)
    gauge('in_flight_bytes_limit', 'limits.max_in_flight_bytes', () => gateLimits.maxBytes)
    gauge('upstream_requests_in_flight', 'Requests to the store under way.', () => slots.taken)
    gauge('upstream_requests_in_flight_limit', 'max_conns_per_host', () => slots.max)
    gauge('upstream_requests_waiting', 'Shares that wait for a connection.', () => slots.waiting)
    gauge('split_waiting', 'Pushes that wait for a thread.', options.splitsWaiting)
    gauge('tenant_labels', 'Tenants with a label value of their own.', () => this.#tenants.size)
    gauge('tenant_labels_limit', 'metrics.max_tenants', () => options.maxTenants)
    new Gauge({
      name: 'sluice_build_info',
      help: 'Always 1.',
      labelNames: ['version', 'node'],
      registers,
    }).set({ version: options.version, node: process.version }, 1)
    collectDefaultMetrics({ register: registry })
  }

  pushed(report: PushReport): void {
    const { answer, split } = report
    this.#pushes.inc({ protocol: report.protocol, status: String(answer.status) })
    if (answer.code !== undefined) this.#errors.inc({ code: answer.code })
    this.#receivedBytes.inc(report.bodyBytes)
    this.#pushSeconds.observe(report.seconds)
    if (report.splitSeconds !== undefined) this.#splitSeconds.observe(report.splitSeconds)
    if (split === undefined) return

    for (const kind of KINDS) this.#received[kind].inc(split.received[kind])
    if (split.disagreements > 0) this.#disagreements.inc(split.disagreements)
    for (const { reason, dropped, series } of split.refusals) {
      this.#refused.inc({ reason, policy: dropped ? 'drop' : 'reject' }, series)
    }
    for (const { share, verdict } of report.deliveries) {
      const labels = this.#includeTenant
        ? { verdict: verdict.kind, tenant: this.#tenants.of(share.tenant) }
        : { verdict: verdict.kind }
      this.#shares.inc(labels)
      this.#ended.series.inc(labels, share.series)
      this.#ended.samples.inc(labels, share.samples)
      this.#ended.histograms.inc(labels, share.histograms)
      this.#ended.exemplars.inc(labels, share.exemplars)
    }
  }

  attempted({ seconds, verdict }: AttemptReport): void {
    this.#attemptSeconds.observe({ verdict: verdict.kind }, seconds)
  }

  /** A request that never became a push. */
  refused(code: ErrorCode): void {
    this.#errors.inc({ code })
  }
}
