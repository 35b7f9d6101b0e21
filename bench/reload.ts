/**
 * `npm run bench -- reload`: how long a process takes to take a configuration with 1,000 routes into force, from the
 * request to its answer, and the largest delay of its event loop meanwhile. Nothing else is asked of it, so all of that is
 * the reload's own.
 */
import { parseArgs } from 'node:util'
import { startReceiver } from '../test/support/receiver.ts'
import { request } from '../test/support/request.ts'
import { type Sluice, startSluice } from '../test/support/splitter.ts'

const { values: args } = parseArgs({
  options: { routes: { type: 'string', default: '1000' }, reloads: { type: 'string', default: '20' } },
})
const ROUTES = Number(args.routes)
const STORES = 10

const store = await startReceiver()
const config = (n: number) => ({
  target: `${store.url}/push`,
  // Another one each time, by its section.
  upstreams: Object.fromEntries(
    Array.from({ length: STORES }, (_, i) => [
      `store-${i}`,
      { target: `${store.url}/push/${i}`, timeout: i === 0 ? `${1000 + n}ms` : '5s' },
    ]),
  ),
  routes: Array.from({ length: ROUTES }, (_, i) => ({
    tenants: [`team-${i}`, `team-${i}-*`],
    upstream: `store-${(i + n) % STORES}`,
  })),
})

const sluice = await startSluice({ storeUrl: store.url, config: config(0) })
try {
  // The first ones load and compile what the others have.
  for (let n = 1; n <= 3; n++) await reload(sluice, n)
  const rounds = []
  for (let n = 4; n < 4 + Number(args.reloads); n++) rounds.push(await reload(sluice, n))
  say(
    'seconds',
    rounds.map(({ seconds }) => seconds),
  )
  say(
    'event loop delay',
    rounds.map(({ delay }) => delay),
  )
} finally {
  await sluice.end('SIGKILL')
  await store[Symbol.asyncDispose]()
}

async function reload({ url, metricsUrl, configure }: Sluice, n: number) {
  configure(config(n))
  // What it has measured so far is forgotten when it is asked for.
  await delayOf(metricsUrl)
  const started = performance.now()
  const { status, body } = await request(new URL('/-/reload', url))
  const seconds = (performance.now() - started) / 1000
  if (status !== 200) throw new Error(body)
  return { seconds, delay: await delayOf(metricsUrl) }
}

/** The largest since it was asked for the last time; the clock that measures it ticks every 10 ms. */
async function delayOf(metricsUrl: URL): Promise<number> {
  const { body } = await request(metricsUrl, { method: 'GET' })
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(body)?.[1])
}

function say(what: string, seconds: readonly number[]): void {
  const sorted = seconds.toSorted((a, b) => a - b)
  const at = (part: number) =>
    `${Math.round((sorted[Math.floor(part * (sorted.length - 1))] ?? 0) * 1000)} ms`
  const figures = `median ${at(0.5)}, 90 % ${at(0.9)}, largest ${at(1)}`
  process.stdout.write(`${ROUTES} routes, ${seconds.length} reloads, ${what}: ${figures}\n`)
}
