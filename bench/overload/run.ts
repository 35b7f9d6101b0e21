/**
 * More than Sluice can get rid of: a store with a fixed throughput is the bottleneck, so that the same overload can be
 * made on any machine. Senders ignore Retry-After, which is worse than any honest sender.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/support/free-port.ts'
import { busyGauges } from '../../test/support/gauges.ts'
import { type Splitter, startSluice } from '../../test/support/splitter.ts'
import type { GeneratorCounts, GeneratorOptions } from '../load/generator.ts'
import { type Generator, startGenerator, startStore } from '../load/round.ts'
import { residentBytes } from '../load/usage.ts'

export interface OverloadOptions extends GeneratorOptions {
  readonly storeBytesPerSecond: number
  readonly latencyMs: number
  /** How many times the capacity. */
  readonly factor: number
  /** Of finding the capacity, and of finding out what is normal. */
  readonly calmSeconds: number
  readonly overloadSeconds: number
  /** How long to wait for normal to come back. */
  readonly recoverySeconds: number
  /** Keys as in sluice.yaml. */
  readonly config: Readonly<Record<string, unknown>>
  readonly tell: (line: string) => void
}

export interface OverloadReport {
  /** Pushes per second with just enough senders: the maximum. */
  readonly capacity: number
  readonly normal: GeneratorCounts
  readonly overload: GeneratorCounts
  /** Pushes per second that were begun, and that were delivered. */
  readonly offered: number
  readonly goodput: number
  readonly peakRss: number
  /** Seconds until a second was as before: all delivered, p99 at most twice the normal one. Undefined where it never was. */
  readonly recovery: number | undefined
  /** All answers after the overload, by second. */
  readonly after: readonly GeneratorCounts[]
  readonly busyGauges: readonly string[]
  readonly exitCode: number | null
}

/** Senders that are enough to find the capacity, and few enough not to overload. */
const CALM_SENDERS = 16
/** Part of the capacity that is normal. */
const NORMAL = 0.5

export async function runOverload(options: OverloadOptions): Promise<OverloadReport> {
  const { tell } = options
  const stops: (() => Promise<unknown>)[] = []
  try {
    const store = await startStore({
      latencyMs: options.latencyMs,
      bytesPerSecond: options.storeBytesPerSecond,
    })
    stops.push(() => store.stop())
    const calm = await startGenerator({ ...options, senders: CALM_SENDERS })
    stops.push(() => calm.stop())
    const crowd = await startGenerator(options)
    stops.push(() => crowd.stop())
    const { port } = await store.call('read')
    const metricsPort = await freePort()
    const config = { listen_metrics_address: `127.0.0.1:${metricsPort}`, ...options.config }
    const sluice = await startSluice({ storeUrl: `http://127.0.0.1:${port}/push`, config })
    stops.push(() => sluice.end('SIGKILL'))

    const { calmSeconds } = options
    const capacity = delivered(await load(calm, sluice, 0, calmSeconds)) / calmSeconds
    tell(`capacity ${capacity.toFixed(1)} pushes/s`)
    const normal = await load(calm, sluice, capacity * NORMAL, calmSeconds)
    tell(`normal p99 ${normal.p99.toFixed(0)} ms`)

    const peak = watchMemory(sluice.pid)
    const overload = await load(crowd, sluice, capacity * options.factor, options.overloadSeconds)
    const goodput = delivered(overload) / overload.seconds
    tell(`overload: goodput ${goodput.toFixed(1)} pushes/s`)

    const after: GeneratorCounts[] = []
    await calm.call({ kind: 'start', url: sluice.url.href, pushesPerSecond: capacity * NORMAL })
    let recovery: number | undefined
    while (recovery === undefined && after.length < options.recoverySeconds) {
      await sleep(1_000)
      after.push(await calm.call({ kind: 'read' }))
      if (isNormal(after.at(-1)!, normal)) recovery = after.length
    }
    await calm.call({ kind: 'stop' })
    const peakRss = peak()
    return {
      capacity,
      normal,
      overload,
      offered: overload.sent / overload.seconds,
      goodput,
      peakRss,
      recovery,
      after,
      busyGauges: await busyGauges(metricsPort),
      exitCode: await sluice.end('SIGTERM'),
    }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function load(
  generator: Generator,
  sluice: Splitter,
  pushesPerSecond: number,
  seconds: number,
): Promise<GeneratorCounts> {
  await generator.call({ kind: 'start', url: sluice.url.href, pushesPerSecond })
  await sleep(seconds * 1_000)
  // Counts and stops in one, so that nothing of what the end breaks off is counted.
  return await generator.call({ kind: 'stop' })
}

function isNormal(second: GeneratorCounts, normal: GeneratorCounts): boolean {
  return delivered(second) > 0 && delivered(second) === total(second) && second.p99 <= 2 * normal.p99
}

const total = ({ statuses }: GeneratorCounts): number =>
  Object.values(statuses).reduce((sum, n) => sum + n, 0)

const delivered = ({ statuses }: GeneratorCounts): number => statuses['204'] ?? 0

/** Returns a function that stops watching and tells the most that was resident. */
function watchMemory(pid: number): () => number {
  let most = 0
  const look = () => {
    most = Math.max(most, residentBytes(pid, 'VmRSS'))
  }
  const timer = setInterval(look, 250)
  return () => {
    clearInterval(timer)
    look()
    return most
  }
}
