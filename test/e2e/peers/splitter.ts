/** Sluice as a real process, and cortex-tenant beside it: both take the same configuration file and the same environment. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
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
  readonly #metricsPort: number
  readonly #file: string
  readonly #child: Child

  static async start(
    name: string,
    command: string,
    args: readonly string[],
    { config, env = {}, port }: SplitterOptions,
  ): Promise<Splitter> {
    const dir = await scratchDir(name)
    const file = join(dir, 'sluice.yaml')
    await writeFile(file, stringify(config))
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
    return new Splitter(push, metrics, file, child)
  }

  private constructor(port: number, metricsPort: number, file: string, child: Child) {
    this.port = port
    this.#metricsPort = metricsPort
    this.#file = file
    this.#child = child
  }

  get pushUrl(): string {
    return `http://127.0.0.1:${this.port}/push`
  }

  /** Undefined while it runs, -1 where a signal ended it. */
  get exitCode(): number | undefined {
    return this.#child.exitCode
  }

  /** Writes the file anew and sends SIGHUP. Resolves when this configuration is in force. */
  async reload(config: object): Promise<void> {
    const before = await this.#reloadedAt()
    await writeFile(this.#file, stringify(config))
    this.#child.signal('SIGHUP')
    await vi.waitFor(async () => expect(await this.#reloadedAt()).toBeGreaterThan(before), {
      timeout: 10_000,
      interval: 50,
    })
  }

  async #reloadedAt(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text()
    const found = text.match(/^sluice_config_last_reload_success_timestamp_seconds (.+)$/m)
    return Number(found?.[1])
  }

  stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    return this.#child.stop(signal)
  }
}
