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
  /** Where pushes come in: a free one unless it must be that of a splitter before. */
  readonly port?: number
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
  readonly port: number
  readonly #child: Child

  static async start(
    name: string,
    command: string,
    args: readonly string[],
    { config, env = {}, port }: SplitterOptions,
  ): Promise<Splitter> {
    const dir = await scratchDir(name)
    await writeFile(join(dir, 'sluice.yaml'), stringify(config))
    const [push, metrics] = [port ?? (await freePort()), await freePort()]
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
    return new Splitter(push, child)
  }

  private constructor(port: number, child: Child) {
    this.port = port
    this.#child = child
  }

  get pushUrl(): string {
    return `http://127.0.0.1:${this.port}/push`
  }

  /** Undefined while it runs, -1 where a signal ended it. */
  get exitCode(): number | undefined {
    return this.#child.exitCode
  }

  stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    return this.#child.stop(signal)
  }
}
