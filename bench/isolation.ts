/**
 * `npm run bench -- isolation`: one tenant hangs or fails, the others have senders of their own. What does it cost them?
 * Rounds with and without trouble alternate; medians are compared.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { startChild } from '../test/support/child.ts'
import type { Fault } from '../test/support/fault-proxy.ts'
import { startSluice } from '../test/support/splitter.ts'
import type { ProxyCall, ProxyOptions, ProxyState } from './isolation/proxy.ts'
import type { GeneratorCounts } from './load/generator.ts'
import { startGenerator, startStore } from './load/round.ts'

const HELP = `npm run bench -- isolation [options]
  --healthy N     tenants without trouble, each with a sender (99)
  --sick N        senders of the one tenant with trouble (8)
  --trouble KIND  hang, 503 or slow (hang)
  --rate N        pushes per second of each sender (1)
  --series N      per push (50)
  --seconds N     of each round (15)
  --rounds N      with and without trouble (3)
  --latency MS    of the store (20)
  --config FILE   further keys of sluice.yaml
`

const TROUBLES: Readonly<Record<string, Fault>> = {
  hang: { kind: 'black-hole' },
  503: { kind: 'answer', status: 503, body: 'try later' },
  slow: { kind: 'delay', ms: 5_000, jitterMs: 1_000 },
}

const { values: args } = parseArgs({
  options: {
    healthy: { type: 'string', default: '99' },
    sick: { type: 'string', default: '8' },
    trouble: { type: 'string', default: 'hang' },
    rate: { type: 'string', default: '1' },
    series: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '15' },
    rounds: { type: 'string', default: '3' },
    latency: { type: 'string', default: '20' },
    config: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (args.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const trouble = TROUBLES[args.trouble]
  if (trouble === undefined) throw new Error(`--trouble is one of ${Object.keys(TROUBLES).join(', ')}`)
  const config =
    args.config === undefined ? {} : (parse(readFileSync(args.config, 'utf8')) as Record<string, unknown>)
  const shape = { series: Number(args.series), tenants: 1, protocol: '1.0' } as const
  const stops: (() => Promise<unknown>)[] = []
  try {
    const store = await startStore({ latencyMs: Number(args.latency), bytesPerSecond: 0 })
    stops.push(() => store.stop())
    const { port: storePort } = await store.call('read')
    const file = new URL('./isolation/proxy.ts', import.meta.url)
    const proxy = await startChild<ProxyCall, ProxyState>(file, { storePort } satisfies ProxyOptions)
    stops.push(() => proxy.stop())
    const { port } = await proxy.call({ sick: { kind: 'pass' } })
    const healthy = await startGenerator({ ...shape, senders: Number(args.healthy), ownTenants: true })
    stops.push(() => healthy.stop())
    const sick = await startGenerator({ ...shape, senders: Number(args.sick), tenantPrefix: 'sick-' })
    stops.push(() => sick.stop())
    const sluice = await startSluice({ storeUrl: `http://127.0.0.1:${port}/push`, config })
    stops.push(() => sluice.end('SIGKILL'))

    const rate = Number(args.rate)
    const begin = (url: string) => [
      healthy.call({ kind: 'start', url, pushesPerSecond: rate * Number(args.healthy) }),
      sick.call({ kind: 'start', url, pushesPerSecond: rate * Number(args.sick) }),
    ]
    await Promise.all(begin(sluice.url.href))
    const round = async (fault: Fault): Promise<GeneratorCounts> => {
      await proxy.call({ sick: fault })
      // What the round before has left behind is not this one's.
      await sleep(5_000)
      await healthy.call({ kind: 'read' })
      await sick.call({ kind: 'read' })
      await sleep(Number(args.seconds) * 1_000)
      const { sent, statuses } = await sick.call({ kind: 'read' })
      process.stderr.write(`the other tenant: ${sent} sent, answered ${JSON.stringify(statuses)}\n`)
      return await healthy.call({ kind: 'read' })
    }
    const calm: GeneratorCounts[] = []
    const troubled: GeneratorCounts[] = []
    for (let n = 0; n < Number(args.rounds); n++) {
      calm.push(await round({ kind: 'pass' }))
      troubled.push(await round(trouble))
      process.stderr.write(
        `round ${n + 1}: p99 ${show(calm.at(-1)!)} calm, ${show(troubled.at(-1)!)} in trouble\n`,
      )
    }
    report(calm, troubled)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

function show({ p99, statuses }: GeneratorCounts): string {
  return `${p99.toFixed(1)} ms ${JSON.stringify(statuses)}`
}

function report(calm: readonly GeneratorCounts[], troubled: readonly GeneratorCounts[]): void {
  const median = (counts: readonly GeneratorCounts[]) =>
    counts.map(({ p99 }) => p99).toSorted((a, b) => a - b)[Math.floor(counts.length / 2)]!
  const moved = median(troubled) / median(calm) - 1
  const others = new Set(troubled.flatMap(({ statuses }) => Object.keys(statuses)))
  const ok = moved <= 0.1 && others.size === 1 && others.has('204')
  process.stdout.write(
    `the healthy tenants' p99: ${median(calm).toFixed(1)} ms calm, ${median(troubled).toFixed(1)} ms in trouble (${args.trouble})\n` +
      `${ok ? '✓' : '✗'} moved by ${(moved * 100).toFixed(0)} %, asked ≤ 10 %; they were answered ${[...others].join(', ')}\n`,
  )
  process.exitCode = ok ? 0 : 1
}
