import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Delivered } from '../../../src/lanes/deliver.ts'
import { writtenBy } from '../../../src/remote-write/written.ts'
import { message, type SeriesText, sample, series } from '../../support/messages.ts'
import { protocolOf, type StoreKind, storeThat } from '../../support/protocol-stores.ts'
import { answerWith, type Respond } from '../../support/receiver.ts'
import { decodePush } from '../../support/remote-write.ts'
import { share } from '../../support/shares.ts'
import { startUpstream, type UpstreamStage, type UpstreamStageOptions } from '../../support/upstream-stage.ts'
import { concat, len, varintField } from '../../support/wire.ts'

let stage: UpstreamStage
afterEach(() => stage[Symbol.asyncDispose]())

const TWO = { protocol: '2.0' } as const
const start = async (options: UpstreamStageOptions = {}): Promise<UpstreamStage> => {
  stage = await startUpstream(options)
  return stage
}
const kinds = ({ deliveries }: Delivered) => deliveries.map(({ verdict }) => verdict.kind)
const written = ({ deliveries }: Delivered) => writtenBy(deliveries).samples
const asked = () => stage.store.received.map(({ headers }) => protocolOf(headers['content-type']))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}

/** Holds every request until it is opened. */
function gate(then: Respond): Respond & { open(): void } {
  const held: (() => void)[] = []
  let isOpen = false
  const respond: Respond = (...args) => {
    if (isOpen) then(...args)
    else held.push(() => then(...args))
  }
  return Object.assign(respond, {
    open() {
      isOpen = true
      for (const answer of held.splice(0)) answer()
    },
  })
}

/** Answers in this order, and then as `then` does. */
function first(answers: readonly Respond[], then: Respond): Respond {
  const left = [...answers]
  return (...args) => (left.shift() ?? then)(...args)
}

const LACKING: readonly StoreKind[] = ['answers 415', 'ignores the type', 'answers 400']
const tenants = (count: number) => Array.from({ length: count }, (_, i) => `t${i}/up`)

describe.each(LACKING)('a store that %s', kind => {
  test('gets the same share as 1.0, and 1.0 from then on', async () => {
    const store = storeThat(kind)
    const { push, upstream, events } = await start({ respond: store.respond })
    expect(upstream.dialect.store.output).toBe('same')
    const delivered = await push(['a/1', 'a/2', 'b/3'], TWO)
    expect([kinds(delivered), written(delivered)]).toEqual([['delivered', 'delivered'], 3])
    expect(store.stored.sort()).toEqual(['1.0 a: 1 2', '1.0 b: 3'])
    expect(store.asked).toEqual(['2.0', '1.0', '1.0'])
    expect([upstream.dialect.store.known, upstream.dialect.store.output]).toEqual(['1.0', '1.0'])
    // One made as 2.0 before that was known.
    expect(written(await push(['c/4'], TWO))).toBe(1)
    expect(store.asked.slice(3)).toEqual(['1.0'])
    const happened = (event: string) => events.filter(it => it === event).length
    expect([happened('fell_back'), happened('converted'), happened('turn_awaited')]).toEqual([1, 3, 1])
  })

  test('gets it with our headers of 1.0, and the sender’s', async () => {
    const { push, store } = await start({ respond: storeThat(kind).respond })
    await push(['a/1'], { ...TWO, headers: { 'retry-attempt': '2', 'user-agent': 'x' } })
    expect(store.received.map(({ headers }) => headers)).toMatchObject([
      {
        'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
        'x-prometheus-remote-write-version': '2.0.0',
        'retry-attempt': '2',
        'user-agent': 'x',
      },
      {
        'content-type': 'application/x-protobuf',
        'x-prometheus-remote-write-version': '0.1.0',
        'retry-attempt': '2',
        'user-agent': 'x',
        'x-scope-orgid': 'a',
      },
    ])
  })

  test('is asked once, whoever waits', async () => {
    const store = storeThat(kind)
    const respond = gate(store.respond)
    const { push, upstream } = await start({ respond })
    const pushed = push(tenants(20), TWO)
    await until(() => upstream.dialect.store.waiting === 19 && stage.store.received.length > 0)
    expect([stage.store.received.length, upstream.slots.taken]).toEqual([1, 1])
    respond.open()
    const delivered = await pushed
    expect([kinds(delivered), written(delivered)]).toEqual([Array(20).fill('delivered'), 20])
    expect(store.asked.filter(protocol => protocol === '2.0')).toHaveLength(1)
    expect(store.stored.sort()).toEqual(
      tenants(20)
        .map(it => `1.0 ${it.replace('/', ': ')}`)
        .sort(),
    )
    expect([upstream.dialect.store.waiting, upstream.slots.taken]).toEqual([0, 0])
  })

  test('gets a merged batch again as one', async () => {
    const store = storeThat(kind)
    const respond = gate(first([answerWith(500)], store.respond))
    const { push } = await start({ respond })
    const failed = push(['a/0'], TWO)
    await until(() => stage.store.received.length === 1)
    const pushes = ['1', '2', '3'].map(name => push([`a/${name}`], TWO))
    respond.open()
    expect(kinds(await failed)).toEqual(['unreachable'])
    expect((await Promise.all(pushes)).map(written)).toEqual([1, 1, 1])
    expect(store.stored).toEqual(['1.0 a: 1 2 3'])
  })

  test('is asked again when its time is over', async () => {
    let now = 0
    const store = storeThat(kind)
    const { push } = await start({
      respond: store.respond,
      yaml: 'egress: { protocol_reprobe: 10s }',
      now: () => now,
    })
    await push(['a/1'], TWO)
    now = 9_999
    await push(['a/2'], TWO)
    expect(store.asked).toEqual(['2.0', '1.0', '1.0'])
    now = 10_000
    stage.store.respond = storeThat('knows 2.0').respond
    await push(['a/3'], TWO)
    await push(['a/4'], TWO)
    expect(asked().slice(3)).toEqual(['2.0', '2.0'])
    // And when it lacks it again, that is noticed.
    stage.store.respond = storeThat('answers 415').respond
    expect(kinds(await push(['a/5'], TWO))).toEqual(['delivered'])
    expect(asked().slice(5)).toEqual(['2.0', '1.0'])
  })

  test.each<[string, Respond, string]>([
    ['is unreachable', answerWith(500), 'unreachable'],
    ['throttles', answerWith(429), 'throttled'],
    ['rejects', answerWith(400, 'out of order'), 'rejected'],
  ])('and %s the same as 1.0 has the last word, and is still unproven', async (_, one, verdict) => {
    const { respond } = storeThat(kind)
    const { push, upstream } = await start({
      respond: (received, ...rest) =>
        (protocolOf(received.headers['content-type']) === '2.0' ? respond : one)(received, ...rest),
    })
    expect(kinds(await push(['a/1'], TWO))).toEqual([verdict])
    expect(asked()).toEqual(['2.0', '1.0'])
    expect(upstream.dialect.store.known).toBeUndefined()
  })

  test('gets 2.0 all the same, and nothing else, with upstream.dialect.store: same', async () => {
    const store = storeThat(kind)
    const { push } = await start({ respond: store.respond, yaml: 'egress: { protocol: same }' })
    const delivered = await push(['a/1'], TWO)
    expect([kinds(delivered), written(delivered)]).toEqual([
      [kind === 'ignores the type' ? 'delivered' : 'rejected'],
      0,
    ])
    expect(store.asked).toEqual(['2.0'])
  })
})

describe('a store of 2.0', () => {
  test('is asked by one, and then by all who waited', async () => {
    const store = storeThat('knows 2.0')
    const respond = gate(store.respond)
    const { push, upstream } = await start({ respond })
    const pushed = push(tenants(20), TWO)
    await until(() => upstream.dialect.store.waiting === 19 && stage.store.received.length > 0)
    expect(stage.store.received).toHaveLength(1)
    respond.open()
    expect(written(await pushed)).toBe(20)
    expect(store.asked).toEqual(Array(20).fill('2.0'))
    expect([upstream.dialect.store.known, upstream.dialect.store.output]).toEqual(['2.0', 'same'])
  })

  test('may reject data, which does not go as 1.0', async () => {
    const { push, store } = await start({ respond: storeThat('knows 2.0').respond })
    await push(['a/1'], TWO)
    store.respond = answerWith(400, 'out of order')
    expect(kinds(await push(['a/2'], TWO))).toEqual(['rejected'])
    expect(asked()).toEqual(['2.0', '2.0'])
  })

  test.each([
    ['says what was sent, as Cortex 1.21 and Mimir do', { 'x-prometheus-remote-write-samples-written': '1' }],
    ['says 0, as Cortex 1.20 does', { 'x-prometheus-remote-write-samples-written': '0' }],
    ['says nothing', {}],
  ])('that deduplicates with a 202 and %s stays one, and the push counts as written', async (_, headers) => {
    const { push, store, upstream } = await start({ respond: storeThat('knows 2.0').respond })
    await push(['a/1'], TWO)
    store.respond = answerWith(202, 'replicas did not match', headers)
    for (const name of ['2', '3']) {
      const delivered = await push([`a/${name}`], TWO)
      expect([kinds(delivered), written(delivered)]).toEqual([['delivered'], 1])
    }
    expect(asked()).toEqual(['2.0', '2.0', '2.0'])
    expect(upstream.dialect.store.known).toBe('2.0')
  })

  test('that takes no 1.0 and does not count is asked twice once, and nothing is believed', async () => {
    const silent: Respond = ({ headers }, response) =>
      response.writeHead(protocolOf(headers['content-type']) === '2.0' ? 200 : 415).end()
    const { push } = await start({ respond: silent })
    for (const name of ['1', '2']) {
      const delivered = await push([`a/${name}`], TWO)
      expect([kinds(delivered), written(delivered)]).toEqual([['delivered'], 0])
    }
    expect(asked()).toEqual(['2.0', '1.0', '2.0'])
  })

  test('that does not count is believed where egress.written_headers says so', async () => {
    const yaml = 'egress: { written_headers: omitted }'
    const { push, upstream } = await start({ respond: answerWith(200), yaml })
    expect(written(await push(['a/1', 'a/2'], TWO))).toBe(2)
    expect([asked(), upstream.dialect.store.known]).toEqual([['2.0'], '2.0'])
  })
})

test('a store that refuses both keeps its first answer', async () => {
  const { push, upstream } = await start({ respond: answerWith(415, 'neither') })
  const { deliveries } = await push(['a/1'], TWO)
  expect(deliveries[0]?.verdict).toMatchObject({ kind: 'rejected', status: 415, refusal: true })
  expect([asked(), upstream.dialect.store.known]).toEqual([['2.0', '1.0'], undefined])
})

test('a store that begins to refuse 1.0 is asked for 2.0 again', async () => {
  const { push, store, upstream } = await start({ respond: storeThat('answers 415').respond })
  await push(['a/1'], TWO)
  store.respond = storeThat('knows only 2.0').respond
  // As the kernel makes them for a store of 1.0.
  expect(kinds(await push(['a/2']))).toEqual(['rejected'])
  expect(upstream.dialect.store.output).toBe('same')
  expect(kinds(await push(['a/2'], TWO))).toEqual(['delivered'])
})

test('pushes of 1.0 wait for nobody’s turn', async () => {
  const respond: Respond = (received, response) => {
    if (protocolOf(received.headers['content-type']) === '1.0') response.writeHead(204).end()
  }
  const { push } = await start({ respond })
  const gone = new AbortController()
  const pushed = push(['a/1'], { ...TWO, cancelled: gone.signal })
  await until(() => stage.store.received.length === 1)
  expect(kinds(await push(['b/2', 'c/3']))).toEqual(['delivered', 'delivered'])
  gone.abort(new Error('gone'))
  await pushed
})

describe('while a store is unproven', () => {
  test('a probe that fails lets the next one try, one at a time', async () => {
    let underWay = 0
    let most = 0
    const failing: Respond = (_received, response) => {
      most = Math.max(most, ++underWay)
      setTimeout(() => {
        underWay--
        response.writeHead(500).end()
      }, 2)
    }
    const { push } = await start({ respond: failing })
    expect(kinds(await push(tenants(20), TWO))).toEqual(Array(20).fill('unreachable'))
    expect([most, stage.store.received.length]).toEqual([1, 20])
    stage.store.respond = storeThat('knows 2.0').respond
    expect(written(await push(tenants(20), TWO))).toBe(20)
  })

  test('a probe that waits for its retry lets others try meanwhile', async () => {
    const store = storeThat('knows 2.0')
    const respond = gate(first([answerWith(503)], store.respond))
    const { push, events } = await start({ respond, yaml: 'retry: { min_backoff: 200ms }' })
    const [one, other] = [push(['a/1'], TWO), push(['b/2'], TWO)]
    await until(() => stage.upstream.dialect.store.waiting === 1)
    respond.open()
    expect((await Promise.all([one, other])).map(written)).toEqual([1, 1])
    expect(store.stored).toEqual(['2.0 b: 2', '2.0 a: 1'])
    expect(events).toContain('retry')
  })

  test('what waits ends with its push, and takes no turn', async () => {
    const respond = gate(storeThat('knows 2.0').respond)
    const { push, upstream, stored } = await start({ respond })
    const probe = push(['a/1'], TWO)
    await until(() => stage.store.received.length === 1)
    const gone = new AbortController()
    const waits = push(['b/2'], { ...TWO, cancelled: gone.signal })
    const late = push(['c/3'], { ...TWO, deadlineMs: 30 })
    await until(() => upstream.dialect.store.waiting === 2)
    gone.abort(new Error('gone'))
    expect((await waits).deliveries[0]?.verdict).toMatchObject({ cause: 'cancelled', reason: 'gone' })
    expect((await late).deliveries[0]?.verdict).toMatchObject({ cause: 'cancelled' })
    respond.open()
    expect(written(await probe)).toBe(1)
    expect(stored()).toEqual(['a: 1'])
    await until(() => upstream.lanes.inFlight === 0)
    expect([upstream.dialect.store.waiting, upstream.slots.taken]).toEqual([0, 0])
  })

  test('a store that hangs lets nobody wait for longer than for an answer, and opens breakers', async () => {
    const yaml = 'timeout: 50ms\nbreaker: { failures: 1 }'
    const { push, upstream } = await start({ respond: () => {}, yaml })
    const { deliveries } = await push(tenants(8), TWO)
    for (const { verdict } of deliveries)
      expect(verdict).toMatchObject({ kind: 'unreachable', cause: 'timeout' })
    await until(() => upstream.lanes.inFlight === 0)
    expect([upstream.lanes.breakersOpen, upstream.dialect.store.waiting, upstream.slots.taken]).toEqual([
      8, 0, 0,
    ])
  })

  test('a port where nobody listens opens the breaker of the store, and ends all who wait', async () => {
    const yaml = 'retry: { max_attempts: 1 }\nbreaker: { failures: 2, cooldown: 1m }'
    const { push, upstream, store, attempts } = await start({ yaml })
    await store[Symbol.asyncDispose]()
    expect(kinds(await push(tenants(20), TWO))).toEqual(Array(20).fill('unreachable'))
    // Eight in a row are taken for a store that is down; nobody tries after them.
    expect([upstream.breaker.open, attempts.length]).toEqual([true, 8])
    expect([upstream.dialect.store.waiting, upstream.lanes.inFlight, upstream.slots.taken]).toEqual([0, 0, 0])
  })
})

describe('a share that is converted here', () => {
  test('loses its created timestamps, which are counted', async () => {
    const two = message('2.0', [
      series({ __name__: 'x' }, { more: [varintField(6, 1234)] }),
      series({ __name__: 'y' }, { more: [varintField(6, 5678)] }),
    ])
    const { push, lost, stored } = await start({ respond: storeThat('answers 415').respond })
    const beside = [share('a', two, { protocol: '2.0', series: 2, samples: 2 })]
    expect(kinds(await push([], { beside }))).toEqual(['delivered'])
    expect(lost).toEqual([2])
    expect(stored().at(-1)).toBe('a: x y')
  })

  /** Series of a native histogram with custom buckets, with as many samples beside it. */
  const custom = (name: string, samples = 0) =>
    series(
      { __name__: name },
      {
        samples: Array.from({ length: samples }, (_, i) => sample(i, 1000 + i)),
        histograms: [concat(varintField(4, 105), len(16, new Uint8Array(8)))],
      },
    )
  const customShare = (tenant: string, list: SeriesText[], samples: number) =>
    share(tenant, message('2.0', list), {
      protocol: '2.0',
      series: list.length,
      samples,
      histograms: list.length,
    })

  test('loses histograms with custom buckets, which are counted, and not written', async () => {
    const { push, lost, lostHistograms, stored } = await start({ respond: storeThat('answers 415').respond })
    const beside = [customShare('a', [custom('x'), custom('y', 1)], 1)]
    const delivered = await push([], { beside })
    expect([kinds(delivered), writtenBy(delivered.deliveries)]).toEqual([
      ['delivered'],
      { samples: 1, histograms: 0, exemplars: 0 },
    ])
    expect([lost, lostHistograms]).toEqual([[], [2]])
    expect(stored().at(-1)).toBe('a: y')
  })

  test.each(LACKING)(
    'of which nothing is left is not sent, and a store that %s is not known by it',
    async kind => {
      const { push, lostHistograms, upstream } = await start({ respond: storeThat(kind).respond })
      const delivered = await push([], { beside: [customShare('a', [custom('x')], 0)] })
      expect([kinds(delivered), writtenBy(delivered.deliveries)]).toEqual([
        ['delivered'],
        { samples: 0, histograms: 0, exemplars: 0 },
      ])
      expect([asked(), lostHistograms, upstream.dialect.store.known]).toEqual([['2.0'], [1], undefined])
      // And the next one still finds out.
      expect(kinds(await push(['b/up'], TWO))).toEqual(['delivered'])
      expect([asked(), upstream.dialect.store.known]).toEqual([['2.0', '2.0', '1.0'], '1.0'])
    },
  )

  test('that leaves with others counts its own', async () => {
    const hold = gate(storeThat('answers 415').respond)
    const { push, lostHistograms, upstream } = await start({ respond: hold })
    const first = push(['a/0'], TWO)
    await until(() => upstream.lanes.inFlight === 1)
    const others = [
      push([], { beside: [customShare('a', [custom('x', 3)], 3)] }),
      push(['a/1', 'a/2'], TWO),
      push([], { beside: [customShare('a', [custom('y')], 0)] }),
    ]
    await until(() => upstream.lanes.queuedShares === 3)
    hold.open()
    const delivered = await Promise.all([first, ...others])
    expect(delivered.flatMap(kinds)).toEqual(Array(4).fill('delivered'))
    expect(delivered.map(({ deliveries }) => writtenBy(deliveries))).toEqual([
      { samples: 1, histograms: 0, exemplars: 0 },
      { samples: 3, histograms: 0, exemplars: 0 },
      { samples: 2, histograms: 0, exemplars: 0 },
      { samples: 0, histograms: 0, exemplars: 0 },
    ])
    expect(lostHistograms).toEqual([2])
  })

  test('goes in halves where it is too large as 1.0', async () => {
    const store = storeThat('answers 415')
    const respond: Respond = (received, ...rest) => {
      const large = protocolOf(received.headers['content-type']) === '1.0' && received.body.length > 100
      return (large ? answerWith(413) : store.respond)(received, ...rest)
    }
    const { push } = await start({ respond })
    const long = (name: string) => ({
      __name__: name,
      tenant: 'a',
      random: `${Math.random()}${Math.random()}`,
    })
    const delivered = await push([long('1'), long('2'), long('3'), long('4')], TWO)
    expect([kinds(delivered), written(delivered)]).toEqual([['delivered'], 4])
    expect(store.stored).toEqual(['1.0 a: 1', '1.0 a: 2', '1.0 a: 3', '1.0 a: 4'])
  })

  test('goes in halves where it is longer as 1.0 than limits.max_split_output', async () => {
    // Many series with one long string, which 2.0 says once.
    const common = 'x'.repeat(200)
    const list = Array.from({ length: 16 }, (_, i) => ({ __name__: `${i}`, tenant: 'a', common }))
    const store = storeThat('answers 415')
    const yaml = 'limits: { max_split_output: 1KiB }'
    const { push } = await start({ respond: store.respond, yaml })
    const delivered = await push(list, TWO)
    expect([kinds(delivered), written(delivered)]).toEqual([['delivered'], 16])
    const names = store.stored.flatMap(it => it.replace('1.0 a: ', '').split(' '))
    expect(names).toEqual(list.map(({ __name__ }) => __name__))
    expect(store.stored.length).toBeGreaterThan(3)
  })
})

describe('a merged batch of which a part was not written', () => {
  const SAMPLES = 'x-prometheus-remote-write-samples-written'
  /** Stores no series that is called `lost`, and says so. */
  const losing: Respond = (received, response) => {
    const kept = namesIn(received.body).filter(name => name !== 'lost').length
    response.writeHead(204, { [SAMPLES]: String(kept) }).end()
  }
  const namesIn = (body: Buffer) => decodePush(body, '2.0').map(({ labels }) => labels[0]?.[1])
  const requests = () => stage.store.received.map(({ body }) => namesIn(body))

  test('goes again as singles, each with its own count, and who loses travels alone from then on', async () => {
    const respond = gate(losing)
    const { push, events } = await start({ respond })
    const proves = push(['a/good0'], TWO)
    await until(() => stage.store.received.length === 1)
    const pushes = ['good1', 'lost', 'good2'].map(name => push([`a/${name}`], TWO))
    respond.open()
    await proves
    const delivered = await Promise.all(pushes)
    expect(delivered.flatMap(kinds)).toEqual(['delivered', 'delivered', 'delivered'])
    expect(delivered.map(written)).toEqual([1, 0, 1])
    expect(requests()).toEqual([['good0'], ['good1', 'lost', 'good2'], ['good1'], ['lost'], ['good2']])
    expect(events.filter(event => event === 'written_differs')).toHaveLength(1)
    const senders = delivered.map(({ sent }) => sent[0]?.context.identity.quarantine)
    const tenant = delivered[0]?.sent[0]?.share.tenant as never
    expect(senders.map(sender => sender?.travelsAlone(tenant, () => performance.now()))).toEqual([
      false,
      true,
      false,
    ])
  })

  test('goes once where all of it was written', async () => {
    const respond = gate(losing)
    const { push } = await start({ respond })
    const proves = push(['a/good0'], TWO)
    await until(() => stage.store.received.length === 1)
    const pushes = ['good1', 'good2'].map(name => push([`a/${name}`], TWO))
    respond.open()
    await proves
    expect((await Promise.all(pushes)).map(written)).toEqual([1, 1])
    expect(requests()).toEqual([['good0'], ['good1', 'good2']])
  })
})
