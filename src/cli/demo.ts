/** `sluice demo`: the whole way of a push on one machine, without a store, a sender or a configuration. */
import { Registry } from 'prom-client'
import { startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { DEMO_DEFAULTS, type RunningSluice, runDemo } from '../demo/demo.ts'
import type { LogStream } from '../demo/screen.ts'
import { createLogger } from '../telemetry/log.ts'
import { version } from './version.ts'

export async function demo(stop: AbortSignal): Promise<void> {
  // Nobody looks any more, as after `| head`.
  const unseen = new AbortController()
  process.stdout.once('error', () => unseen.abort())
  const signal = AbortSignal.any([stop, unseen.signal])
  await runDemo(DEMO_DEFAULTS, { startSluice, output: process.stdout, signal })
}

/** The environment stays out of it: it may hold what is meant for another Sluice. */
async function startSluice(yaml: string, aboveTable: LogStream): Promise<RunningSluice> {
  const loaded = loadConfig({ file: { name: 'demo.yaml', text: yaml }, env: {} })
  // Lines that the table does not know of would make it redraw in the wrong place.
  const stream = process.stdout.isTTY && process.stderr.isTTY ? aboveTable : process.stderr
  const registry = new Registry()
  const log = createLogger(loaded.config.log, stream)
  const app = await startApp(loaded, { log, registry, version: version() })
  return {
    pushUrl: `${app.url}/api/v1/push`,
    metricsUrl: `${app.metricsUrl}/metrics`,
    registry,
    close: () => app.stop(),
  }
}
