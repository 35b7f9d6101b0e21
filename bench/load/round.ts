/** One round: a fresh splitter, the same load, what it reached and what it took. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../../test/support/child.ts'
import { type Splitter, startCommand, startSluice } from '../../test/support/splitter.ts'
import type { GeneratorCall, GeneratorCounts, GeneratorOptions } from './generator.ts'
import type { StoreCall, StoreCounts, StoreOptions } from './store.ts'
import { cpuSeconds, residentBytes } from './usage.ts'

/** In which protocol is a matter of each contender. */
export interface Load extends Omit<GeneratorOptions, 'protocol'> {
  /** How long the store takes for an answer. */
  readonly latencyMs: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** Connections that the splitter may open to the store. */
  readonly connections: number
}

/** Who takes part, what it is sent, and how to start it. */
export type Contender = {
  readonly name: string
  readonly protocol: GeneratorOptions['protocol']
} & (
  | {
      readonly kind: 'sluice'
      readonly config: Readonly<Record<string, unknown>>
      /** The checkout whose sources are started; ours by default. */
      readonly root?: string
    }
  | { readonly kind: 'command'; readonly command: string; readonly url: URL }
  /** Runs already, and sends to a store that is not ours. */
  | { readonly kind: 'running'; readonly url: URL; readonly pid: number | undefined }
)

/** NaN where there is nothing to tell. */
export interface Result {
  readonly samplesPerSecond: number
  readonly cpuPerMillion: number
  readonly peakRss: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Part of the pushes that were not answered 2xx. */
  readonly failed: number
  readonly storeRequestsPerSecond: number
  readonly storeBytesPerSample: number
  readonly statuses: Readonly<Record<string, number>>
}

export type Generator = Child<GeneratorCall, GeneratorCounts>
export type Store = Child<StoreCall, StoreCounts>

export const startGenerator = (options: GeneratorOptions): Promise<Generator> =>
  startChild(new URL('./generator.ts', import.meta.url), options)

export const startStore = (options: StoreOptions): Promise<Store> =>
  startChild(new URL('./store.ts', import.meta.url), options)

/**
 * Runs `load` once through `contender`; everything started here is stopped here, but for the generator. A splitter that
 * is ended with SIGTERM may keep something for its next start.
 */
export async function runRound(
  contender: Contender,
  load: Load,
  generator: Generator,
  end: 'SIGTERM' | 'SIGKILL' = 'SIGKILL',
): Promise<Result> {
  const store = await startStore({ latencyMs: load.latencyMs, bytesPerSecond: 0 })
  let splitter: Pick<Splitter, 'url' | 'end'> & { readonly pid: number | undefined } = NOBODY
  try {
    const { port } = await store.call('read')
    splitter = await startContender(contender, `http://127.0.0.1:${port}`, load)
    await generator.call({ kind: 'start', url: splitter.url.href, pushesPerSecond: 0 })
    await sleep(load.warmupSeconds * 1_000)
    const before = splitter.pid === undefined ? Number.NaN : cpuSeconds(splitter.pid)
    await store.call('reset')
    await generator.call({ kind: 'read' })
    await sleep(load.seconds * 1_000)
    const counts = await generator.call({ kind: 'read' })
    const stored = await store.call('read')
    const after = splitter.pid === undefined ? Number.NaN : cpuSeconds(splitter.pid)
    const peakRss = splitter.pid === undefined ? Number.NaN : residentBytes(splitter.pid, 'VmHWM')
    return summarise(load, counts, stored, after - before, peakRss)
  } finally {
    await generator.call({ kind: 'stop' })
    await splitter.end(end)
    await store.stop()
  }
}

const NOBODY = { url: new URL('http://127.0.0.1'), pid: undefined, end: async () => null }

async function startContender(contender: Contender, store: string, { connections }: Load) {
  if (contender.kind === 'running') return { ...NOBODY, url: contender.url, pid: contender.pid }
  if (contender.kind === 'command')
    return await startCommand(contender.command, contender.url, {
      STORE_URL: `${store}/push`,
      CONNECTIONS: `${connections}`,
    })
  const { root } = contender
  return await startSluice({
    storeUrl: `${store}/push`,
    ...(root === undefined ? {} : { root }),
    config: { max_conns_per_host: connections, ...contender.config },
  })
}

function summarise(
  load: Load,
  counts: GeneratorCounts,
  stored: StoreCounts,
  cpu: number,
  peakRss: number,
): Result {
  const all = Object.values(counts.statuses).reduce((sum, n) => sum + n, 0)
  const delivered = Object.entries(counts.statuses).reduce(
    (sum, [status, n]) => sum + (status[0] === '2' ? n : 0),
    0,
  )
  const samples = delivered * load.series
  const latency = (ms: number) => (delivered === 0 ? Number.NaN : ms)
  return {
    samplesPerSecond: samples / counts.seconds,
    cpuPerMillion: samples === 0 ? Number.NaN : (cpu / samples) * 1e6,
    peakRss,
    p50: latency(counts.p50),
    p99: latency(counts.p99),
    p999: latency(counts.p999),
    failed: all === 0 ? Number.NaN : 1 - delivered / all,
    storeRequestsPerSecond: stored.requests / counts.seconds,
    storeBytesPerSample: samples === 0 ? Number.NaN : stored.bytes / samples,
    statuses: counts.statuses,
  }
}
