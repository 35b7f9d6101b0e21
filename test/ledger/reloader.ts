/**
 * Changes Sluice's configuration again and again under load: every third file is bad, every fifth moves tenants between
 * stores, and all others change what no store is about. By turns it asks over HTTP and by a signal.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { FIRST, keysOf, LAYOUTS, type Layout, type Whereabouts } from './layout.ts'
import type { RestartableSluice } from './restartable.ts'

export interface ReloaderOptions {
  readonly sluice: RestartableSluice
  readonly whereabouts: Whereabouts
  readonly reloads: number
  readonly everyMs: number
  readonly tell: (line: string) => void
}

export interface ReloadReport {
  readonly taken: number
  readonly refused: number
  /** How often tenants or stores moved. */
  readonly moves: number
  /** What came otherwise than it should. */
  readonly wrong: readonly string[]
  readonly slowestMs: number
  /** MB, on average, after the first ten reloads and after the last ten. */
  readonly heapUsed: readonly [first: number, last: number]
  readonly resident: readonly [first: number, last: number]
  /** Series in /metrics of upstreams that the last configuration does not have. */
  readonly gone: readonly string[]
}

type Ending = 'taken' | 'refused'

export class Reloader {
  readonly #options: ReloaderOptions
  #layout: Layout = FIRST
  #moves = 0
  readonly #ended = { taken: 0, refused: 0 }
  readonly #wrong: string[] = []
  #slowestMs = 0
  readonly #heap: number[] = []
  readonly #resident: number[] = []

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  /** Reloads until there were as many as wished for; `until` ends it before. */
  async run(until: AbortSignal): Promise<void> {
    const { reloads, everyMs, tell } = this.#options
    const started = performance.now()
    for (let n = 1; n <= reloads && !until.aborted; n++) {
      const rest = started + n * everyMs - performance.now()
      await sleep(Math.max(0, rest), undefined, { signal: until }).catch(() => undefined)
      if (until.aborted) return
      await this.#reload(n)
      if (n % 10 === 0) tell(`${n} reloads, ${this.#ended.refused} refused`)
    }
  }

  /** To be asked for when nothing is under way any more. */
  async report(): Promise<ReloadReport> {
    return {
      ...this.#ended,
      moves: this.#moves,
      wrong: this.#wrong,
      slowestMs: Math.round(this.#slowestMs),
      heapUsed: firstAndLast(this.#heap),
      resident: firstAndLast(this.#resident),
      gone: await this.#gone(),
    }
  }

  async #reload(n: number): Promise<void> {
    const { sluice, whereabouts } = this.#options
    const moves = n % 5 === 0
    const layout = moves ? (LAYOUTS[(n / 5 - 1) % LAYOUTS.length] as Layout) : this.#layout
    const expected: Ending = n % 3 === 0 ? 'refused' : 'taken'
    const keys = { ...keysOf(layout, sluice.storeUrl), on_429: n % 2 === 0 ? 'pass' : 'retry' }
    // Each another one, by this.
    const limits = { max_series: 200_000 + n }
    sluice.configure(expected === 'taken' ? { ...keys, limits } : badOf(n, { ...keys, limits }))

    const asked = performance.now()
    const ended = n % 2 === 0 ? await this.#hangUp(expected) : await this.#ask()
    const answered = performance.now()
    this.#slowestMs = Math.max(this.#slowestMs, answered - asked)
    if (ended !== expected) this.#wrong.push(`reload ${n}: ${ended ?? 'no end'} instead of ${expected}`)
    if (ended === 'taken') {
      this.#layout = layout
      whereabouts.change(layout, asked, answered)
      if (moves) this.#moves++
    }
    if (ended !== undefined) this.#ended[ended]++
    const metrics = await sluice.metrics()
    this.#heap.push(sampleOf(metrics, 'nodejs_heap_size_used_bytes'))
    this.#resident.push(sampleOf(metrics, 'process_resident_memory_bytes'))
  }

  async #ask(): Promise<Ending | undefined> {
    const status = await this.#options.sluice.reload()
    if (status === 200) return 'taken'
    return status === 400 ? 'refused' : undefined
  }

  /** A signal has no answer, so what it should come to is looked for in the metrics. No two in a row are bad. */
  async #hangUp(expected: Ending): Promise<Ending | undefined> {
    const { sluice } = this.#options
    const look = async () => {
      const metrics = await sluice.metrics()
      return {
        successful: sampleOf(metrics, 'sluice_config_last_reload_successful'),
        at: sampleOf(metrics, 'sluice_config_last_reload_success_timestamp_seconds'),
      }
    }
    const before = await look()
    sluice.signal('SIGHUP')
    for (let tries = 0; tries < 1000; tries++) {
      const { successful, at } = await look()
      if (at !== before.at) return 'taken'
      if (successful === 0 && (before.successful === 1 || expected === 'refused')) return 'refused'
      await sleep(10)
    }
    return undefined
  }

  /** An upstream that nobody needs any more is drained first, which takes a moment. */
  async #gone(): Promise<readonly string[]> {
    const names = new Set(['default', ...Object.keys(this.#layout.upstreams)])
    for (let tries = 0; ; tries++) {
      const lines = (await this.#options.sluice.metrics()).split('\n')
      const gone = lines.filter(line => {
        const name = /[{,]upstream="([^"]*)"/.exec(line)?.[1]
        return name !== undefined && !names.has(name)
      })
      if (gone.length === 0 || tries === 50) return gone
      await sleep(100)
    }
  }
}

/** As people and tools leave them: half written, misspelt, empty, with a route to nowhere. */
function badOf(
  n: number,
  keys: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | string {
  const kinds = [
    'target: [http',
    { ...keys, on_429: 'never', timeout: 'soon' },
    { ...keys, routes: [{ upstream: 'nowhere' }] },
    '',
    { ...keys, tenant: { lable: 'tenant' } },
  ]
  return kinds[(n / 3) % kinds.length] as (typeof kinds)[number]
}

function sampleOf(metrics: string, name: string): number {
  const line = metrics.split('\n').find(it => it.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

function firstAndLast(bytes: readonly number[]): readonly [number, number] {
  const mean = (list: readonly number[]) =>
    Math.round(list.reduce((sum, n) => sum + n, 0) / Math.max(1, list.length) / 1e5) / 10
  return [mean(bytes.slice(0, 10)), mean(bytes.slice(-10))]
}
