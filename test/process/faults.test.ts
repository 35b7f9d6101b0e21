import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fault, FaultProxy } from '../support/fault-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { busyGauges } from '../support/gauges.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { encodePush, PUSH_HEADERS } from '../support/remote-write.ts'
import { type Splitter, startSluice } from '../support/splitter.ts'

type Verdict = 'delivered' | 'rejected' | 'throttled' | 'unreachable'

/** What happens to a tenant's requests, how its share then ends, and whether the store has it all the same. */
const TROUBLES: Readonly<Record<string, { fault: Fault; verdict: Verdict; stored: boolean }>> = {
  pass: { fault: { kind: 'pass' }, verdict: 'delivered', stored: true },
  delay: { fault: { kind: 'delay', ms: 50, jitterMs: 50 }, verdict: 'delivered', stored: true },
  slowly: { fault: { kind: 'slow-reader', bytesPerSecond: 5_000 }, verdict: 'delivered', stored: true },
  closing: { fault: { kind: 'answer-then-close' }, verdict: 'delivered', stored: true },
  s400: { fault: { kind: 'answer', status: 400, body: 'bad' }, verdict: 'rejected', stored: false },
  s429: { fault: { kind: 'answer', status: 429, retryAfter: '1' }, verdict: 'throttled', stored: false },
  s503: { fault: { kind: 'answer', status: 503, retryAfter: '1' }, verdict: 'unreachable', stored: false },
  reset: { fault: { kind: 'reset', afterBytes: 100 }, verdict: 'unreachable', stored: false },
  hole: { fault: { kind: 'black-hole' }, verdict: 'unreachable', stored: false },
  half: { fault: { kind: 'half-open' }, verdict: 'unreachable', stored: false },
  stuck: { fault: { kind: 'slow-reader', bytesPerSecond: 20 }, verdict: 'unreachable', stored: false },
  lost: { fault: { kind: 'lose-answer' }, verdict: 'unreachable', stored: true },
  cut: { fault: { kind: 'truncate', afterBytes: 30 }, verdict: 'unreachable', stored: true },
}
/** From the worst: what the sender hears is decided by the worst of its shares. */
const ANSWERS: readonly (readonly [verdict: Verdict, status: number])[] = [
  ['unreachable', 503],
  ['throttled', 429],
  ['rejected', 400],
  ['delivered', 204],
]
const names = Object.keys(TROUBLES)

let store: Receiver
let proxy: FaultProxy
let sluice: Splitter
let metricsPort: number

beforeAll(async () => {
  store = await startReceiver()
  proxy = await FaultProxy.start(store.port)
  proxy.decide = request => TROUBLES[request.header('x-scope-orgid')!.split('-')[0]!]!.fault
  metricsPort = await freePort()
  sluice = await startSluice({
    storeUrl: `http://127.0.0.1:${proxy.port}/push`,
    config: { listen_metrics_address: `127.0.0.1:${metricsPort}`, timeout: '1500ms' },
  })
})

afterAll(async () => {
  expect(await busyGauges(metricsPort)).toEqual([])
  expect(await sluice.end('SIGTERM')).toBe(0)
  await proxy.close()
  await store[Symbol.asyncDispose]()
})

describe('faults between Sluice and the store', () => {
  const pairs = names.flatMap((one, n) => names.slice(n).map(other => [one, other] as const))
  const answers = new Map<string, { readonly status: number; readonly body: string }>()

  // One tenant's fault is nobody else's, so all pairs go at once: each with tenants of its own.
  beforeAll(async () => {
    await Promise.all(
      pairs.map(async ([one, other]) => {
        const response = await push(tenantsOf(one, other))
        answers.set(`${one} ${other}`, { status: response.status, body: await response.text() })
      }),
    )
  })

  test.each(pairs)('%s for one tenant and %s for another: the worst decides', (one, other) => {
    const worst = ANSWERS.find(([verdict]) => [one, other].some(name => TROUBLES[name]!.verdict === verdict))
    expect(answers.get(`${one} ${other}`)).toMatchObject({ status: worst![1] })
    // Once at least where it should be there, and never where it should not.
    const stored = tenantsOf(one, other).map(isStored)
    expect(stored).toEqual([TROUBLES[one]!.stored, TROUBLES[other]!.stored])
  })
})

const tenantsOf = (one: string, other: string) => [`${one}-${one}-${other}-1`, `${other}-${one}-${other}-2`]

function push(tenants: readonly string[]): Promise<Response> {
  const body = encodePush(
    tenants.map(tenant => ({
      labels: [
        ['__name__', 'up'],
        ['instance', 'node-1:9100'],
        ['tenant', tenant],
      ],
      value: 1,
      timestamp: 1_795_000_000_000,
    })),
    '1.0',
  )
  return fetch(sluice.url, { method: 'POST', headers: PUSH_HEADERS['1.0'], body: Buffer.from(body) })
}

const isStored = (tenant: string): boolean =>
  store.received.some(({ headers }) => headers['x-scope-orgid'] === tenant)
