/**
 * A real process of a scenario: started on free loopback ports in a scratch directory, awaited until it is ready, and
 * stopped by its own id. What it says goes to `log` in that directory; a failure quotes the end of it.
 * SLUICE_E2E_KEEP=1 keeps the directories, to read them after a failed test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ChildOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** From `scratchDir`; the child owns it from here and removes it. */
  readonly dir: string
  readonly env?: Readonly<Record<string, string>>
  /** Answers 2xx once the process takes traffic. */
  readonly readyUrl: string
}

const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 20_000

export class Child {
  readonly #options: ChildOptions
  readonly #process: ChildProcess
  readonly #exited: Promise<void>

  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options)
    try {
      await child.#ready()
    } catch (error) {
      await child.stop()
      throw error
    }
    return child
  }

  private constructor(options: ChildOptions) {
    this.#options = options
    const log = openSync(join(options.dir, 'log'), 'a')
    this.#process = spawn(options.command, options.args, {
      cwd: options.dir,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#exited = new Promise(resolve => {
      this.#process.once('exit', () => resolve())
      this.#process.once('error', () => resolve())
    })
    // Vitest may be interrupted; nothing that a test started outlives it.
    process.once('exit', this.#kill)
  }

  /** Undefined while it runs, -1 where a signal ended it. */
  get exitCode(): number | undefined {
    return this.#process.exitCode ?? (this.#process.signalCode === null ? undefined : -1)
  }

  log(): string {
    return readFileSync(join(this.#options.dir, 'log'), 'utf8')
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Sends the signal, insists when that does not help, and removes the scratch directory. May be called again. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#process.kill(signal)
    const insist = setTimeout(this.#kill, STOP_TIMEOUT_MS)
    await this.#exited
    clearTimeout(insist)
    process.off('exit', this.#kill)
    if (process.env.SLUICE_E2E_KEEP === undefined) {
      await rm(this.#options.dir, { recursive: true, force: true })
    }
  }

  readonly #kill = () => {
    this.#process.kill('SIGKILL')
  }

  async #ready(): Promise<void> {
    const { name, readyUrl } = this.#options
    const deadline = Date.now() + READY_TIMEOUT_MS
    for (;;) {
      if (await answers(readyUrl)) return
      const state = this.exitCode === undefined ? 'is not ready' : `ended with ${this.exitCode}`
      if (this.exitCode !== undefined || Date.now() > deadline) {
        throw new Error(`${name} ${state}; the end of its log:\n${this.log().slice(-4000)}`)
      }
      await sleep(100)
    }
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

export function scratchDir(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `sluice-e2e-${name}-`))
}
