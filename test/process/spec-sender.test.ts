/**
 * What the specifications of remote write ask of a sender, seen by a store behind the running process. docs/remote-write-2.md
 * names the rule that each test holds.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeMessage, type SeriesSeen, unsnappy } from '../support/decode.ts'
import { message, series } from '../support/messages.ts'
import { answerWith, type Respond } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import { compressed, type Stage, startStage } from '../support/stage.ts'
import { concat, varintField } from '../support/wire.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    config: {
      tenant: { label: 'tenant', label_remove: true, default: 'nobody' },
      retry: { min_backoff: '20ms', max_attempts: 4 },
      memo: { enabled: false },
      log_response_errors: true,
    },
  })
})
afterAll(() => stage[Symbol.asyncDispose]())
beforeEach(() => {
  stage.store.received.length = 0
  stage.store.respond = WROTE
})

/** Says that some was written, which is enough of a 2.0 store. */
const WROTE = answerWith(204, '', { 'x-prometheus-remote-write-samples-written': '1' })
const push = (list: Parameters<typeof message>[1], protocol: '1.0' | '2.0' = '2.0') =>
  stage.send(compressed(message(protocol, list)), { headers: PUSH_HEADERS[protocol] })
const up = (tenant = 'a') => series({ __name__: 'up', tenant })
const recorded = (file: string) =>
  readFileSync(new URL(`../fixtures/${file}.bin`, import.meta.url)) as Uint8Array
/** What the store has got, 2.0 and nothing else. */
const messages = () =>
  stage.store.received
    .filter(({ headers }) => headers['content-type']?.includes('v2.Request'))
    .map(({ body, headers }) => ({
      tenant: String(headers['x-scope-orgid']),
      ...decodeMessage('2.0', unsnappy(body)),
    }))
const RECORDED = ['prometheus-3.14/rw2/001', 'prometheus-3.14/rw2/007', 'prometheus-3.5/rw2/001']

describe('a sender', () => {
  test.each([
    ['1.0', 'application/x-protobuf', '0.1.0'],
    ['2.0', 'application/x-protobuf;proto=io.prometheus.write.v2.Request', '2.0.0'],
  ] as const)('of %s posts with the reserved headers', async (protocol, type, version) => {
    await push([up()], protocol)
    const [{ method, path, headers } = { method: '', path: '', headers: {} }] = stage.store.received
    expect({ method, path }).toEqual({ method: 'POST', path: '/api/v1/push' })
    expect(headers).toMatchObject({
      'content-type': type,
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': version,
      'user-agent': expect.stringMatching(/^Sluice\/\d+\.\d+\.\d+/),
    })
  })

  test.each(RECORDED)('writes a table of symbols as the message asks for it: %s', async file => {
    await stage.send(recorded(file), { headers: PUSH_HEADERS['2.0'] })
    expect(messages().length).toBeGreaterThan(1)
    for (const { symbols, series } of messages()) {
      expect(symbols[0]).toBe('')
      expect(new Set(symbols).size).toBe(symbols.length)
      expect(series.filter(one => one.hasBadReference)).toEqual([])
      const used = new Set(series.flatMap(stringsOf))
      expect(symbols.slice(1).filter(symbol => !used.has(symbol))).toEqual([])
    }
  })

  test.each(RECORDED)(
    'sends the whole label set of each series, in its order, and no sample twice: %s',
    async file => {
      await stage.send(recorded(file), { headers: PUSH_HEADERS['2.0'] })
      const sent = decodeMessage('2.0', unsnappy(recorded(file))).series.filter(hasValue)
      for (const { tenant, series } of messages()) {
        const own = sent.filter(one => tenantOf(one) === tenant)
        expect(series.map(one => [one.labels, one.samples, one.histograms])).toEqual(
          own.map(one => [one.labels.filter(([name]) => name !== 'tenant'), one.samples, one.histograms]),
        )
        for (const { labels } of series) {
          const names = labels.map(([name]) => name)
          expect(names).toEqual([...new Set(names)].sort())
          expect(labels.flat()).not.toContain('')
        }
      }
      expect(messages().flatMap(({ series }) => series)).toHaveLength(sent.length)
    },
  )

  test.each(RECORDED)('sends samples or histograms in every series, never both: %s', async file => {
    await stage.send(recorded(file), { headers: PUSH_HEADERS['2.0'] })
    for (const { samples, histograms } of messages().flatMap(({ series }) => series))
      expect([samples.length > 0, histograms.length > 0].filter(Boolean)).toHaveLength(1)
  })

  test('sends the metadata and the exemplars that there are', async () => {
    const file = 'prometheus-3.5/rw2/001'
    await stage.send(recorded(file), { headers: PUSH_HEADERS['2.0'] })
    const out = messages().flatMap(({ series }) => series)
    const sent = decodeMessage('2.0', unsnappy(recorded(file))).series
    const exemplars = (all: readonly SeriesSeen[]) =>
      all.flatMap(one => one.exemplars.map(it => JSON.stringify(it)))
    expect(exemplars(out).sort()).toEqual(exemplars(sent).sort())
    expect(out.every(({ metadata }) => metadata.length === 1 && metadata[0]!.help !== '')).toBe(true)
  })

  test('keeps the bits of a stale marker and of any timestamp', async () => {
    const stale = concat(Buffer.from('09020000000000f07f', 'hex'), varintField(2, -(2n ** 63n)))
    await push([series({ __name__: 'up', tenant: 'a' }, { samples: [stale] })])
    expect(messages()[0]?.series[0]?.samples).toEqual([Buffer.from(stale).toString('hex')])
  })

  test.each(['1.0', '2.0'] as const)('of %s sends the same again after a 503, and counts', async protocol => {
    let left = 3
    stage.store.respond = (...args) => (left-- > 0 ? answerWith(503) : WROTE)(...args)
    expect((await push([up()], protocol)).status).toBe(204)
    const attempts = stage.store.received.map(({ headers }) => headers['retry-attempt'])
    expect(attempts).toEqual([undefined, '1', '2', '3'])
    expect(new Set(stage.store.received.map(({ body }) => body.toString('hex'))).size).toBe(1)
  })

  test.each(['1.0', '2.0'] as const)(
    'of %s leaves it to who pushed to send again after a 500',
    async protocol => {
      stage.store.respond = answerWith(500)
      const { status, headers } = await push([up()], protocol)
      expect(status).toBe(503)
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      stage.store.respond = WROTE
      expect((await push([up()], protocol)).status).toBe(204)
      expect(stage.store.received).toHaveLength(2)
    },
  )

  // The first 2.0 request that a store ever gets is another matter: a 400 may mean that it knows 1.0 alone.
  test.each([
    [400, 400],
    [401, 503],
    [404, 503],
    [413, 400],
    [422, 400],
  ])('of 2.0 does not send again after a %d', async (status, answered) => {
    await push([up()])
    stage.store.received.length = 0
    stage.store.respond = answerWith(status, 'no')
    expect((await push([up()])).status).toBe(answered)
    expect(stage.store.received).toHaveLength(1)
  })

  test.each(['1.0', '2.0'] as const)('of %s heeds no body of a 2xx', async protocol => {
    stage.store.respond = answerWith(200, 'error: nothing was stored', {
      'x-prometheus-remote-write-samples-written': '1',
    })
    expect((await push([up()], protocol)).status).toBe(204)
    expect(stage.store.received).toHaveLength(1)
  })

  test('hands the words of an error on as they are, and reads nothing into them', async () => {
    stage.store.respond = answerWith(400, 'please retry: 503 Service Unavailable')
    const { status, body } = await push([up()], '1.0')
    expect({ status, body }).toEqual({
      status: 400,
      body: 'tenant a: 1 series rejected with 400: please retry: 503 Service Unavailable\n0 of 1 tenants delivered\n',
    })
    expect(stage.sluice.log()).toContain('please retry: 503 Service Unavailable')
  })

  test('makes nothing of a version header in an answer', async () => {
    stage.store.respond = answerWith(204, '', {
      'x-prometheus-remote-write-samples-written': '1',
      'x-prometheus-remote-write-version': '0.1.0',
    })
    for (let n = 0; n < 2; n++) expect((await push([up()])).status).toBe(204)
    expect(messages()).toHaveLength(2)
  })

  test('counts a 1.0 success as all that was sent, whatever headers come with it', async () => {
    const respond: Respond = answerWith(204, '', { 'x-prometheus-remote-write-samples-written': '0' })
    stage.store.respond = respond
    expect((await push([up()], '1.0')).status).toBe(204)
    expect(stage.store.received).toHaveLength(1)
  })
})

const hasValue = ({ samples, histograms }: SeriesSeen) => samples.length + histograms.length > 0
const tenantOf = ({ labels }: SeriesSeen) => labels.find(([name]) => name === 'tenant')?.[1] ?? 'nobody'

/** Every string that a series refers to. */
function stringsOf({ labels, exemplars, metadata }: SeriesSeen): (string | undefined)[] {
  return [
    ...labels.flat(),
    ...exemplars.flatMap(it => it.labels.flat()),
    ...metadata.flatMap(({ help, unit }) => [help, unit]),
  ]
}
