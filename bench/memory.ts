/** `npm run bench -- memory`: 100,000 pushes of mixed sizes through one engine, and how much memory the process holds meanwhile. */
import { createEngine } from '../src/remote-write/engine.ts'
import type { Push } from '../src/remote-write/split.ts'
import { buildBody } from './load/payload.ts'
import { benchRules } from './split/payloads.ts'

const PUSHES = 100_000

/** Sizes as often as they stand here, but for the last, which comes once in five hundred. */
const SERIES = [1, 10, 50, 100, 200, 500, 1_000, 2_000]
const RARE = 50_000
const RARE_EVERY = 500

const rules = benchRules()
const engine = createEngine('wasm')
const pushes = (sizes: readonly number[]) =>
  sizes.flatMap(series =>
    (['1.0', '2.0'] as const).map((protocol): Push => {
      return { body: buildBody({ series, tenants: 10, protocol }, 0), encoding: 'snappy', protocol }
    }),
  )
const common = pushes(SERIES)
const rare = pushes([RARE])

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`
let series = 0
for (let i = 0; i <= PUSHES; i++) {
  if (i % 10_000 === 0) {
    const { rss, external, arrayBuffers, heapUsed } = process.memoryUsage()
    process.stdout.write(
      `${i} pushes, ${series} series: rss ${megabytes(rss)}, heap ${megabytes(heapUsed)}, external ${megabytes(external)}, of these in buffers ${megabytes(arrayBuffers)}\n`,
    )
  }
  const from = i % RARE_EVERY === RARE_EVERY - 1 ? rare : common
  const result = engine.split(from[i % from.length] as Push, rules)
  if (!result.ok) throw new Error(result.detail)
  series += result.received.series
}
