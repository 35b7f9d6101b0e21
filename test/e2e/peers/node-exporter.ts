/** A node_exporter: a few hundred series as every machine has them. */
import { freePort } from '../../support/free-port.ts'
import { Child, scratchDir } from './child.ts'

export class NodeExporter {
  readonly address: string
  readonly #child: Child

  static async start(binary: string): Promise<NodeExporter> {
    const dir = await scratchDir('node-exporter')
    const address = `127.0.0.1:${await freePort()}`
    const args = [`--web.listen-address=${address}`, '--log.level=error']
    const readyUrl = `http://${address}/`
    return new NodeExporter(
      address,
      await Child.start({ name: 'node_exporter', command: binary, args, dir, readyUrl }),
    )
  }

  private constructor(address: string, child: Child) {
    this.address = address
    this.#child = child
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
