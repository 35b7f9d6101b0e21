/**
 * `npm run bench -- hop`: what the way to a thread and back costs, by the size of the push. The threshold in
 * src/remote-write/splitter.ts comes from here.
 */
import type { SplitRules } from '../src/remote-write/split.ts'
import { createSplitter, type Splitter } from '../src/remote-write/splitter.ts'
import { buildBody } from './load/payload.ts'
import { benchRules } from './split/payloads.ts'

/** Series per cell: long enough for a clock that ticks every few milliseconds. */
const SERIES = 2_000_000
const inFlight = [0, 1, 2, 3]

const modes: Readonly<Record<string, Splitter>> = {
  inline: createSplitter({ threads: 0, engine: 'wasm' }),
  thread: createSplitter({ threads: 1, engine: 'wasm', inlineBelowBytes: 0 }),
}
for (const splitter of Object.values(modes)) await splitter.warm()

for (const tenants of [1, 10, 100]) {
  for (const series of [100, 200, 500, 1_000, 2_000, 10_000]) {
    const body = buildBody({ series, tenants, protocol: '1.0' }, 0)
    const repeats = Math.ceil(SERIES / series / inFlight.length)
    const columns: string[] = []
    for (const [name, splitter] of Object.entries(modes)) {
      await round(splitter, body, Math.ceil(repeats / 10))
      const { main, all } = await round(splitter, body, repeats)
      columns.push(`${name}: main ${main.toFixed(0)} µs, all threads ${all.toFixed(0)} µs`)
    }
    process.stdout.write(
      `${tenants} tenants, ${series} series, ${body.length} bytes · ${columns.join(' · ')}\n`,
    )
  }
}
for (const splitter of Object.values(modes)) await splitter.close()

/** CPU microseconds per push. */
interface Cost {
  readonly main: number
  readonly all: number
}

async function round(splitter: Splitter, body: Uint8Array, repeats: number): Promise<Cost> {
  const rules: SplitRules = benchRules()
  const main = process.threadCpuUsage()
  const all = process.cpuUsage()
  for (let i = 0; i < repeats; i++) {
    await Promise.all(
      inFlight.map(() =>
        splitter.split({ body: new Uint8Array(body), encoding: 'snappy', protocol: '1.0' }, rules),
      ),
    )
  }
  const pushes = repeats * inFlight.length
  const perPush = (usage: NodeJS.CpuUsage) => (usage.user + usage.system) / pushes
  return { main: perPush(process.threadCpuUsage(main)), all: perPush(process.cpuUsage(all)) }
}
