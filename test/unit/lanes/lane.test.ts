import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Delivered } from '../../../src/lanes/deliver.ts'
import type { Earlier } from '../../../src/lanes/memo.ts'
import { Quarantine } from '../../../src/lanes/quarantine.ts'
import { decodeMessage, type MessageSeen, unsnappy } from '../../support/decode.ts'
import { answerWith, type Respond } from '../../support/receiver.ts'
import { decodePush } from '../../support/remote-write.ts'
import { startUpstream, type UpstreamStage, type UpstreamStageOptions } from '../../support/upstream-stage.ts'

let stage: UpstreamStage
afterEach(() => stage[Symbol.asyncDispose]())

/** Answers nothing until it is opened; then what it was told, to what waits and to what comes. */
function gate(then: Respond = answerWith(204)): Respond & { open(): void } {
  const waiting: (() => void)[] = []
  let isOpen = false
  const respond: Respond = (...args) => {
    if (isOpen) then(...args)
    else waiting.push(() => then(...args))
  }
  return Object.assign(respond, {
    open() {
      isOpen = true
      for (const answer of waiting.splice(0)) answer()
    },
  })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}

const start = async (options: UpstreamStageOptions): Promise<UpstreamStage> => {
  stage = await startUpstream(options)
  return stage
}
const kinds = ({ deliveries }: Delivered) => deliveries.map(({ verdict }) => verdict.kind)
const names = (body: Buffer) =>
  decodePush(body, '1.0').map(({ labels }) => labels.find(([name]) => name === '__name__')?.[1])

const rejecting =
  (bad: string, status = 400): Respond =>
  (received, response) => {
    const is = names(received.body).includes(bad)
    response.writeHead(is ? status : 204).end(is ? 'out of order' : undefined)
  }

describe('a lane', () => {
  test('sends a lone share at once, and the shares that came meanwhile together', async () => {
    const respond = gate()
    const { push, stored, store, upstream } = await start({ respond })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    const rest = ['2', '3', '4'].map(name => push([`a/${name}`]))
    expect(upstream.lanes.queuedShares).toBe(3)
    respond.open()
    expect((await Promise.all([first, ...rest])).map(kinds)).toEqual([
      ['delivered'],
      ['delivered'],
      ['delivered'],
      ['delivered'],
    ])
    expect(stored()).toEqual(['a: 1', 'a: 2 3 4'])
    expect([upstream.lanes.queuedShares, upstream.lanes.queuedBytes, upstream.lanes.inFlight]).toEqual([
      0, 0, 0,
    ])
    expect(upstream.slots.taken).toBe(0)
  })

  test('never puts two tenants into one request', async () => {
    const respond = gate()
    const { push, stored, store } = await start({ respond, yaml: 'max_conns_per_host: 1' })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    const rest = [push(['a/2', 'b/3']), push(['b/4', 'a/5'])]
    respond.open()
    await Promise.all([first, ...rest])
    expect(stored()).toEqual(['a: 1', 'b: 3 4', 'a: 2 5'])
  })

  test('lets further requests fly only while full batches wait, up to its concurrency', async () => {
    const respond = gate()
    const yaml = 'lanes: { concurrency: 3, max_batch_series: 2 }'
    const { push, stored, store, upstream } = await start({ respond, yaml })
    const pushes = [push(['a/1'])]
    await until(() => store.received.length === 1)
    pushes.push(push(['a/2']))
    await sleep(20)
    expect(store.received).toHaveLength(1)
    for (const name of ['3', '4', '5', '6', '7']) pushes.push(push([`a/${name}`]))
    await until(() => store.received.length === 3)
    await sleep(20)
    expect([store.received.length, upstream.lanes.inFlight]).toEqual([3, 3])
    respond.open()
    await Promise.all(pushes)
    expect(stored()).toEqual(['a: 1', 'a: 2 3', 'a: 4 5', 'a: 6 7'])
  })

  test('waits for others as long as lanes.linger says', async () => {
    const { push, stored } = await start({ yaml: 'lanes: { linger: 50ms }' })
    await Promise.all([push(['a/1']), sleep(5).then(() => push(['a/2']))])
    expect(stored()).toEqual(['a: 1 2'])
  })

  test('is forgotten when it has been idle', async () => {
    const { push, upstream } = await start({})
    await push(['a/1', 'b/2'])
    expect(upstream.lanes.size).toBe(2)
    await sleep(0)
    upstream.lanes.sweep(0)
    expect(upstream.lanes.size).toBe(0)
  })

  test('refuses what its queue has no room for, and the sender keeps it', async () => {
    const respond = gate()
    const { push, store, events } = await start({ respond, yaml: 'lanes: { max_queued_bytes: 1KiB }' })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    const long = 'x'.repeat(600)
    const second = push([`a/${long}`])
    const third = await push([`a/${long}`])
    expect(third.deliveries[0]?.verdict).toMatchObject({
      kind: 'unreachable',
      cause: 'local',
      reason: 'the tenant’s queue is full (lanes.max_queued_bytes)',
    })
    expect(events).toEqual(['queue_full'])
    respond.open()
    expect([kinds(await first), kinds(await second)]).toEqual([['delivered'], ['delivered']])
  })

  test('makes room for others when it is idle and lanes.max is reached', async () => {
    const { push, upstream } = await start({ yaml: 'lanes: { max: 2 }' })
    expect(kinds(await push(['a/1', 'b/2']))).toEqual(['delivered', 'delivered'])
    await sleep(0)
    expect(kinds(await push(['c/3', 'd/4', 'e/5']))).toEqual(['delivered', 'delivered', 'unreachable'])
    expect(upstream.lanes.size).toBe(2)
  })

  test.each([
    ['lanes: { max: 2 }', 'too many tenants at once (lanes.max)'],
    ['lanes: { max_new_per_second: 2 }', 'too many tenants at once (lanes.max_new_per_second)'],
  ])('is not opened beyond %s', async (yaml, reason) => {
    const respond = gate()
    const { push } = await start({ respond, yaml })
    const pushed = push(['a/1', 'b/2', 'c/3'])
    await sleep(10)
    respond.open()
    const { deliveries } = await pushed
    expect(deliveries.map(({ verdict }) => verdict.kind)).toEqual(['delivered', 'delivered', 'unreachable'])
    expect(deliveries[2]?.verdict).toMatchObject({ cause: 'local', reason })
  })
})

test('shares of 2.0 leave together, written anew, and never with those of 1.0', async () => {
  const respond = gate()
  const { push, store } = await start({ respond, yaml: 'egress: { protocol: same }' })
  const protocol = '2.0'
  const pushes = [push(['a/0'], { protocol })]
  await until(() => store.received.length === 1)
  pushes.push(push(['a/1'], { protocol }), push(['a/2']), push(['a/3'], { protocol }), push(['a/4']))
  pushes.push(push(['a/5'], { protocol, mergeKey: 'other' }))
  respond.open()
  expect((await Promise.all(pushes)).flatMap(kinds)).toEqual(Array(6).fill('delivered'))
  const namesOf = (message: MessageSeen) =>
    message.series.map(({ labels }) => labels.find(([name]) => name === '__name__')?.[1])
  const bodies = store.received.map(({ body }) => unsnappy(body))
  expect(bodies.map((body, i) => namesOf(decodeMessage(i === 2 ? '1.0' : '2.0', body)))).toEqual([
    ['0'],
    ['1', '3'],
    ['2', '4'],
    ['5'],
  ])
})

describe('large shares of 2.0', () => {
  const large = (name: string) => Array.from({ length: 701 }, (_, i) => `a/${name}-${i}`)
  const protocol = '2.0'
  const sizes = (store: UpstreamStage['store']) =>
    store.received.map(({ body }) => decodeMessage('2.0', unsnappy(body)).series.length)

  test.each<[string, number, number[]]>([
    ['alone to a store that answers at once, and small ones together', 5, [1, 2, 701, 701]],
    ['together to a store that is far, where requests in flight are what is scarce', 20, [1, 1404]],
  ])('travel %s', async (_how, latencyMs, requests) => {
    let now = 0
    const respond = gate()
    const { push, store } = await start({ respond, now: () => now, yaml: 'egress: { protocol: same }' })
    const pushes = [push(['a/0'], { protocol })]
    await until(() => store.received.length === 1)
    for (const list of [['a/1'], large('x'), large('y'), ['a/2']]) pushes.push(push(list, { protocol }))
    now += latencyMs
    respond.open()
    await Promise.all(pushes)
    expect(sizes(store)).toEqual(requests)
  })
})

describe('shares of HA replicas', () => {
  /** Decides for the whole request by its first series, as Cortex and Mimir do; B is not the elected replica. */
  const deduplicating = (kept: string[]): Respond => {
    return (received, response) => {
      const all = decodePush(received.body, '1.0').map(({ labels }) => Object.fromEntries(labels))
      const elected = all[0]?.__replica__ !== 'B'
      if (elected) kept.push(...all.map(({ __name__ }) => __name__ as string))
      response.writeHead(elected ? 200 : 202).end()
    }
  }
  const of = (replica: string, name: string) => ({
    __name__: name,
    __replica__: replica,
    cluster: 'c',
    tenant: 't',
  })

  test('leave apart, so that no elected sample is thrown away with a batch that another replica begins', async () => {
    const kept: string[] = []
    const respond = gate(deduplicating(kept))
    const { push, store } = await start({ respond })
    const pushes = [push([of('B', 'b0')])]
    await until(() => store.received.length === 1)
    for (const index of [1, 2, 3]) pushes.push(push([of('B', `b${index}`)]), push([of('A', `a${index}`)]))
    respond.open()
    await Promise.all(pushes)
    expect(kept.sort()).toEqual(['a1', 'a2', 'a3'])
    expect(store.received.map(({ body }) => names(body))).toEqual([
      ['b0'],
      ['b1', 'b2', 'b3'],
      ['a1', 'a2', 'a3'],
    ])
  })

  test('that mix two replicas in one push travel alone', async () => {
    const respond = gate()
    const { push, store } = await start({ respond })
    const pushes = [push([of('A', '0')])]
    await until(() => store.received.length === 1)
    pushes.push(push([of('A', '1'), of('B', '2')]), push([of('A', '3')]), push([of('A', '4')]))
    respond.open()
    await Promise.all(pushes)
    expect(store.received.map(({ body }) => names(body))).toEqual([['0'], ['1', '2'], ['3', '4']])
  })
})

describe('a batch that the store rejects', () => {
  test('goes again as singles, so that each sender hears of its own data only', async () => {
    const respond = gate(rejecting('bad'))
    const { push, stored, store } = await start({ respond })
    const first = push(['a/0'])
    await until(() => store.received.length === 1)
    const rest = ['1', 'bad', '2'].map(name => push([`a/${name}`]))
    respond.open()
    await first
    expect((await Promise.all(rest)).map(kinds)).toEqual([['delivered'], ['rejected'], ['delivered']])
    expect(stored()).toEqual(['a: 0', 'a: 1 bad 2', 'a: 1', 'a: bad', 'a: 2'])
  })

  test('goes in halves where it is too large, one after the other and in order', async () => {
    const tooLarge: Respond = (received, response) =>
      response.writeHead(names(received.body).length > 2 ? 413 : 204).end()
    const respond = gate(tooLarge)
    const { push, stored, store } = await start({ respond })
    const first = push(['a/0'])
    await until(() => store.received.length === 1)
    const rest = ['1', '2', '3', '4', '5'].map(name => push([`a/${name}`]))
    respond.open()
    expect((await Promise.all([first, ...rest])).flatMap(kinds)).toEqual(Array(6).fill('delivered'))
    expect(stored()).toEqual(['a: 0', 'a: 1 2 3 4 5', 'a: 1 2 3', 'a: 1 2', 'a: 3', 'a: 4 5'])
  })

  test('of one share that is too large goes in halves of its series, down to one that is rejected', async () => {
    const tooLarge: Respond = (received, response) =>
      response
        .writeHead(
          names(received.body).some(name => name === 'huge') || names(received.body).length > 2 ? 413 : 204,
        )
        .end()
    const { push, stored } = await start({ respond: tooLarge })
    const { deliveries } = await push(['a/1', 'a/2', 'a/3', 'a/huge'])
    expect(deliveries[0]?.verdict).toMatchObject({ kind: 'rejected', status: 413 })
    expect(stored()).toEqual(['a: 1 2 3 huge', 'a: 1 2', 'a: 3 huge', 'a: 3', 'a: huge'])
  })

  test.each([401, 403, 404, 405, 415])(
    'with %d is our configuration, and does not go again',
    async status => {
      const respond = gate(answerWith(status))
      const { push, store } = await start({ respond })
      const pushes = [push(['a/0'])]
      await until(() => store.received.length === 1)
      pushes.push(push(['a/1']), push(['a/2']))
      respond.open()
      expect((await Promise.all(pushes)).flatMap(kinds)).toEqual(['rejected', 'rejected', 'rejected'])
      expect(store.received).toHaveLength(2)
    },
  )

  test('stops going again when the store fails meanwhile', async () => {
    let answered = 0
    const failing: Respond = (...args) =>
      answerWith(++answered <= 2 ? (answered === 1 ? 204 : 400) : 500)(...args)
    const respond = gate(failing)
    const { push, store } = await start({ respond, yaml: 'breaker: { failures: 2 }' })
    const first = push(['a/0'])
    await until(() => store.received.length === 1)
    const rest = ['1', '2', '3', '4', '5'].map(name => push([`a/${name}`]))
    respond.open()
    await first
    const verdicts = (await Promise.all(rest)).map(({ deliveries }) => deliveries[0]?.verdict)
    expect(verdicts.map(verdict => verdict?.kind)).toEqual(Array(5).fill('unreachable'))
    expect(verdicts[4]).toMatchObject({ cause: 'local' })
    // One, all five, and two singles.
    expect(store.received).toHaveLength(4)
  })

  test('makes its bad sender travel alone from then on, and wait for five batches of the others', async () => {
    // Time passes by a tenth of a second with each request, and by nothing else.
    let seconds = 0
    const counting: Respond = (...args) => {
      seconds++
      rejecting('bad')(...args)
    }
    const respond = gate(counting)
    const { push, store } = await start({
      respond,
      yaml: 'lanes: { max_batch_series: 1, concurrency: 1 }',
      now: () => seconds * 100,
    })
    const bad = new Quarantine()
    const first = push(['a/bad'], { sender: bad })
    await until(() => store.received.length === 1)
    respond.open()
    await first

    const again = gate(counting)
    store.respond = again
    const pushes = [push(['a/0'])]
    await until(() => store.received.length === 2)
    for (const name of ['bad', 'bad']) pushes.push(push([`a/${name}`], { sender: bad }))
    for (let index = 1; index <= 11; index++) pushes.push(push([`a/${index}`]))
    again.open()
    await Promise.all(pushes)
    // The rejected batch at the beginning was the first of five.
    const order = store.received.slice(1).map(({ body }) => names(body).join())
    expect(order.join(' ')).toBe('0 1 2 3 bad 4 5 6 7 8 bad 9 10 11')
  })

  test('lets a bad sender go at once where nobody else uses the lane', async () => {
    const { push, store } = await start({ respond: rejecting('bad') })
    const bad = new Quarantine()
    for (let round = 0; round < 5; round++) await push(['a/bad'], { sender: bad })
    expect(store.received).toHaveLength(5)
  })
})

describe('a batch that is throttled', () => {
  test('is throttled for all its shares, goes only once, and makes the next ones smaller', async () => {
    let throttle = true
    const respond = gate((...args) =>
      answerWith(throttle ? 429 : 204, 'slow down', { 'retry-after': '3' })(...args),
    )
    const { push, store, events } = await start({
      respond,
      yaml: 'lanes: { max_batch_series: 200, concurrency: 1 }',
    })
    const many = (from: number) => Array.from({ length: 60 }, (_, index) => `a/${from + index}`)
    const pushes = [push(many(0))]
    await until(() => store.received.length === 1)
    pushes.push(push(many(100)), push(many(200)), push(many(300)))
    respond.open()
    const all = await Promise.all(pushes)
    expect(all.flatMap(kinds)).toEqual(Array(4).fill('throttled'))
    expect(all[1]?.deliveries[0]?.verdict).toMatchObject({ status: 429, retryAfterMs: 3000 })
    expect(events.filter(event => event === 'limit_halved')).toHaveLength(store.received.length)
    throttle = false
    const slow: Respond = (_received, response) => setTimeout(() => response.writeHead(204).end(), 20)
    store.respond = slow
    const before = store.received.length
    await Promise.all([1, 2, 3, 4].map(index => push(many(index * 1000))))
    for (const { body } of store.received.slice(before)) expect(names(body).length).toBeLessThanOrEqual(100)
  })
})

describe('a share whose push is called off', () => {
  test('is withdrawn before it leaves', async () => {
    const respond = gate()
    const { push, stored, store, upstream, events } = await start({ respond })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    const gone = new AbortController()
    const second = push(['a/2'], { cancelled: gone.signal })
    const third = push(['a/3'])
    gone.abort(new Error('the sender closed the connection'))
    expect((await second).deliveries[0]?.verdict).toMatchObject({
      kind: 'unreachable',
      cause: 'cancelled',
      reason: 'the sender closed the connection',
    })
    respond.open()
    await Promise.all([first, third])
    expect(stored()).toEqual(['a: 1', 'a: 3'])
    expect(events).toEqual(['withdrawn'])
    expect([upstream.lanes.queuedShares, upstream.lanes.queuedBytes]).toEqual([0, 0])
  })

  test('ends its request where that carries nobody else', async () => {
    let closed = 0
    const { push, store, upstream } = await start({
      respond: (_received, response) => {
        response.on('close', () => closed++)
      },
    })
    const gone = new AbortController()
    const pushed = push(['a/1'], { cancelled: gone.signal })
    await until(() => store.received.length === 1)
    gone.abort(new Error('gone'))
    expect(kinds(await pushed)).toEqual(['unreachable'])
    await until(() => closed === 1 && upstream.slots.taken === 0)
    expect(upstream.lanes.inFlight).toBe(0)
  })

  test('does not end the request that carries others, and its own end is known later', async () => {
    const respond = gate()
    const { push, store } = await start({ respond })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    const gone = new AbortController()
    const second = push(['a/2'], { cancelled: gone.signal })
    const third = push(['a/3'])
    const secondGate = gate()
    store.respond = secondGate
    respond.open()
    await until(() => store.received.length === 2)
    gone.abort(new Error('gone'))
    const { deliveries, sent } = await second
    expect(deliveries[0]?.verdict).toMatchObject({ cause: 'cancelled' })
    secondGate.open()
    await Promise.all([first, third])
    expect(await sent[0]?.late).toEqual({ kind: 'delivered', status: 204, written: 'all' })
  })

  test.each([
    ['is joined by its sender’s retry', 204, true, ['a: 1', 'a: 2 3']],
    ['is sent again by its sender’s retry where it came to nothing', 500, false, ['a: 1', 'a: 2 3', 'a: 2']],
  ])('and travels on with others %s', async (_, status, remembered, expected) => {
    const respond = gate()
    const { push, stored, store, memo } = await start({ respond })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    const gone = new AbortController()
    const pushes = [push(['a/2'], { cancelled: gone.signal }), push(['a/3'])]
    const second = gate(answerWith(status))
    store.respond = second
    respond.open()
    await until(() => store.received.length === 2)
    gone.abort(new Error('gone'))
    const { sent } = (await pushes[0]) as Delivered
    const body = new TextEncoder().encode('push')
    memo.remember(body, '', sent, undefined)
    const retry = push(['a/2'], { earlier: memo.recall(body, '') as Earlier })
    store.respond = answerWith(204)
    second.open()
    await Promise.all([first, ...pushes])
    expect((await retry).deliveries[0]).toMatchObject({ verdict: { kind: 'delivered' }, remembered })
    expect(stored()).toEqual(expected)
  })

  test('while others of its rejected batch go first is not sent again', async () => {
    const respond = gate(rejecting('bad'))
    const { push, stored, store } = await start({ respond })
    const first = push(['a/0'])
    await until(() => store.received.length === 1)
    const gone = new AbortController()
    const pushes = [push(['a/bad']), push(['a/2'], { cancelled: gone.signal })]
    const single = gate(rejecting('bad'))
    store.respond = (...args) => (names(args[0].body).length === 1 ? single : rejecting('bad'))(...args)
    respond.open()
    await until(() => store.received.length === 3)
    gone.abort(new Error('gone'))
    single.open()
    const [, , second] = await Promise.all([first, ...pushes])
    expect(stored()).toEqual(['a: 0', 'a: bad 2', 'a: bad'])
    // A promise that nobody keeps would be remembered, and the sender's retry would wait for it.
    expect(second?.sent[0]?.late).toBeUndefined()
  })

  test('by its deadline is answered, whatever the store does', async () => {
    const { push, upstream } = await start({ respond: () => {} })
    const { deliveries } = await push(['a/1'], { deadlineMs: 30 })
    expect(deliveries[0]?.verdict).toMatchObject({ reason: 'not delivered within push_deadline' })
    await until(() => upstream.slots.taken === 0)
  })

  test('leaves nothing behind, however many there are', async () => {
    const respond = gate()
    const { push, store, upstream } = await start({ respond })
    const first = push(['a/1'])
    await until(() => store.received.length === 1)
    for (let index = 0; index < 300; index++) {
      const gone = new AbortController()
      const pushed = push(['a/2'], { cancelled: gone.signal })
      gone.abort(new Error('gone'))
      await pushed
    }
    expect([upstream.lanes.queuedShares, upstream.lanes.queuedBytes]).toEqual([0, 0])
    respond.open()
    await first
    expect(store.received).toHaveLength(1)
  })
})

describe('shares of different pushes in one request', () => {
  test('name only us, the highest retry attempt and no trace', async () => {
    const respond = gate()
    const { push, store } = await start({ respond })
    const headers = (attempt: string) => ({
      'user-agent': 'Sluice/test Prometheus/3',
      'retry-attempt': attempt,
      traceparent: 'x',
      'x-cortex-tenant-client': '10.0.0.1:1234',
      'x-cortex-tenant-reqid': 'id',
    })
    const pushes = [push(['a/1'], { headers: headers('1') })]
    await until(() => store.received.length === 1)
    for (const attempt of ['2', '7', '3']) pushes.push(push(['a/2'], { headers: headers(attempt) }))
    respond.open()
    await Promise.all(pushes)
    expect(store.received[0]?.headers).toMatchObject({
      'user-agent': 'Sluice/test Prometheus/3',
      'retry-attempt': '1',
      traceparent: 'x',
    })
    expect(store.received[1]?.headers).toMatchObject({ 'user-agent': 'Sluice/test', 'retry-attempt': '7' })
    expect(store.received[0]?.headers).toHaveProperty('x-cortex-tenant-client')
    for (const name of ['traceparent', 'x-cortex-tenant-client', 'x-cortex-tenant-reqid'])
      expect(store.received[1]?.headers).not.toHaveProperty(name)
  })

  test('never mix forwarded credentials', async () => {
    const respond = gate()
    const { push, store } = await start({ respond, yaml: 'egress: { forward_headers: [Authorization] }' })
    const as = (user: string) => ({ headers: { authorization: user }, mergeKey: user })
    const pushes = [push(['a/0'], as('x'))]
    await until(() => store.received.length === 1)
    pushes.push(push(['a/1'], as('x')), push(['a/2'], as('y')), push(['a/3'], as('x')))
    respond.open()
    await Promise.all(pushes)
    expect(store.received.map(({ headers, body }) => [headers.authorization, ...names(body)])).toEqual([
      ['x', '0'],
      ['x', '1', '3'],
      ['y', '2'],
    ])
  })
})
