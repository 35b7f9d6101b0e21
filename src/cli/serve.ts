/** `sluice serve`: runs until it is asked to stop. */
import { once } from 'node:events'
import { Registry } from 'prom-client'
import { startApp } from '../app.ts'
import { fileAt, followConfig } from '../config/followed-config.ts'
import { createLogger } from '../telemetry/log.ts'
import { readConfig, readConfigAnew } from './read-config.ts'
import { onHangup } from './signals.ts'
import { version } from './version.ts'

export async function serve(file: string | undefined, stop: AbortSignal): Promise<void> {
  // Before it is read, so that one that takes its place meanwhile is another.
  const known = file === undefined ? undefined : fileAt(file)
  const first = readConfig(file)
  const { config, warnings } = first
  let dropped = 0
  const log = createLogger(config.log, process.stderr, () => {
    dropped++
  })
  for (const { key, message } of warnings) log.warn({ key }, message)

  const app = await startApp(first, {
    log,
    registry: new Registry(),
    version: version(),
    logLinesDropped: () => dropped,
    load: () => readConfigAnew(file),
  })
  onHangup(() => void app.reload())
  using _ = file === undefined ? undefined : followConfig(file, known, () => void app.follow())
  const stores = Object.fromEntries(config.upstreams.map(({ name, target }) => [name, target.origin]))
  log.info({ url: app.url, metrics: `${app.metricsUrl}/metrics`, stores }, 'ready')
  if (!stop.aborted) await once(stop, 'abort')
  await app.stop()
}
