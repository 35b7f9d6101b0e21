/** A second protocol through all of the pipeline: what lies between head and answer takes any, and several at once. */
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Identity } from '../../../src/auth/identity.ts'
import { NOBODY } from '../../../src/auth/principal.ts'
import { createDeliver } from '../../../src/lanes/deliver.ts'
import type { LaneEvent } from '../../../src/lanes/lane.ts'
import { Memo } from '../../../src/lanes/memo.ts'
import { Quarantine } from '../../../src/lanes/quarantine.ts'
import { Account } from '../../../src/limits/accounts.ts'
import type { Codec, Dialect, Head } from '../../../src/protocol.ts'
import { createPipeline, type PushReport } from '../../../src/push/pipeline.ts'
import { RemoteWrite } from '../../../src/remote-write/codec.ts'
import { WriteDialect } from '../../../src/remote-write/dialect.ts'
import { createSplitter } from '../../../src/remote-write/splitter.ts'
import { Secret } from '../../../src/schema/secret.ts'
import type { Answer } from '../../../src/share/answer.ts'
import { Metrics } from '../../../src/telemetry/metrics.ts'
import { BasicCredentials } from '../../../src/upstream/credentials.ts'
import { Upstream, type UpstreamPolicy } from '../../../src/upstream/upstream.ts'
import { eventually } from '../../support/eventually.ts'
import { held } from '../../support/held.ts'
import { rules } from '../../support/messages.ts'
import { answerWith, type Receiver, type Respond, startReceiver } from '../../support/receiver.ts'
import { decodePush, PUSH_HEADERS } from '../../support/remote-write.ts'
import { bodyOf } from '../../support/stage.ts'
import { storeAt } from '../../support/store.ts'
import {
  LINES_WRITTEN,
  linesOf,
  TOY_CONTENT,
  ToyCodec,
  ToyDialect,
  toyPush,
} from '../../support/toy-codec.ts'

const MIB = 2 ** 20

const POLICY: UpstreamPolicy = {
  lanes: {
    ...{ max: 100, maxNewPerSecond: 100, idleMs: 60_000, concurrency: 4, lingerMs: 0 },
    ...{ maxBatchBytes: MIB, maxBatchEntries: 10_000, maxQueuedBytes: MIB },
  },
  retry: { maxAttempts: 1, minBackoffMs: 1, maxBackoffMs: 1 },
  breaker: { failures: 100, cooldownMs: 1000 },
  maxConnections: 8,
  maxConnectionsPercent: 50,
  shedAfterMs: () => undefined,
}

/** What all pushes of a process share, whatever they are messages of. */
class Process implements AsyncDisposable {
  readonly account = new Account({ maxPushes: 100, maxBytes: 16 * MIB })
  readonly memo = new Memo({ ttlMs: 10_000, maxBytes: MIB }, () => performance.now())
  readonly reports: PushReport[] = []
  readonly events: LaneEvent[] = []
  readonly registry = new Registry()
  readonly metrics = new Metrics({
    registry: this.registry,
    version: '0',
    includeTenant: true,
    maxTenants: 10,
  })
  readonly #parts = new AsyncDisposableStack()
  readonly #pipeline = createPipeline({
    account: this.account,
    deliver: createDeliver({ now: () => performance.now() }),
    memo: this.memo,
    report: report => {
      this.reports.push(report)
      this.metrics.pushed(report)
    },
  })

  /** A store, and the upstream before it. */
  async open<D extends Dialect>(name: string, dialect: D, password: string) {
    const store = this.#parts.use(await startReceiver())
    const upstream = new Upstream({
      name,
      id: name,
      policy: POLICY,
      store: storeAt(store.url, { credentials: new BasicCredentials(name, new Secret(password)) }),
      dialect,
      events: {
        attempted: () => {},
        happened: event => this.events.push(event),
        broke: error => {
          throw error
        },
      },
      refused: () => {},
    })
    this.#parts.use(upstream)
    this.#parts.use(this.metrics.gauges.offer(upstream.gauges, { upstream: name }))
    return { store, upstream }
  }

  /** How pushes come in that are messages of this codec, and go to that upstream. */
  way<R, M extends Head>(codec: Codec<R, M>, chosen: R, upstream: Upstream) {
    const door = this.#pipeline({
      codec,
      rules: chosen,
      scope: '',
      policy: {
        ...({ on429: 'pass', onUpstreamRefusal: 'pass', acceptAll: false } as const),
        ...{ retryAfterMaxMs: 30_000, maxBodyBytes: MIB, deadlineMs: 10_000 },
      },
      destinationOf: () => tenant => (tenant === 'nowhere' ? undefined : upstream),
    })
    return async (
      headers: Readonly<Record<string, string>>,
      bytes: Uint8Array,
      cancelled = new AbortController().signal,
    ): Promise<Answer> => {
      const enter = door(headers)
      if (enter instanceof Error) throw enter
      const body = new Uint8Array(bytes)
      return enter({
        identity: new Identity({
          ...{ principal: NOBODY, address: '127.0.0.1', route: '/push', prefix: undefined, forwarded: '' },
          quarantine: new Quarantine(),
        }),
        contentLength: body.length,
        read: async () => body,
        prefix: undefined,
        headers: {},
        cancelled,
      })
    }
  }

  async [Symbol.asyncDispose]() {
    await this.#parts.disposeAsync()
  }
}

/** What a store of lines got, a request each: `tenant: line line`. */
function stored({ received }: Receiver): readonly string[] {
  return received.map(({ headers, body }) => `${headers['x-scope-orgid']}: ${linesOf(body).join(' ')}`)
}

/** Answers by what is in a request. */
function answerBy(respond: (lines: readonly string[], tenant: string) => Respond): Respond {
  return (received, response, request) =>
    respond(linesOf(received.body), String(received.headers['x-scope-orgid']))(received, response, request)
}

let toys: Process
let codec: ToyCodec
let dialect: ToyDialect
let store: Receiver
let send: (list: readonly string[], cancelled?: AbortSignal) => Promise<Answer>
beforeEach(async () => {
  toys = new Process()
  codec = new ToyCodec()
  dialect = new ToyDialect()
  const opened = await toys.open('toy', dialect, 'toy-secret')
  store = opened.store
  const push = toys.way(codec, { maxLines: 100 }, opened.upstream)
  send = (list, cancelled) => push({ 'content-type': TOY_CONTENT }, toyPush(list), cancelled)
})
afterEach(async () => {
  expect(toys.account).toMatchObject({ pushes: 0, bytes: 0 })
  await toys[Symbol.asyncDispose]()
})

const lines = (answer: Answer) => answer.headers[LINES_WRITTEN]

describe('a push of lines', () => {
  test('is split by tenant, and answered with a header of its own', async () => {
    const answer = await send(['a/1', 'b/2', 'a/3'])
    expect(answer).toMatchObject({ status: 204, headers: { [LINES_WRITTEN]: '3' } })
    expect(stored(store).toSorted()).toEqual(['a: 1 3', 'b: 2'])
    expect(store.received[0]?.headers).toMatchObject({ 'content-type': TOY_CONTENT })
    expect(codec.settled).toEqual([2])
    expect(toys.reports[0]).toMatchObject({ protocol: 'lines', error: undefined })
    const text = await toys.registry.metrics()
    expect(text).toContain('sluice_pushes_total{protocol="lines",status="204"} 1')
    expect(text).toContain('sluice_toy_requests{upstream="toy"} 2')
    expect(text).toContain('sluice_lanes{upstream="toy"} 2')
  })

  test('that is none is refused at its head, or at its body, in its own words', async () => {
    const push = toys.way(codec, { maxLines: 1 }, (await toys.open('other', dialect, '')).upstream)
    await expect(push(PUSH_HEADERS['1.0'], toyPush(['a/1']))).rejects.toThrow('is not text/plain')
    const noLines = await push({ 'content-type': TOY_CONTENT }, Buffer.from('[]'))
    expect(noLines).toMatchObject({ status: 400, headers: { [LINES_WRITTEN]: '0' } })
    expect(noLines.body).toContain('a line is no JSON with tenant and line')
    expect((await push({ 'content-type': TOY_CONTENT }, toyPush(['a/1', 'a/2']))).body).toContain('2 lines')
  })

  test('has lines refused that belong to nobody, or to no store, and the rest goes on', async () => {
    const answer = await send(['a/1', '../2', 'nowhere/3', 'nowhere/4'])
    expect([answer.status, lines(answer)]).toEqual([400, '1'])
    expect(answer.body).toContain(
      '3 lines refused: 1 with an invalid tenant (".."), 2 of tenants that no route leads to a store ("nowhere")',
    )
    expect(stored(store)).toEqual(['a: 1'])
    const text = await toys.registry.metrics()
    for (const [reason, count] of [
      ['invalid_tenant', 1],
      ['no_route', 2],
    ]) {
      expect(text).toContain(`sluice_refused_series_total{reason="${reason}",policy="reject"} ${count}`)
    }
  })

  test('leaves in one request with others that came while one was under way', async () => {
    const { respond, release, waiting } = held()
    store.respond = respond
    const first = send(['a/1'])
    await eventually(() => waiting.length === 1)
    const others = [send(['a/2']), send(['a/3', 'a/4']), send(['b/5'])]
    await eventually(() => waiting.length === 2)
    store.respond = answerWith(204)
    release()
    expect((await first).status).toBe(204)
    expect((await Promise.all(others)).map(lines)).toEqual(['1', '2', '1'])
    expect(stored(store)).toEqual(['a: 1', 'b: 5', 'a: 2 3 4'])
  })

  test('that was rejected with others goes again by itself, and only the bad one is told', async () => {
    const { respond, release, waiting } = held()
    store.respond = respond
    const first = send(['a/1'])
    await eventually(() => waiting.length === 1)
    const [good, bad] = [send(['a/good']), send(['a/bad', 'b/2'])]
    await eventually(() => waiting.length === 2)
    store.respond = answerBy(got => answerWith(got.includes('bad') ? 400 : 204, 'no bad lines'))
    release()
    await first
    expect(await good).toMatchObject({ status: 204, headers: { [LINES_WRITTEN]: '1' } })
    const told = await bad
    expect([told.status, lines(told)]).toEqual([400, '1'])
    expect(told.body).toBe('tenant a: 1 lines rejected with 400: no bad lines\n1 of 2 tenants delivered\n')
    expect(stored(store).filter(it => it.startsWith('a'))).toEqual([
      'a: 1',
      'a: good bad',
      'a: good',
      'a: bad',
    ])
    expect(toys.events).toContain('batch_split')
  })

  test('goes again by itself where the store wrote a part of a request and nobody knows whose', async () => {
    const { respond, release, waiting } = held()
    store.respond = respond
    const first = send(['a/1'])
    await eventually(() => waiting.length === 1)
    const [whole, partly] = [send(['a/2']), send(['a/3', 'a/old'])]
    await eventually(() => toys.account.pushes === 3)
    store.respond = answerBy(got =>
      answerWith(204, '', { [LINES_WRITTEN]: String(got.filter(line => line !== 'old').length) }),
    )
    release()
    await first
    expect([lines(await whole), lines(await partly)]).toEqual(['1', '1'])
    expect(stored(store)).toEqual(['a: 1', 'a: 2 3 old', 'a: 2', 'a: 3 old'])
    expect(toys.events).toContain('written_differs')
  })

  test('that is too large for the store goes in halves', async () => {
    store.respond = answerBy(got => answerWith(got.length > 2 ? 413 : 204))
    const answer = await send(['a/1', 'a/2', 'a/3', 'a/4', 'a/5'])
    expect([answer.status, lines(answer)]).toEqual([204, '5'])
    expect(stored(store)).toEqual(['a: 1 2 3 4 5', 'a: 1 2 3', 'a: 1 2', 'a: 3', 'a: 4 5'])
  })

  test('of which one line is too large by itself has the others written', async () => {
    store.respond = answerBy(got => answerWith(got.includes('huge') ? 413 : 204, 'too large'))
    const answer = await send(['a/1', 'a/huge', 'a/3'])
    expect([answer.status, lines(answer)]).toEqual([400, '2'])
    expect(answer.body).toContain('tenant a: 3 lines rejected with 413: too large')
  })

  test('that is throttled is told when to come again', async () => {
    store.respond = answerBy((_, tenant) =>
      tenant === 'b' ? answerWith(429, 'slow down', { 'retry-after': '7' }) : answerWith(204),
    )
    const answer = await send(['a/1', 'b/2', 'b/3'])
    expect([answer.status, lines(answer)]).toEqual([429, '1'])
    expect(answer.retryAfterSeconds).toBeGreaterThanOrEqual(7)
    expect(answer.body).toContain('tenant b: 2 lines throttled with 429: slow down')
    expect(toys.events).toContain('limit_halved')
  })

  test('that failed in part is remembered, and its resend reaches only who misses it', async () => {
    store.respond = answerBy((_, tenant) => answerWith(tenant === 'b' ? 503 : 204))
    const first = await send(['a/1', 'b/2', 'c/3'])
    expect([first.status, lines(first)]).toEqual([503, '2'])
    store.respond = answerWith(204)
    store.received.length = 0
    const again = await send(['a/1', 'b/2', 'c/3'])
    expect([again.status, lines(again)]).toEqual([204, '3'])
    expect(stored(store)).toEqual(['b: 2'])
    expect(toys.reports[1]?.deliveries.map(({ remembered }) => remembered)).toEqual([true, false, true])
  })

  test('that nobody waits for is called off', async () => {
    store.respond = () => {}
    const cancel = new AbortController()
    const answer = send(['a/1'], cancel.signal)
    await eventually(() => store.received.length === 1)
    cancel.abort(new Error('the sender is gone'))
    expect(lines(await answer)).toBe('0')
  })
})

describe('two protocols in one process', () => {
  test('each have their stores, credentials and words, for tenants of the same names', async () => {
    const splitter = createSplitter({ threads: 0, engine: 'wasm' })
    const writes = await toys.open(
      'metrics',
      new WriteDialect({
        policy: {
          ...({
            protocol: 'auto',
            protocolReprobeMs: 0,
            writtenHeaders: 'expected',
            compression: 'fast',
          } as const),
          ...{ timeoutMs: 5000, maxOutputBytes: MIB },
        },
        engine: splitter,
        events: { happened: () => {}, lost: () => {} },
        now: () => performance.now(),
      }),
      'metrics-secret',
    )
    const { dialect: writing } = writes.upstream
    const push = toys.way(
      new RemoteWrite({
        splitter,
        metadata: { asks: () => 'none', route: (_, { shares }) => ({ shares, settle: undefined }) },
        events: toys.metrics,
      }),
      {
        encodings: ['snappy'],
        split: rules(),
        dialects: [writing],
        storeOf: () => ({ id: 'a', dialect: writing }),
      },
      writes.upstream,
    )
    // The store of series is down, and that of lines is not: what is known of one is held against no other.
    writes.store.respond = answerWith(503, 'down')
    const series = bodyOf([{ tenant: 'a', __name__: 'up' }, { tenant: 'b' }])
    const failed = push(PUSH_HEADERS['1.0'], series)
    const [ofSeries, ofLines] = await Promise.all([failed, send(['a/1', 'b/2'])])
    expect(ofSeries).toMatchObject({ status: 503, headers: {} })
    expect(ofSeries.body).toContain('tenant a: 1 series unreachable with 503: down')
    expect([ofLines.status, lines(ofLines)]).toEqual([204, '2'])

    writes.store.respond = answerWith(204)
    expect(await push(PUSH_HEADERS['1.0'], series)).toMatchObject({ status: 204, headers: {} })

    expect(stored(store).toSorted()).toEqual(['a: 1', 'b: 2'])
    expect(decodePush(writes.store.received[0]!.body, '1.0')).toHaveLength(1)
    const secrets = ({ received }: Receiver) =>
      new Set(
        received.map(({ headers }) => Buffer.from(headers.authorization!.slice(6), 'base64').toString()),
      )
    expect(secrets(store)).toEqual(new Set(['toy:toy-secret']))
    expect(secrets(writes.store)).toEqual(new Set(['metrics:metrics-secret']))
    const text = await toys.registry.metrics()
    expect(text).toContain('sluice_pushes_total{protocol="lines",status="204"} 1')
    expect(text).toContain('sluice_pushes_total{protocol="1.0",status="503"} 1')
    expect(text).toContain('sluice_lanes{upstream="toy"} 2')
    expect(text).toContain('sluice_lanes{upstream="metrics"} 2')
    await splitter.close()
  })
})
