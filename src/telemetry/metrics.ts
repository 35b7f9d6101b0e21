/**
 * What is counted, under the names that dashboards use. The registry is passed in, so that two instances live in one
 * process. Tenants become label values only where the configuration says so, and only so many of them.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ErrorCode } from '../errors.ts'
import type { LaneEvent, LaneEvents } from '../lanes/lane.ts'
import type { PushReport } from '../push/pipeline.ts'
import type { DialectEvents } from '../remote-write/courier.ts'
import type { MetadataDrop } from '../remote-write/metadata/router.ts'
import type { SplitDone } from '../remote-write/split.ts'
import type { Delivery } from '../share/delivery.ts'
import type { Verdict } from '../share/verdict.ts'
import { Gauges } from './gauges.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { TenantLabels } from './tenant-labels.ts'

export interface MetricsOptions {
  readonly registry: Registry
  readonly version: string
  readonly includeTenant: boolean
  readonly maxTenants: number
  /** Lines that the log could not write, so far. */
  readonly logLinesDropped?: () => number
}

/** Seconds, from a store on the same node to the sender's own timeout. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25]
/** Shares in one request. */
const SHARES = [1, 2, 5, 10, 20, 50, 100, 200, 500]
const RECEIVED = ['series', 'samples', 'histograms', 'exemplars', 'metadata'] as const
const ENDED = ['shares', 'series', 'samples', 'histograms', 'exemplars', 'metadata'] as const
/** How a share ended; `remembered` is one that an earlier push of the same bytes had brought already. */
type End = Delivery['verdict']['kind'] | 'remembered'
type Ends = Record<(typeof ENDED)[number], number>

const LANE_EVENTS = [
  ...['retry', 'batch_split', 'written_differs', 'limit_halved', 'breaker_opened', 'shed'],
  ...['withdrawn', 'queue_full', 'turn_awaited', 'fell_back', 'converted'],
] as readonly (LaneEvent | Parameters<DialectEvents['happened']>[0])[]
const VERDICTS = ['delivered', 'rejected', 'throttled', 'unreachable'] as const

/** What is counted of one upstream, until it is gone. */
export interface UpstreamMetrics extends Disposable {
  readonly lanes: Pick<LaneEvents, 'attempted' | 'happened'>
  readonly dialect: DialectEvents
}

export class Metrics {
  /** Where parts show what can fill up. */
  readonly gauges: Gauges
  readonly #tenants: TenantLabels
  readonly #includeTenant: boolean
  readonly #pushes: Counter<'protocol' | 'status'>
  readonly #errors: Counter<'code'>
  readonly #receivedBytes: Counter
  readonly #received: Readonly<Record<(typeof RECEIVED)[number], Counter>>
  readonly #ended: Readonly<Record<(typeof ENDED)[number], Counter<'verdict' | 'tenant'>>>
  readonly #refused: Counter<'reason' | 'policy'>
  readonly #metadataDropped: Counter<'reason'>
  readonly #disagreements: Counter
  readonly #pushSeconds: Histogram
  readonly #splitSeconds: Histogram
  readonly #attemptSeconds: Histogram<'upstream' | 'verdict'>
  readonly #attemptShares: Histogram<'upstream'>
  readonly #lanes: Counter<'event' | 'upstream'>
  /** How many of each name there are: a changed one is there beside the one before it for a while. */
  readonly #upstreams: Map<string, number> = new Map()
  readonly #limits: Counter<'limit'>
  readonly #timestampsLost: Counter
  readonly #histogramsLost: Counter

  constructor(options: MetricsOptions) {
    const { registry } = options
    const registers = [registry]
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter<L>({ name: `sluice_${name}`, help, labelNames: [...labelNames], registers })
    const histogram = <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[] = [],
      buckets: number[] = SECONDS,
    ) => new Histogram<L>({ name: `sluice_${name}`, help, labelNames: [...labelNames], buckets, registers })

    this.gauges = new Gauges(registry)
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
    const ended = (name: string, what: string) =>
      counter(`${name}_total`, `${what}, by how they ended; remembered: an earlier push had brought them.`, [
        'verdict',
        ...tenant,
      ])
    this.#ended = {
      shares: ended('shares', 'Shares'),
      series: ended('series', 'Series in shares'),
      samples: ended('samples', 'Samples in shares'),
      histograms: ended('histograms', 'Native histograms in shares'),
      exemplars: ended('exemplars', 'Exemplars in shares'),
      metadata: ended('metadata', 'Metadata entries in shares, each once for each tenant'),
    }
    this.#refused = counter(
      'refused_series_total',
      'Series left out before delivery, by reason and policy.',
      ['reason', 'policy'],
    )
    this.#metadataDropped = counter(
      'metadata_dropped_total',
      'Metadata entries that went to no tenant: by route, without a name, unknown after metadata.wait, no room (full), or replaced by a newer one while they waited.',
      ['reason'],
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
      'upstream',
      'verdict',
    ])
    this.#attemptShares = histogram(
      'upstream_attempt_shares',
      'Shares that one request carried.',
      ['upstream'],
      SHARES,
    )
    this.#lanes = counter('lane_events_total', `What happened in lanes: ${LANE_EVENTS.join(', ')}.`, [
      'event',
      'upstream',
    ])
    this.#timestampsLost = counter(
      'created_timestamps_lost_total',
      'Created and start timestamps of remote write 2.0 that went out as 1.0, which has none.',
    )
    this.#histogramsLost = counter(
      'histograms_lost_total',
      'Native histograms with custom buckets that were left out, because remote write 1.0 can’t say them.',
    )
    this.#limits = counter('limit_hits_total', 'Refusals, by the key of the limit that was met.', ['limit'])

    const { logLinesDropped = () => 0 } = options
    new Counter({
      name: 'sluice_log_lines_dropped_total',
      help: 'Lines of the log that could not be written.',
      registers,
      collect() {
        this.reset()
        this.inc(logLinesDropped())
      },
    })
    this.gauges.offer([
      {
        name: 'tenant_labels',
        help: 'Tenants with a label value of their own.',
        read: () => this.#tenants.size,
        limit: { key: 'metrics.max_tenants', read: () => options.maxTenants },
      },
    ])
    new Gauge({
      name: 'sluice_build_info',
      help: 'Always 1.',
      labelNames: ['version', 'node'],
      registers,
    }).set({ version: options.version, node: process.version }, 1)
    registerProcessMetrics(registry)
  }

  pushed(report: PushReport): void {
    const { answer, split } = report
    this.#pushes.inc({ protocol: report.protocol, status: String(answer.status) })
    if (answer.code !== undefined) this.#errors.inc({ code: answer.code })
    this.#receivedBytes.inc(report.bodyBytes)
    this.#pushSeconds.observe(report.seconds)
    if (report.splitSeconds !== undefined) this.#splitSeconds.observe(report.splitSeconds)
    if (split === undefined) return

    for (const kind of RECEIVED) {
      const amount = split.received[kind] ?? 0
      if (amount > 0) this.#received[kind].inc(amount)
    }
    for (const { reason, dropped, entries } of split.refusals) {
      this.#refused.inc({ reason, policy: dropped ? 'drop' : 'reject' }, entries)
    }
    this.#count(report)
  }

  /** A push can have a thousand shares and a counter costs a microsecond, so they are added up first. */
  #count({ deliveries, countsOf }: PushReport): void {
    const sums = new Map<string, { end: End; tenant: string | undefined; ends: Ends }>()
    for (const { share, verdict, remembered } of deliveries) {
      const end = remembered ? 'remembered' : verdict.kind
      const tenant = this.#includeTenant ? this.#tenants.of(share.tenant) : undefined
      const key = tenant === undefined ? end : `${end} ${tenant}`
      let sum = sums.get(key)
      if (sum === undefined) {
        sum = {
          end,
          tenant,
          ends: { shares: 0, series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 0 },
        }
        sums.set(key, sum)
      }
      sum.ends.shares++
      // One by one, as a loop over their names takes four times as long.
      const { series = 0, samples = 0, histograms = 0, exemplars = 0, metadata = 0 } = countsOf(share)
      sum.ends.series += series
      sum.ends.samples += samples
      sum.ends.histograms += histograms
      sum.ends.exemplars += exemplars
      sum.ends.metadata += metadata
    }
    for (const { end, tenant, ends } of sums.values()) {
      const labels = tenant === undefined ? { verdict: end } : { verdict: end, tenant }
      for (const kind of ENDED) if (ends[kind] > 0) this.#ended[kind].inc(labels, ends[kind])
    }
  }

  /** Labels cost as much as the rest of an observation when they are given each time, so they are bound here, once. */
  upstream(name: string): UpstreamMetrics {
    this.#upstreams.set(name, (this.#upstreams.get(name) ?? 0) + 1)
    const seconds = Object.fromEntries(
      VERDICTS.map(verdict => [verdict, this.#attemptSeconds.labels(name, verdict)]),
    ) as Record<Verdict['kind'], Histogram.Internal<'upstream' | 'verdict'>>
    const shares = this.#attemptShares.labels(name)
    // Else the first one would be no increase.
    for (const event of LANE_EVENTS) this.#lanes.inc({ event, upstream: name }, 0)
    const happened = (event: (typeof LANE_EVENTS)[number]) => this.#lanes.inc({ event, upstream: name })
    return {
      lanes: {
        attempted(attempt) {
          seconds[attempt.verdict.kind].observe(attempt.seconds)
          shares.observe(attempt.shares)
        },
        happened,
      },
      dialect: { happened, lost: (timestamps, histograms) => this.lost(timestamps, histograms) },
      [Symbol.dispose]: () => {
        const left = (this.#upstreams.get(name) ?? 1) - 1
        this.#upstreams.set(name, left)
        if (left > 0) return
        this.#upstreams.delete(name)
        for (const verdict of VERDICTS) this.#attemptSeconds.remove(name, verdict)
        this.#attemptShares.remove(name)
        for (const event of LANE_EVENTS) this.#lanes.remove(event, name)
      },
    }
  }

  /** A push of remote write that was split. */
  split(result: SplitDone): void {
    this.lost(result.createdTimestampsLost, result.histogramsLost)
    if (result.disagreements > 0) this.#disagreements.inc(result.disagreements)
    const byRoute = metadataByRoute(result)
    if (byRoute > 0) this.#metadataDropped.inc({ reason: 'route' }, byRoute)
  }

  metadataDropped(reason: MetadataDrop): void {
    this.#metadataDropped.inc({ reason })
  }

  /** What a store of 1.0 does not get. */
  lost(createdTimestamps: number, histograms: number): void {
    if (createdTimestamps > 0) this.#timestampsLost.inc(createdTimestamps)
    if (histograms > 0) this.#histogramsLost.inc(histograms)
  }

  limited(limit: string): void {
    this.#limits.inc({ limit })
  }

  /** A request that never became a push. */
  refused(code: ErrorCode): void {
    this.#errors.inc({ code })
  }
}

/** Entries that the split itself has left out: what it received and neither placed, refused nor reported. */
function metadataByRoute({ received, shares, refusals, reported }: SplitDone): number {
  if (received.metadata === 0) return 0
  const left = received.metadata - reported.entries.length
  return [...shares, ...refusals].reduce((sum, { metadata }) => sum - metadata, left)
}
