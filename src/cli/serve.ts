/** `sluice serve`: runs until it is asked to stop. */
import { once } from 'node:events'
import { Registry } from 'prom-client'
import { startApp } from '../app.ts'
import { createLogger } from '../telemetry/log.ts'
import { readConfig } from './read-config.ts'
import { version } from './version.ts'

export async function serve(file: string | undefined, stop: AbortSignal): Promise<void> {
  const { config, warnings } = readConfig(file)
  let dropped = 0
  const log = createLogger(config.log, process.stderr, () => {
    dropped++
  })
  for (const { key, message } of warnings) log.warn({ key }, message)

  const app = await startApp(config, {
    log,
    registry: new Registry(),
    version: version(),
    logLinesDropped: () => dropped,
  })
  log.info({ url: app.url, metrics: `${app.metricsUrl}/metrics`, target: config.target.origin }, 'ready')
  if (!stop.aborted) await once(stop, 'abort')
  await app.stop()
}
