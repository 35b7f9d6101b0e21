/** What lanes make of shares that wait and of stores that fail, in the real process. */
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { held } from '../support/held.ts'
import { answerWith } from '../support/receiver.ts'
import { decodePush } from '../support/remote-write.ts'
import { startStage } from '../support/stage.ts'

const attempts = (store: { received: unknown[] }) => store.received.splice(0).length

describe('a share', () => {
  test('is tried again after a broken connection and a 503, but not after a 500, a 4xx or silence', async () => {
    await using stage = await startStage({ config: { timeout: '500ms' } })
    const { store } = stage
    const cases = [
      ['broken', { status: 503, attempts: 3 }],
      ['503', { status: 503, attempts: 3 }],
      ['500', { status: 503, attempts: 1 }],
      ['429', { status: 429, attempts: 1 }],
      ['400', { status: 400, attempts: 1 }],
      ['mute', { status: 503, attempts: 1 }],
    ] as const
    store.respond = (received, response, request) => {
      const tenant = received.headers['x-scope-orgid'] as string
      if (tenant === 'broken') request.socket.destroy()
      else if (tenant !== 'mute') answerWith(Number(tenant))(received, response, request)
    }
    for (const [tenant, expected] of cases) {
      const { status } = await stage.push([{ tenant }])
      expect({ tenant, status, attempts: attempts(store) }).toEqual({ tenant, ...expected })
    }
  })

  test('of a tenant that failed five times in a row is not tried for a while, and others are', async () => {
    await using stage = await startStage({ config: { breaker: { cooldown: '60s' } } })
    stage.store.respond = (received, response, request) => {
      const failing = received.headers['x-scope-orgid'] === 'bad'
      answerWith(failing ? 500 : 204)(received, response, request)
    }
    const push = async (tenant: string, n: number) => (await stage.push([{ tenant, n: String(n) }])).status
    for (let n = 0; n < 5; n++) expect(await push('bad', n)).toBe(503)
    expect(attempts(stage.store)).toBe(5)
    expect(await push('bad', 5)).toBe(503)
    expect(attempts(stage.store)).toBe(0)
    expect(await push('good', 6)).toBe(204)
  })

  test('that was delivered is not sent again when the sender repeats its push', async () => {
    await using stage = await startStage()
    const list = [{ tenant: 'good' }, { tenant: 'late' }]
    let failing = true
    stage.store.respond = (received, response, request) => {
      const late = received.headers['x-scope-orgid'] === 'late'
      answerWith(late && failing ? 500 : 204)(received, response, request)
    }
    expect((await stage.push(list)).status).toBe(503)
    expect(stage.stored().map(({ tenant }) => tenant)).toEqual(['good', 'late'])
    failing = false
    expect((await stage.push(list)).status).toBe(204)
    expect(stage.stored().map(({ tenant }) => tenant)).toEqual(['late'])
  })
})

test('shares that wait leave together, and no sender’s headers stand for the others', async () => {
  await using stage = await startStage()
  const { respond, release, waiting } = held()
  stage.store.respond = respond
  const first = stage.push([{ tenant: 'a', n: '0' }])
  await eventually(() => waiting.length === 1)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const others = ['3', '1', '2'].map(n => {
    const headers = { 'user-agent': 'Prometheus/3.14.0', 'retry-attempt': n, traceparent }
    return stage.push([{ tenant: 'a', n }], { headers })
  })
  await eventually(async () => (await stage.metric('sluice_lanes_queued_shares{upstream="default"}')) === 3)
  stage.store.received.length = 0
  release()
  await eventually(() => waiting.length === 1)
  const [batch] = stage.store.received
  expect(batch?.headers).toMatchObject({ 'x-scope-orgid': 'a', 'retry-attempt': '3' })
  expect(batch?.headers['user-agent']).toMatch(/^Sluice\/\S+$/)
  expect(batch?.headers).not.toHaveProperty('traceparent')
  release()
  const answers = await Promise.all([first, ...others])
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204])
  const shares = stage.stored()
  expect(shares).toHaveLength(1)
  expect(shares[0]?.series.map(({ n }) => n).sort()).toEqual(['1', '2', '3'])
})

test('replicas of the Prometheus Operator’s name never share a request, without any configuration', async () => {
  await using stage = await startStage()
  const wrong: unknown[] = []
  stage.store.respond = (received, response) => {
    const replicas = decodePush(received.body, '1.0').map(({ labels }) =>
      new Map(labels).get('prometheus_replica'),
    )
    if (new Set(replicas).size > 1) wrong.push(replicas)
    setTimeout(() => response.writeHead(204).end(), 60)
  }
  const send = async (replica: string) => {
    for (let n = 0; n < 5; n++) {
      const series = { cluster: 'c', n: String(n), prometheus_replica: replica, tenant: 't1' }
      const answers = await Promise.all([stage.push([series]), stage.push([{ ...series, m: '2' }])])
      expect(answers.map(({ status }) => status)).toEqual([204, 204])
    }
  }
  await Promise.all([send('a'), send('b')])
  expect(wrong).toEqual([])
  expect(stage.stored().flatMap(({ series }) => series)).toHaveLength(20)
})
