/** A splitter as a process: Sluice from its sources, any other by its command. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from './free-port.ts'

export interface Splitter {
  readonly url: URL
  readonly pid: number
  /** What it has written to stdout and stderr. */
  log(): string
  /** Sends the signal to all of its processes. */
  signal(name: NodeJS.Signals): void
  /** Sends the signal to all of its processes and resolves with its exit code, or null, when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

export interface Sluice extends Splitter {
  readonly metricsUrl: URL
  /** Where its configuration is. */
  readonly configFile: string
  /** Puts another configuration in its place, by a rename: keys that are filled in as at the start, or a text as it is. */
  configure(config: Readonly<Record<string, unknown>> | string): void
}

export interface SluiceOptions {
  readonly storeUrl: string
  /** The checkout whose sources are started; the one that this file is in by default. */
  readonly root?: string
  /** Port for pushes; a free one by default. */
  readonly port?: number
  /** Keys as in sluice.yaml; `listen`, `listen_metrics_address` and `target` are filled in where they are missing. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

/** Starts Sluice and waits until it listens. */
export async function startSluice(options: SluiceOptions): Promise<Sluice> {
  const { storeUrl, root = ROOT, port, config = {}, env = {} } = options
  const push = port ?? (await freePort())
  const metrics = config.listen_metrics_address ?? `127.0.0.1:${await freePort()}`
  const dir = mkdtempSync(join(tmpdir(), 'sluice-'))
  const file = join(dir, 'sluice.yaml')
  const textOf = (own: Readonly<Record<string, unknown>>) =>
    stringify({
      listen: `127.0.0.1:${push}`,
      listen_metrics_address: metrics,
      target: storeUrl,
      tenant: { label: 'tenant', label_remove: true },
      ...own,
    })
  writeFileSync(file, textOf(config))
  const url = new URL(`http://127.0.0.1:${push}/push`)
  const metricsUrl = new URL(`http://${metrics}/metrics`)
  const command = [launcherOf(root), 'serve', '--config', file]
  // Metrics are the last that it listens for.
  const splitter = await start(process.execPath, command, env, url, dir, metricsUrl)
  return {
    ...splitter,
    metricsUrl,
    configFile: file,
    configure(next) {
      writeFileSync(`${file}.next`, typeof next === 'string' ? next : textOf(next))
      renameSync(`${file}.next`, file)
    },
  }
}

const launcherOf = (root: string): string => join(root, 'src/sluice.js')

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What Sluice is started with. */
export const LAUNCHER = launcherOf(ROOT)

/** Starts `command` with a shell, in which `env` is set, and waits until something listens at `url`. */
export async function startCommand(
  command: string,
  url: URL,
  env: Readonly<Record<string, string>>,
): Promise<Splitter> {
  return await start('/bin/sh', ['-c', command], env, url, mkdtempSync(join(tmpdir(), 'splitter-')))
}

// A splitter has a process group of its own, so Ctrl-C does not reach it; `exit` is where it is killed.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(1))

const STARTUP_MS = 15_000
const STOP_MS = 60_000

async function start(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  url: URL,
  dir: string,
  last = url,
): Promise<Splitter> {
  // Else a load would be driven through somebody else, and this one would have ended unnoticed.
  if (await accepts(url)) throw new Error(`something listens at ${url.host} already`)
  const logFile = join(dir, 'log')
  const output = openSync(logFile, 'a')
  // A process group of its own, so that a launcher or a shell can't leave the real one behind.
  const child = spawn(file, args, {
    stdio: ['ignore', output, output],
    detached: true,
    env: { ...process.env, ...env },
  })
  closeSync(output)
  const gone = once(child, 'exit') as Promise<[number | null]>
  // Also when the tests themselves are ended.
  const clear = () => {
    signal(child, 'SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
  // Before what was registered earlier, which may remove the folder that this process runs from.
  process.prependOnceListener('exit', clear)
  let lastLog: string | undefined
  const splitter: Splitter = {
    url,
    pid: child.pid as number,
    log: () => lastLog ?? readFileSync(logFile, 'utf8'),
    signal: name => signal(child, name),
    async end(name) {
      signal(child, name)
      // `sleep` keeps this process alive, so it must be cancelled as soon as the child is gone.
      const late = new AbortController()
      const timeout = sleep(STOP_MS, undefined, { signal: late.signal }).catch(() => undefined)
      const [code] = (await Promise.race([gone, timeout])) ?? [null]
      late.abort()
      lastLog ??= readFileSync(logFile, 'utf8')
      clear()
      process.off('exit', clear)
      return code
    },
  }
  try {
    await listening(last, child)
  } catch (error) {
    await splitter.end('SIGKILL')
    throw new Error(
      `${[file, ...args].join(' ')}: ${(error as Error).message}\n${splitter.log().slice(-4_000)}`,
    )
  }
  return splitter
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid as number), name)
  } catch {
    // The whole group is gone.
  }
}

async function listening(url: URL, child: ChildProcess): Promise<void> {
  const until = Date.now() + STARTUP_MS
  while (child.exitCode === null && child.signalCode === null) {
    if (await accepts(url)) return
    if (Date.now() > until) throw new Error(`nothing listens at ${url.host} after ${STARTUP_MS / 1_000} s`)
    await sleep(50)
  }
  throw new Error(`ended with ${child.signalCode ?? child.exitCode} before it listened`)
}

function accepts(url: URL): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: url.hostname, port: Number(url.port) })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
