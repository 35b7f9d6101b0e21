/** `sluice demo`: the whole way of a push on one machine, without a store, a sender or a configuration. */
import { Registry } from 'prom-client'
import { startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { DEMO_DEFAULTS, type RunningSluice, runDemo } from '../demo/demo.ts'
import { createLogger } from '../log.ts'
import { version } from './version.ts'

export async function demo(stop: AbortSignal): Promise<void> {
  await runDemo(DEMO_DEFAULTS, { startSluice, output: process.stdout, signal: stop })
}

async function startSluice(yaml: string): Promise<RunningSluice> {
  const { config } = loadConfig({ file: { name: 'demo.yaml', text: yaml }, env: {} })
  const registry = new Registry()
  const app = await startApp(config, { log: createLogger(config.log), registry, version: version() })
  return {
    pushUrl: `${app.url}/api/v1/push`,
    metricsUrl: `${app.metricsUrl}/metrics`,
    registry,
    close: () => app.stop(),
  }
}
