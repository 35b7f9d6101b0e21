/**
 * Any interleaving of pushes, answers, call-offs and time: the accounts of the egress stay exact and end at zero, every
 * share ends once, and nobody's data travels with, or is taken for, somebody else's.
 */
import { setImmediate as turn } from 'node:timers/promises'
import fc, { type Scheduler } from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { createDeliver } from '../../src/lanes/deliver.ts'
import { Lane } from '../../src/lanes/lane.ts'
import { Memo } from '../../src/lanes/memo.ts'
import { Quarantine } from '../../src/lanes/quarantine.ts'
import type { Destination, PushContext, QueuedShare } from '../../src/lanes/shipment.ts'
import type { Reply as StoreReply, StoreRequest, Trip } from '../../src/protocol.ts'
import { WriteDialect } from '../../src/remote-write/dialect.ts'
import { createEngine } from '../../src/remote-write/engine.ts'
import type { Protocol, SplitShare } from '../../src/remote-write/split.ts'
import { writtenHeaders } from '../../src/remote-write/written.ts'
import { cancelledVerdict, NOTHING, type Verdict, verdictOf } from '../../src/share/verdict.ts'
import type { UpstreamConfig } from '../../src/upstream/section.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { decodeMessage, unsnappy } from '../support/decode.ts'
import { message, series } from '../support/messages.ts'
import { context, share } from '../support/shares.ts'
import { REFERENCE } from '../support/upstream-stage.ts'

/** What the store does with a request. */
type Reply =
  | 204
  /** Stores all but one of the series, and says so where it counts. */
  | 'a part'
  | 400
  | 401
  | 413
  | 429
  | 500
  | 503
  | 'connect'
  | 'broken'
  | 'broken after it was stored'
  | 'timeout'

/** What the store makes of 2.0. */
type Kind =
  | 'knows 2.0'
  | 'answers 415'
  | 'answers 400'
  | 'ignores the type'
  | 'takes 2.0 alone and does not count'

interface Push {
  readonly tenants: readonly string[]
  readonly series: number
  /** How many of its tries are called off at some time. */
  readonly callOffs: number
}

interface From {
  readonly replica: string
  readonly credentials: string
  readonly protocol: Protocol
  readonly pushes: readonly Push[]
}

interface Script {
  readonly yaml: string
  readonly from: readonly From[]
  /** What the store is at first, and after so many requests. */
  readonly kinds: readonly [Kind, number, Kind]
  /** Of its requests, in their order; after that everything is stored. */
  readonly replies: readonly Reply[]
  readonly ticks: readonly number[]
  /** How many things happen in one turn of the event loop, at whose end lanes depart. */
  readonly perTurn: number
}

const reply = fc.constantFrom<Reply[]>(
  ...([204, 204, 'a part', 400, 401, 413, 429, 500, 503] as const),
  ...(['connect', 'broken', 'broken after it was stored', 'timeout'] as const),
)
const push = fc.record<Push>({
  // Mostly of one tenant, so that shares meet.
  tenants: fc.oneof(fc.constant(['a']), fc.constant(['a']), fc.subarray(['a', 'b', 'c'], { minLength: 1 })),
  series: fc.integer({ min: 1, max: 3 }),
  callOffs: fc.nat(2),
})
const pushes = fc.array(push, { minLength: 1, maxLength: 3 })
/** All alike, so that their shares merge, or not. */
const from = fc.oneof(
  fc
    .tuple(pushes, fc.constantFrom<Protocol[]>('1.0', '2.0'))
    .map(([list, protocol]): From => ({ replica: '', credentials: '', protocol, pushes: list })),
  fc.record<From>({
    replica: fc.constantFrom('', 'A', 'B'),
    credentials: fc.constantFrom('', 'x'),
    protocol: fc.constantFrom('1.0', '2.0'),
    pushes,
  }),
)
const yaml = fc
  .record({
    conns: fc.integer({ min: 1, max: 4 }),
    percent: fc.constantFrom(25, 100),
    concurrency: fc.integer({ min: 1, max: 3 }),
    batch: fc.constantFrom(1, 3, 10_000),
    linger: fc.constantFrom('0s', '20ms'),
    failures: fc.constantFrom(0, 1, 3),
    reprobe: fc.constantFrom('1s', '1h'),
  })
  .map(
    ({ conns, percent, concurrency, batch, linger, failures, reprobe }) => `
target: http://store/push
max_conns_per_host: ${conns}
lanes: { concurrency: ${concurrency}, max_batch_series: ${batch}, linger: ${linger}, max_connections_percent: ${percent} }
breaker: { failures: ${failures}, cooldown: 100ms }
memo: { ttl: 24h }
egress: { protocol_reprobe: ${reprobe} }
`,
  )
const kind = fc.constantFrom<Kind[]>(
  ...(['knows 2.0', 'answers 415', 'answers 400', 'ignores the type'] as const),
  'takes 2.0 alone and does not count',
)
const script = fc.record<Script>({
  yaml,
  from: fc.array(from, { minLength: 1, maxLength: 8 }),
  kinds: fc.tuple(kind, fc.nat(20), kind),
  replies: fc.array(reply, { maxLength: 30 }),
  ticks: fc.array(fc.constantFrom(1, 60, 1000, 30_000), { maxLength: 10 }),
  perTurn: fc.integer({ min: 1, max: 4 }),
})

const PUSH_DEADLINE_MS = 25_000
const SENDER_BACKOFF_MS = 100
const engine = { ...REFERENCE, mergeRequests: createEngine('wasm').mergeRequests }
/** Rounds in which nothing happens but time; far more than the longest script needs. */
const MOST_IDLE_ROUNDS = 2000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** What is known of one share of the script, over all tries of its push. */
interface Known {
  readonly sender: number
  /** Of its push, among those of its sender. */
  readonly turn: number
  readonly tenant: string
  readonly from: From
  readonly stored: Set<number>
  readonly series: number
  /** Whether the store rejected a request that held nothing else. */
  rejectedAlone: boolean
}

async function play(s: Scheduler, played: Script): Promise<void> {
  const { yaml: text, from: senders, kinds, replies, ticks, perTurn } = played
  const { config } = loadConfig({ file: { name: 'test.yaml', text }, env: {} })
  const shares: Known[] = []
  const active = new Set<readonly Known[]>()
  /** Those of 2.0 that left while the store was unproven. */
  const probes = new Set<readonly Known[]>()
  const tracked: QueuedShare[] = []
  const bugs: unknown[] = []
  let requests = 0

  const check = () => {
    const queued = tracked.filter(one => one.live && one.carrier instanceof Lane)
    const { lanes, slots } = upstream
    expect(lanes.queuedShares).toBe(queued.length)
    expect(lanes.queuedBytes).toBe(queued.reduce((sum, one) => sum + one.share.decodedBytes, 0))
    expect(slots.taken).toBeLessThanOrEqual(slots.limits.max)
    expect(active.size).toBeLessThanOrEqual(slots.taken)
    expect(active.size).toBeLessThanOrEqual(lanes.inFlight)
    for (const tenant of ['a', 'b', 'c']) {
      const held = [...active].filter(([first]) => first?.tenant === tenant).length
      expect(held).toBeLessThanOrEqual(Math.min(config.lanes.concurrency, slots.limits.maxPerLane))
    }
  }

  const begins = (tenant: string, protocol: Protocol, { headers }: Trip, carried: readonly Known[]) => {
    if (protocol === '2.0' && upstream.dialect.store.known === undefined) probes.add(carried)
    expect(probes.size).toBeLessThanOrEqual(1)
    const first = carried[0] as Known
    for (const one of carried) {
      expect(one.tenant).toBe(tenant)
      expect(one.from.replica).toBe(first.from.replica)
      expect(one.from.credentials).toBe(headers.authorization ?? '')
      expect(one.from.protocol).toBe(first.from.protocol)
      // In order: nothing earlier of this sender is still under way, and nothing later has gone.
      for (const other of [...active].flat())
        expect(other.sender === one.sender && other.tenant === one.tenant).toBe(false)
      for (const other of shares)
        if (other.sender === one.sender && other.tenant === one.tenant && other.turn > one.turn)
          expect(other.stored.size).toBe(0)
    }
  }

  async function attempt(tenant: string, request: StoreRequest, trip: Trip): Promise<StoreReply> {
    const { cancellation } = trip
    if (cancellation.cancelled) return { verdict: cancelledVerdict(cancellation.reason), headers: {} }
    const protocol = request.content.some(text => text.includes('v2.Request')) ? '2.0' : '1.0'
    const held = decodeMessage(protocol, unsnappy(request.body)).series.map(({ labels }) => {
      const [, id, index] = /^#(\d+)\.(\d+)#$/.exec(String(labels[0]?.[1])) as RegExpExecArray
      return { of: shares[Number(id)] as Known, index: Number(index) }
    })
    const carried = [...new Set(held.map(({ of }) => of))]
    begins(tenant, protocol, trip, carried)
    active.add(carried)
    check()
    const [before, change, after] = kinds
    const kind = requests < change ? before : after
    const does = replies[requests++] ?? 204
    const aborted = new Promise<Verdict>(resolve => {
      cancellation.listen(() => resolve(cancelledVerdict(cancellation.reason)))
    })
    let headers: StoreReply['headers'] = {}
    const answered = s.schedule(Promise.resolve(does), `${tenant}: ${does}`).then(() => {
      const { said, stores, counts } = answerOf(does, kind, protocol, carried)
      const kept = held.slice(0, { all: held.length, part: held.length - 1, none: 0 }[stores])
      for (const { of, index } of kept) of.stored.add(index)
      if (counts) headers = writtenHeaders({ samples: kept.length, histograms: 0, exemplars: 0 })
      return verdictFor(said)
    })
    const verdict = await Promise.race([aborted, answered])
    const only = carried[0] as Known
    if (verdict.kind === 'rejected' && carried.length === 1) only.rejectedAlone = true
    active.delete(carried)
    probes.delete(carried)
    cancellation.listen(undefined)
    return { verdict, headers }
  }

  const section = config.upstreams[0] as UpstreamConfig
  const memo = new Memo(config.memo, Date.now)
  const upstream = new Upstream({
    name: 'default',
    id: 'default',
    policy: {
      lanes: { ...section.lanes, maxBatchEntries: section.lanes.maxBatchSeries },
      retry: section.retry,
      breaker: section.breaker,
      maxConnections: section.maxConnsPerHost,
      maxConnectionsPercent: section.lanes.maxConnectionsPercent,
      shedAfterMs: () => undefined,
    },
    store: {
      lane: tenant => (request, trip) => attempt(tenant, request, trip),
      [Symbol.asyncDispose]: async () => {},
    },
    dialect: new WriteDialect({
      policy: { ...section, maxOutputBytes: config.limits.maxSplitOutputBytes },
      engine,
      events: { happened() {}, lost() {} },
      now: Date.now,
    }),
    events: { attempted() {}, happened() {}, broke: error => bugs.push(error) },
    refused: limit => bugs.push(limit),
    now: Date.now,
    random: () => 0.5,
  })
  const destination: Destination = {
    name: 'default',
    id: 'default',
    push(queued) {
      tracked.push(queued)
      upstream.push(queued)
      check()
    },
  }
  const deliver = createDeliver({ now: Date.now })

  /** Sends one push as often as a Prometheus would: until each share is stored or rejected. */
  async function send(
    push: Push,
    ofPush: readonly SplitShare[],
    known: readonly Known[],
    common: PushContext,
  ) {
    const body = new TextEncoder().encode(`push ${shares.indexOf(known[0] as Known)}`)
    for (let tries = 0; ; tries++) {
      await s.schedule(Promise.resolve(), `push ${known[0]?.sender}.${known[0]?.turn}`)
      const gone = new AbortController()
      if (tries < push.callOffs)
        void s.schedule(Promise.resolve(), 'call off').then(() => gone.abort(new Error('gone')))
      const earlier = memo.recall(body, '')
      const deadline = Date.now() + PUSH_DEADLINE_MS
      const { deliveries, sent } = await deliver(
        { shares: ofPush, destinations: ofPush.map(() => destination) },
        { ...common, deadline },
        earlier,
        gone.signal,
      )
      check()

      expect(deliveries.map(delivery => delivery.share)).toEqual(ofPush)
      for (const [index, { verdict }] of deliveries.entries()) {
        const one = known[index] as Known
        if (verdict.written === 'all') expect(one.stored.size).toBe(one.series)
        else expect(verdict.written.samples ?? 0).toBeLessThanOrEqual(one.stored.size)
        if (one.from.protocol === '1.0' && verdict.kind === 'delivered') expect(verdict.written).toBe('all')
        if (verdict.kind === 'rejected') expect(one.rejectedAlone || verdict.refusal).toBe(true)
      }
      if (deliveries.every(({ verdict }) => isOver(verdict))) return
      memo.remember(body, '', sent, earlier)
      await new Promise(resolve => setTimeout(resolve, SENDER_BACKOFF_MS))
    }
  }

  async function run(quarantine: Quarantine, index: number): Promise<void> {
    const { replica, credentials, protocol, pushes } = senders[index] as From
    const headers = credentials === '' ? {} : { authorization: credentials }
    const common = context({ identity: { quarantine, mergeKey: credentials }, headers })
    for (const [turn, push] of pushes.entries()) {
      const known = push.tenants.map(tenant => {
        const one = { sender: index, turn, tenant, from: senders[index] as From, series: push.series }
        shares.push({ ...one, stored: new Set(), rejectedAlone: false })
        return shares.at(-1) as Known
      })
      const ofPush = known.map(one => {
        const id = shares.indexOf(one)
        const list = Array.from({ length: push.series }, (_, i) => series({ __name__: `#${id}.${i}#` }))
        const made = share(one.tenant, message(protocol, list), {
          protocol,
          ha: [replica],
          series: push.series,
          samples: push.series,
        })
        return made
      })
      await send(push, ofPush, known, common)
    }
  }

  let running = true
  const ends = Promise.all(senders.map((_, index) => run(new Quarantine(), index))).finally(() => {
    running = false
  })
  ends.catch(() => {})
  for (const ms of ticks)
    void s.schedule(Promise.resolve(), `${ms} ms`).then(() => vi.advanceTimersByTime(ms))
  /** Until nothing is left to happen but time. */
  const settle = async () => {
    for (let steps = 1; s.count() > 0; steps++) {
      await s.waitNext(1)
      if (steps % perTurn === 0 || s.count() === 0) await turn()
    }
  }
  for (let rounds = 0; running; rounds++) {
    if (rounds > MOST_IDLE_ROUNDS) throw new Error('a push never ends')
    await settle()
    vi.advanceTimersByTime(SENDER_BACKOFF_MS)
    await turn()
  }
  await ends
  // What travelled on for nobody ends, too.
  await settle()

  expect(bugs).toEqual([])
  expect([...active]).toEqual([])
  expect(tracked.filter(queued => queued.live)).toEqual([])
  const late = tracked.flatMap(queued => queued.late ?? [])
  expect(await Promise.race([Promise.all(late), turn('never')])).not.toBe('never')
  const { lanes, slots, dialect } = upstream
  expect([lanes.queuedShares, lanes.queuedBytes, lanes.inFlight]).toEqual([0, 0, 0])
  expect([slots.taken, slots.waiting, dialect.store.waiting]).toEqual([0, 0, 0])
  await upstream[Symbol.asyncDispose]()
}

/** Whether a sender has no reason to send it again; a refusal by our configuration is taken for `on_upstream_refusal: retry`. */
const isOver = (verdict: Verdict) =>
  verdict.kind === 'delivered' || (verdict.kind === 'rejected' && !verdict.refusal)

/** What a store of that kind says to such a request, and how much of it it stores. */
function answerOf(
  does: Reply,
  kind: Kind,
  protocol: Protocol,
  carried: readonly Known[],
): { said: Exclude<Reply, 'a part'> | 415; stores: 'all' | 'part' | 'none'; counts: boolean } {
  if (does !== 204 && does !== 'a part') {
    const understands = protocol === '1.0' || kind === 'knows 2.0'
    const stores = does === 'broken after it was stored' && understands ? 'all' : 'none'
    return { said: does, stores, counts: false }
  }
  if (protocol === '1.0') {
    // What a sender of 1.0 has could go nowhere, and would be sent for ever.
    const refuses = kind === 'takes 2.0 alone and does not count' && carried[0]?.from.protocol === '2.0'
    return { said: refuses ? 415 : 204, stores: refuses ? 'none' : 'all', counts: false }
  }
  if (kind === 'knows 2.0') return { said: 204, stores: does === 204 ? 'all' : 'part', counts: true }
  if (kind === 'answers 415') return { said: 415, stores: 'none', counts: false }
  if (kind === 'answers 400') return { said: 400, stores: 'none', counts: false }
  return { said: 204, stores: kind === 'ignores the type' ? 'none' : 'all', counts: false }
}

function verdictFor(does: Exclude<Reply, 'a part'> | 415): Verdict {
  if (typeof does === 'number') return verdictOf(does, '', does === 429 ? 1000 : undefined)
  const cause = does === 'connect' || does === 'timeout' ? does : 'connection'
  return { kind: 'unreachable', status: 0, reason: does, retryAfterMs: undefined, cause, written: NOTHING }
}

test('whatever happens in whatever order, accounts are exact and shares end as the store says', async () => {
  await fc.assert(fc.asyncProperty(fc.scheduler(), script, play), { numRuns: 300 })
}, 120_000)
