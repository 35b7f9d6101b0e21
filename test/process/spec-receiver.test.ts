/**
 * What the specifications of remote write ask of a receiver, asked of the running process. docs/remote-write-2.md names
 * the rule that each test holds.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeMessage, unsnappy } from '../support/decode.ts'
import { message, SymbolTable, series, timeSeriesV2 } from '../support/messages.ts'
import { answerWith, type Respond } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import type { Answer } from '../support/request.ts'
import { compressed, type Stage, startStage } from '../support/stage.ts'
import { concat, double, len, varintField } from '../support/wire.ts'

let stage: Stage
beforeAll(async () => {
  // One attempt, so that a test of a failing store need not wait for the next.
  stage = await startStage({ config: { retry: { max_attempts: 1 }, memo: { enabled: false } } })
})
afterAll(() => stage[Symbol.asyncDispose]())
beforeEach(() => {
  stage.store.received.length = 0
  stage.store.respond = written
})

const exemplar = { labels: [['trace_id', 'x']] as const, rest: concat(double(2, 1), varintField(3, 1000)) }
const histogram = concat(varintField(1, 1), double(3, 1), varintField(15, 1000))
/** Three tenants: two samples and an exemplar; a native histogram; a sample. */
const LIST = [
  series({ __name__: 'up', tenant: 'a' }, { exemplars: [exemplar] }),
  series({ __name__: 'down', tenant: 'a' }),
  series({ __name__: 'native', tenant: 'b' }, { samples: [], histograms: [histogram] }),
  series({ __name__: 'up', tenant: 'c' }),
]
const send = (bytes: Uint8Array, protocol: '1.0' | '2.0' = '2.0') =>
  stage.send(compressed(bytes), { headers: PUSH_HEADERS[protocol] })
const push = (protocol: '1.0' | '2.0' = '2.0') => send(message(protocol, LIST), protocol)

/** A store that knows both protocols. */
const written: Respond = (received, response) => {
  const protocol = received.headers['content-type']?.includes('v2.Request') ? '2.0' : '1.0'
  const all = decodeMessage(protocol, unsnappy(received.body)).series
  const count = (of: (one: (typeof all)[number]) => number) => `${all.reduce((sum, one) => sum + of(one), 0)}`
  response
    .writeHead(
      204,
      protocol === '1.0'
        ? {}
        : {
            'x-prometheus-remote-write-samples-written': count(one => one.samples.length),
            'x-prometheus-remote-write-histograms-written': count(one => one.histograms.length),
            'x-prometheus-remote-write-exemplars-written': count(one => one.exemplarCount),
          },
    )
    .end()
}
/** Answers tenant b so, and writes what it gets of the others. */
const refusesB =
  (status: number): Respond =>
  (received, ...rest) =>
    (received.headers['x-scope-orgid'] === 'b' ? answerWith(status, 'not this one') : written)(
      received,
      ...rest,
    )
const countsOf = ({ headers }: Answer) =>
  ['samples', 'histograms', 'exemplars'].map(kind => headers[`x-prometheus-remote-write-${kind}-written`])

describe('a receiver', () => {
  test.each(['1.0', '2.0'] as const)(
    'answers 204 without a body where all of a %s push is written',
    async protocol => {
      const { status, body } = await push(protocol)
      expect({ status, body }).toEqual({ status: 204, body: '' })
    },
  )

  test('tells of each kind how much of a 2.0 push is written, over all tenants', async () => {
    expect(countsOf(await push())).toEqual(['3', '1', '1'])
  })

  test.each([
    [400, 400],
    [429, 429],
    [500, 503],
  ])('tells how much of a 2.0 push is written where one tenant’s store says %d', async (store, status) => {
    stage.store.respond = refusesB(store)
    const answer = await push()
    expect({ status: answer.status, counts: countsOf(answer) }).toEqual({ status, counts: ['3', '0', '1'] })
  })

  test('tells that nothing of a 2.0 push is written that it can’t read', async () => {
    const answer = await stage.send(Buffer.from('no snappy'), { headers: PUSH_HEADERS['2.0'] })
    expect({ status: answer.status, counts: countsOf(answer) }).toEqual({
      status: 400,
      counts: ['0', '0', '0'],
    })
  })

  test('never tells a 1.0 sender how much is written', async () => {
    expect(countsOf(await push('1.0'))).toEqual([undefined, undefined, undefined])
    stage.store.respond = refusesB(400)
    expect(countsOf(await push('1.0'))).toEqual([undefined, undefined, undefined])
  })

  test('tells nothing before it knows the protocol', async () => {
    const headers = { ...PUSH_HEADERS['2.0'], 'content-type': 'application/json' }
    const answer = await stage.send(compressed(message('2.0', LIST)), { headers })
    expect(countsOf(answer)).toEqual([undefined, undefined, undefined])
  })

  test.each([
    [400, 400],
    [429, 429],
    [500, 503],
  ])('gives no 2xx and says in words what is missing where a store says %d', async (store, status) => {
    stage.store.respond = refusesB(store)
    const answer = await push()
    expect(answer.status).toBe(status)
    expect(answer.body).toMatch(/^tenant b: 1 series .* with \d+: not this one\n2 of 3 tenants delivered\n$/)
  })

  test('writes the valid part of a 2.0 push and answers 400 for the rest', async () => {
    const answer = await send(message('2.0', [...LIST, series({ __name__: 'nobody' })]))
    expect({ status: answer.status, counts: countsOf(answer) }).toEqual({
      status: 400,
      counts: ['3', '1', '1'],
    })
    expect(answer.body).toContain('1 series refused: 1 without a tenant')
  })

  test.each([
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'deflate' },
    { 'content-encoding': 'zstd' },
    { 'content-type': 'application/json' },
    { 'content-type': 'image/png' },
    { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' },
  ])('answers 415 to a 2.0 push with %j', async headers => {
    const answer = await stage.send(compressed(message('2.0', LIST)), {
      headers: { ...PUSH_HEADERS['2.0'], ...headers },
    })
    expect(answer.status).toBe(415)
    expect(stage.store.received).toEqual([])
  })

  test('takes the protocol from the content type and not from the version header', async () => {
    for (const [protocol, other] of [
      ['1.0', '2.0.0'],
      ['2.0', '0.1.0'],
    ] as const) {
      const headers = { ...PUSH_HEADERS[protocol], 'x-prometheus-remote-write-version': other }
      const answer = await stage.send(compressed(message(protocol, LIST)), { headers })
      expect(answer.status).toBe(204)
    }
  })

  test.each([
    ['2.0', '1.0'],
    ['1.0', '2.0'],
  ] as const)('answers 400 to a body of %s that is declared as %s', async (actual, declared) => {
    const answer = await send(message(actual, LIST), declared)
    expect(answer.status).toBe(400)
    expect(answer.body).toContain(actual)
    expect(stage.store.received).toEqual([])
  })

  test('answers 400 to snappy in the framed format', async () => {
    const framed = Buffer.from('ff060000734e61507059', 'hex')
    const answer = await stage.send(framed, { headers: PUSH_HEADERS['2.0'] })
    expect(answer.status).toBe(400)
  })

  test('answers 400 to a series whose references lead nowhere, and writes the others', async () => {
    const symbols = new SymbolTable()
    const good = timeSeriesV2(series({ __name__: 'up', tenant: 'a' }), symbols)
    const sample = len(2, concat(double(1, 1), varintField(2, 1000)))
    const nowhere = len(5, concat(len(1, Uint8Array.from([1, 99])), sample))
    const odd = len(5, concat(len(1, Uint8Array.from([1])), sample))
    const unlabelled = len(5, sample)
    const answer = await send(concat(symbols.records(), good, nowhere, odd, unlabelled))
    expect({ status: answer.status, counts: countsOf(answer) }).toEqual({
      status: 400,
      counts: ['1', '0', '0'],
    })
  })

  test('takes fields of a later minor version and hands them on', async () => {
    const more = [len(77, 'of a series'), varintField(78, 5)]
    const answer = await send(message('2.0', [series({ __name__: 'up', tenant: 'a' }, { more })]))
    expect(answer.status).toBe(204)
    const [received] = stage.store.received
    const [one] = decodeMessage('2.0', unsnappy(received!.body)).series
    expect(one?.unknown.split(' ')).toEqual(more.map(bytes => Buffer.from(bytes).toString('hex')))
  })

  test('hands a start timestamp on as it came, and invents none', async () => {
    const bare = concat(double(1, 1), varintField(2, 1000))
    const started = concat(bare, varintField(3, 500))
    await send(message('2.0', [series({ __name__: 'up', tenant: 'a' }, { samples: [bare, started] })]))
    const [one] = decodeMessage('2.0', unsnappy(stage.store.received[0]!.body)).series
    expect(one?.samples).toEqual([bare, started].map(bytes => Buffer.from(bytes).toString('hex')))
  })
})
