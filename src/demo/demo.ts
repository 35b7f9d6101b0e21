/**
 * `sluice demo`: Sluice itself between a sender and a store that are both embedded, so that nothing else is needed to
 * see tenants receive their data. Everything listens on loopback and is gone when it ends.
 */

import { hostname } from 'node:os'
import type { Registry } from 'prom-client'
import { readCounts } from './counts.ts'
import { hostRegistry } from './host.ts'
import { pause } from './pause.ts'
import { preferredPort } from './port.ts'
import type { Target } from './scrape.ts'
import { type LogStream, type Output, Screen } from './screen.ts'
import { Sender } from './sender.ts'
import { type Store, startStore } from './store.ts'
import { History } from './table.ts'
import { welcome } from './welcome.ts'

/** A Sluice that listens. */
export interface RunningSluice {
  /** Where a sender pushes, path included. */
  readonly pushUrl: string
  readonly metricsUrl: string
  readonly registry: Registry
  close(): Promise<void>
}

export interface DemoDeps {
  /** Starts Sluice with the text of a configuration file; `log` is where its log lines go. */
  readonly startSluice: (yaml: string, log: LogStream) => Promise<RunningSluice>
  readonly output: Output
  /** Stops the demo. */
  readonly signal: AbortSignal
}

export interface DemoOptions {
  /** Taken where they are free; 0 always takes a free one. */
  readonly ports: { readonly push: number; readonly metrics: number; readonly store: number }
  readonly intervalMs: number
}

export const DEMO_DEFAULTS: DemoOptions = {
  ports: { push: 8080, metrics: 9091, store: 9009 },
  intervalMs: 1000,
}

const HOST = '127.0.0.1'
const REDRAW_MS = 1000
/** Between two tables where they can't be redrawn; the first ones, until there is something to see, come sooner. */
const PLAIN_INTERVAL_MS = 30_000
const PLAIN_FIRST_MS = 3_000
/** Heading, what is hidden, an empty line and three sentences. */
const ROWS_AROUND_TENANTS = 6

/** Resolves when `signal` has fired and everything is closed. */
export async function runDemo(
  { ports, intervalMs }: DemoOptions,
  { startSluice, output, signal }: DemoDeps,
): Promise<void> {
  const screen = new Screen(output)
  const store = await startStore({ host: HOST, port: await preferredPort(HOST, ports.store) })
  try {
    const push = await preferredPort(HOST, ports.push)
    const metrics = await preferredPort(HOST, ports.metrics)
    const sluice = await startSluice(configuration(push, metrics, store.url), screen.log)
    try {
      screen.print(welcome({ push: sluice.pushUrl, metrics: sluice.metricsUrl, store: store.url }))
      await run(screen, sluice, store, { intervalMs, signal })
    } finally {
      await sluice.close()
    }
  } finally {
    await store.close()
  }
  screen.print('\nStopped.\n')
}

/** Sends and shows until `signal`, or until one of the two fails. */
async function run(
  screen: Screen,
  sluice: RunningSluice,
  store: Store,
  { intervalMs, signal }: { readonly intervalMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const failed = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal])
  const sender = new Sender({ url: sluice.pushUrl, targets: targets(sluice), intervalMs })
  const parts = [sender.run(stop), show(screen, { sluice, sender, store }, stop)]
  try {
    await Promise.all(parts)
  } finally {
    failed.abort()
    await Promise.allSettled(parts)
    screen.end()
  }
}

function configuration(push: number, metrics: number, store: string): string {
  return `listen: ${HOST}:${push}
listen_metrics_address: ${HOST}:${metrics}
target: ${store}/api/v1/push
metrics_include_tenant: true
drain_timeout: 5s
tenant:
  label: tenant
  label_remove: true
  label_precedence: config
  default: default
`
}

/** Who is scraped for whom. The sender adds itself, without a tenant: those series go to the default tenant. */
function targets({ registry, metricsUrl }: RunningSluice): readonly Target[] {
  const instance = new URL(metricsUrl).host
  const ofProcess = (metric: string) => metric.startsWith('process_') || metric.startsWith('nodejs_')
  return [
    { labels: { tenant: 'team-a', job: 'sluice', instance }, registry, keeps: metric => !ofProcess(metric) },
    { labels: { tenant: 'team-b', job: 'sluice-process', instance }, registry, keeps: ofProcess },
    {
      labels: { tenant: 'team-c', job: 'host', instance: hostname() },
      registry: hostRegistry(),
      keeps: () => true,
    },
  ]
}

interface Parts {
  readonly sluice: RunningSluice
  readonly sender: Sender
  readonly store: Store
}

async function show(screen: Screen, { sluice, sender, store }: Parts, signal: AbortSignal): Promise<void> {
  const history = new History()
  // Between two pushes of the sender: a look at the same moment would see one push too many, or too few.
  await pause(REDRAW_MS / 2, signal)
  let printAt = performance.now() + PLAIN_FIRST_MS
  while (!signal.aborted) {
    const stored = store.stats()
    const counts = await readCounts(sluice.registry)
    history.add({ at: performance.now(), stored, sluice: counts, sender: sender.stats })
    if (screen.redraws || performance.now() >= printAt) {
      screen.draw(history.lines(screen.height - ROWS_AROUND_TENANTS))
      printAt = performance.now() + (stored.length > 0 ? PLAIN_INTERVAL_MS : PLAIN_FIRST_MS)
    }
    await pause(REDRAW_MS, signal)
  }
}
