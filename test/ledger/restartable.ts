/** Sluice and the store as things that can be killed and come back at the same address. */
import { join } from 'node:path'
import { type Child, startChild } from '../support/child.ts'
import { freePort } from '../support/free-port.ts'
import { busyGauges } from '../support/gauges.ts'
import { request } from '../support/request.ts'
import { type Sluice, startSluice } from '../support/splitter.ts'
import { type Entry, readJournal } from './journal.ts'
import type { StoreOptions, StoreState } from './store.ts'

export class RestartableSluice {
  readonly storeUrl: string
  readonly #config: Readonly<Record<string, unknown>>
  #port = 0
  #metricsPort = 0
  #running: Sluice | undefined

  constructor(storeUrl: string, config: Readonly<Record<string, unknown>>) {
    this.storeUrl = storeUrl
    this.#config = config
  }

  async start(): Promise<URL> {
    this.#port ||= await freePort()
    this.#metricsPort ||= await freePort()
    this.#running = await startSluice({
      storeUrl: this.storeUrl,
      port: this.#port,
      config: this.#filled({}),
    })
    return this.#running.url
  }

  /** Puts another file in place: these keys over those of the start, or a text as it is. */
  configure(config: Readonly<Record<string, unknown>> | string): void {
    this.#live.configure(typeof config === 'string' ? config : this.#filled(config))
  }

  signal(name: 'SIGHUP'): void {
    this.#live.signal(name)
  }

  /** Asks for a reload; its status. */
  async reload(): Promise<number> {
    return (await request(new URL('/-/reload', this.#live.url))).status
  }

  async metrics(): Promise<string> {
    return (await request(this.#live.metricsUrl, { method: 'GET' })).body
  }

  get #live(): Sluice {
    if (this.#running === undefined) throw new Error('BUG: Sluice does not run')
    return this.#running
  }

  #filled(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return { listen_metrics_address: `127.0.0.1:${this.#metricsPort}`, ...this.#config, ...config }
  }

  /** Its exit code; null after a SIGKILL, or where it does not run. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const code = (await this.#running?.end(signal)) ?? null
    this.#running = undefined
    return code
  }

  busyGauges(): Promise<readonly string[]> {
    return busyGauges(this.#metricsPort)
  }
}

export class RestartableStore {
  readonly port: number
  readonly #dir: string
  readonly #journals: string[] = []
  #running: Child<'state', StoreState> | undefined

  constructor(dir: string, port: number) {
    this.#dir = dir
    this.port = port
  }

  /** Each life has a journal of its own, so that a record cut by a kill is the last of its file. */
  async start(): Promise<void> {
    const journal = join(this.#dir, `journal-${this.#journals.length}`)
    this.#journals.push(journal)
    const options: StoreOptions = { port: this.port, journal }
    this.#running = await startChild(new URL('./store.ts', import.meta.url), options)
  }

  async kill(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  /** Requests that its present life could not read. */
  async unreadable(): Promise<number> {
    return (await this.#running?.call('state'))?.unreadable ?? 0
  }

  *entries(): Generator<Entry> {
    for (const journal of this.#journals) yield* readJournal(journal)
  }
}
