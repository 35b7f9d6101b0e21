/** Sluice as a real process, and cortex-tenant beside it: both take the same configuration file and the same environment. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from '../../support/free-port.ts'
import { Child, scratchDir } from './child.ts'

export interface SplitterOptions {
  /** Keys of the configuration file; where it listens is added in the environment, as `CT_*`. */
  readonly config: object
  readonly env?: Readonly<Record<string, string>>
}

const LAUNCHER = fileURLToPath(new URL('../../../src/sluice.js', import.meta.url))

export function startSluice(options: SplitterOptions): Promise<Splitter> {
  return Splitter.start('sluice', process.execPath, [LAUNCHER, 'serve', '--config', 'sluice.yaml'], options)
}

/** With the one flag that cortex-tenant has, spelled as it spells it. */
export function startSluiceAsCortexTenant(options: SplitterOptions): Promise<Splitter> {
  return Splitter.start('sluice', process.execPath, [LAUNCHER, 'serve', '-config', 'sluice.yaml'], options)
}

export function startCortexTenant(binary: string, options: SplitterOptions): Promise<Splitter> {
  return Splitter.start('cortex-tenant', binary, ['-config', 'sluice.yaml'], options)
}

export class Splitter {
  readonly url: string
  readonly metricsUrl: string
  readonly #child: Child

  static async start(
    name: string,
    command: string,
    args: readonly string[],
    { config, env = {} }: SplitterOptions,
  ): Promise<Splitter> {
    const dir = await scratchDir(name)
    await writeFile(join(dir, 'sluice.yaml'), stringify(config))
    const [push, metrics] = [await freePort(), await freePort()]
    const listening = {
      CT_LISTEN: `127.0.0.1:${push}`,
      CT_LISTEN_METRICS_ADDRESS: `127.0.0.1:${metrics}`,
    }
    const url = `http://127.0.0.1:${push}`
    const child = await Child.start({
      name,
      command,
      args,
      dir,
      env: { ...listening, ...env },
      readyUrl: `${url}/alive`,
    })
    return new Splitter(url, `http://127.0.0.1:${metrics}/metrics`, child)
  }

  private constructor(url: string, metricsUrl: string, child: Child) {
    this.url = url
    this.metricsUrl = metricsUrl
    this.#child = child
  }

  get pushUrl(): string {
    return `${this.url}/push`
  }

  log(): string {
    return this.#child.log()
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
