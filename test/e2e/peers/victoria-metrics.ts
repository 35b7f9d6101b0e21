/** A VictoriaMetrics single node: a store without tenants, so the tenant label is kept. */
import { freePort } from '../../support/free-port.ts'
import { Child, scratchDir } from './child.ts'

export class VictoriaMetrics {
  readonly url: string
  readonly #child: Child

  static async start(binary: string): Promise<VictoriaMetrics> {
    const dir = await scratchDir('victoria-metrics')
    const address = `127.0.0.1:${await freePort()}`
    // Queries by default leave out the last 30 s and answer from a cache.
    const args = [
      `-httpListenAddr=${address}`,
      '-storageDataPath=data',
      '-search.latencyOffset=0s',
      '-search.disableCache',
      '-loggerLevel=WARN',
    ]
    const url = `http://${address}`
    const readyUrl = `${url}/health`
    return new VictoriaMetrics(
      url,
      await Child.start({ name: 'victoria-metrics', command: binary, args, dir, readyUrl }),
    )
  }

  private constructor(url: string, child: Child) {
    this.url = url
    this.#child = child
  }

  /** Makes what was taken in visible to queries. */
  async flush(): Promise<void> {
    await (await fetch(`${this.url}/internal/force_flush`)).arrayBuffer()
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
