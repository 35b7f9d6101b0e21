/**
 * How the answers of the store become the answer to the sender. Where cortex-tenant answers otherwise, its answer stands
 * in the title (test/e2e/drop-in-answers.test.ts asks it); docs/migrate-from-cortex-tenant.md says why.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ANSWER_CASES, answerByTenant, BODY_CASES } from '../support/answer-cases.ts'
import { message, metadata, series } from '../support/messages.ts'
import { answerWith } from '../support/receiver.ts'
import { compressed, type Stage, startStage } from '../support/stage.ts'
import { concat } from '../support/wire.ts'

const of = (...tenants: readonly string[]) => tenants.map(tenant => ({ __name__: 'up', tenant }))

let stage: Stage
beforeAll(async () => {
  // One attempt each, whatever came before: what lanes make of failures is in lanes.test.ts.
  const config = { retry: { max_attempts: 1 }, breaker: { failures: 0 }, memo: { enabled: false } }
  stage = await startStage({ config: { timeout: '500ms', tenant: { label: 'tenant' }, ...config } })
  stage.store.respond = answerByTenant
})
beforeEach(() => {
  stage.stored()
})
afterAll(() => stage[Symbol.asyncDispose]())

describe('the answer to a push', () => {
  test.each(ANSWER_CASES)('of $tenants is $status (peer: $peer)', async ({ tenants, status }) => {
    const answer = await stage.push(of(...tenants))
    expect(answer.status).toBe(status)
    // Whatever became of one, every tenant's share was sent, and once.
    expect(stage.stored().map(({ tenant }) => tenant)).toEqual([...tenants].sort())
    expect(answer.headers['retry-after'] === undefined).toBe(status !== 503 && status !== 429)
  })

  test('names the tenants, their series and the reason that the store gave', async () => {
    const { body, headers } = await stage.push([...of('s400', 's400'), ...of('s200')])
    expect(body).toBe('tenant s400: 2 series rejected with 400: reason of s400\n1 of 2 tenants delivered\n')
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
  })

  test('says that the store did not answer in time', async () => {
    const { body } = await stage.push(of('mute'))
    expect(body).toContain('tenant mute: 1 series unreachable: no answer within timeout (0.5 s)')
  })

  test.each(BODY_CASES)('of $what is $status (peer: $peer)', async ({ body, status, sent }) => {
    expect((await stage.send(body)).status).toBe(status)
    expect(stage.stored().map(({ tenant }) => tenant)).toEqual(sent)
  })

  test('of a series without a tenant is 400, after all others were delivered (peer: 400, nothing is sent)', async () => {
    const answer = await stage.push([{ __name__: 'lost' }, ...of('s200')])
    expect(answer).toMatchObject({ status: 400, body: '1 series refused: 1 without a tenant label\n' })
    expect(stage.stored()).toEqual([{ tenant: 's200', series: of('s200') }])
  })

  test('of metadata among series is that of the series, and the metadata is left out', async () => {
    const answer = await stage.send(
      compressed(concat(message('1.0', [series({ tenant: 's200' })]), metadata('up', ''))),
    )
    expect(answer.status).toBe(204)
    expect(stage.store.received.map(({ body }) => body)).toEqual([
      Buffer.from(compressed(message('1.0', [series({ tenant: 's200' })]))),
    ])
  })

  test('waits no longer than retry_after_max for what the store wishes (peer: no Retry-After)', async () => {
    stage.store.respond = answerWith(429, 'slow down', { 'retry-after': '3600' })
    try {
      const { status, headers } = await stage.push(of('any'))
      expect({ status, wait: headers['retry-after'] }).toEqual({ status: 429, wait: '10' })
    } finally {
      stage.store.respond = answerByTenant
    }
  })

  test('does not follow a redirect', async () => {
    stage.store.respond = answerWith(307, '', { location: `${stage.store.url}/elsewhere` })
    try {
      expect((await stage.push(of('any'))).status).toBe(503)
      expect(stage.store.received.map(({ path }) => path)).toEqual(['/api/v1/push'])
    } finally {
      stage.store.respond = answerByTenant
    }
  })
})

describe('a share', () => {
  test('keeps its series in their order', async () => {
    const list = ['3', '1', '2'].flatMap(n => ['s200', 's204'].map(tenant => ({ __name__: 'up', n, tenant })))
    await stage.push(list)
    const orders = stage.stored().map(share => share.series.map(({ n }) => n))
    expect(orders).toEqual([
      ['3', '1', '2'],
      ['3', '1', '2'],
    ])
  })

  test('goes out with our own headers, and with what a store needs of the sender’s', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const headers = {
      authorization: 'Bearer secret',
      cookie: 'a=b',
      'user-agent': 'Prometheus/3.14.0',
      'retry-attempt': '2',
      'x-forwarded-for': '10.0.0.1',
      'x-scope-orgid': 'somebody-else',
      traceparent,
    }
    await stage.push(of('s200'), { headers })
    const [received] = stage.store.received
    expect(received?.method).toBe('POST')
    expect(received?.headers).toEqual({
      host: `127.0.0.1:${stage.store.port}`,
      connection: 'keep-alive',
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'content-length': String(received?.body.length),
      'x-prometheus-remote-write-version': '0.1.0',
      'x-scope-orgid': 's200',
      'user-agent': expect.stringMatching(/^Sluice\/\d+\.\d+\.\d+ Prometheus\/3\.14\.0$/),
      'retry-attempt': '2',
      traceparent,
    })
  })
})
