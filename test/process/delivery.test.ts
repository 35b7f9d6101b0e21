/** What happens to a push when something fails, is too much, or ends. */
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { busyGauges } from '../support/gauges.ts'
import { held } from '../support/held.ts'
import { answerWith, type Respond } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { bodyOf, type Stage, startStage } from '../support/stage.ts'

const up = (tenant: string) => ({ __name__: 'up', tenant })
const tenantsOf = (stage: Stage) => stage.stored().map(({ tenant }) => tenant)
const idle = async (stage: Stage) =>
  expect(await busyGauges(Number(stage.sluice.metricsUrl.port))).toEqual([])

/** Answers one tenant so, and all others 204. */
const only =
  (tenant: string, respond: Respond): Respond =>
  (received, ...rest) =>
    (received.headers['x-scope-orgid'] === tenant ? respond : answerWith(204))(received, ...rest)

describe('a push that is sent again', () => {
  const fails = only('b', answerWith(500))

  test('reaches only the tenants that miss it', async () => {
    await using stage = await startStage()
    stage.store.respond = fails
    const list = [up('a'), up('b'), up('c')]
    expect((await stage.push(list)).status).toBe(503)
    expect(tenantsOf(stage)).toEqual(['a', 'b', 'c'])
    expect((await stage.push(list)).status).toBe(503)
    expect(tenantsOf(stage)).toEqual(['b'])
    stage.store.respond = answerWith(204)
    expect((await stage.push(list)).status).toBe(204)
    expect(tenantsOf(stage)).toEqual(['b'])
    expect(await stage.metric('sluice_shares_total{verdict="remembered"}')).toBe(4)
    expect(await stage.metric('sluice_shares_total{verdict="delivered"}')).toBe(3)
    expect(await stage.metric('sluice_memo_pushes')).toBe(1)
    // Other bytes are another push, even of as many.
    expect((await stage.push([up('a'), up('b'), up('d')])).status).toBe(204)
    expect(tenantsOf(stage)).toEqual(['a', 'b', 'd'])
    await idle(stage)
  })

  test('reaches all of them with memo.enabled: false', async () => {
    await using stage = await startStage({ config: { memo: { enabled: false } } })
    stage.store.respond = fails
    for (let tries = 0; tries < 2; tries++) {
      expect((await stage.push([up('a'), up('b')])).status).toBe(503)
      expect(tenantsOf(stage)).toEqual(['a', 'b'])
    }
    expect(await stage.metric('sluice_shares_total{verdict="remembered"}')).toBeUndefined()
    expect(await stage.metric('sluice_memo_pushes')).toBe(0)
  })
})

test('a sender that leaves takes with it what nobody else waits for', async () => {
  await using stage = await startStage({ config: { max_conns_per_host: 1 } })
  let ended = 0
  const { respond, waiting } = held()
  stage.store.respond = (received, response, request) => {
    response.once('close', () => ended++)
    respond(received, response, request)
  }
  const leave = new AbortController()
  const gone = stage.push([up('a'), up('b'), up('c')], { signal: leave.signal }).catch(() => 'gone')
  await eventually(() => waiting.length === 1)
  leave.abort()
  expect(await gone).toBe('gone')
  await eventually(() => ended === 1)
  await eventually(async () => (await stage.metric('sluice_errors_total{code="client_gone"}')) === 1)
  expect(await stage.metric('sluice_lane_events_total{event="withdrawn",upstream="default"}')).toBe(2)
  expect(stage.sluice.log()).toContain('client_gone')
  stage.store.respond = answerWith(204)
  expect((await stage.push([up('d')])).status).toBe(204)
  expect(tenantsOf(stage)).toEqual(['a', 'd'])
  await idle(stage)
})

describe('stopping', () => {
  test('answers 503 to what the store holds for longer than drain_timeout, and says how many', async () => {
    await using stage = await startStage({ config: { drain_timeout: '300ms' } })
    const { respond, waiting } = held()
    stage.store.respond = respond
    const pushes = ['a', 'b', 'c'].map(tenant => stage.push([up(tenant)]))
    await eventually(() => waiting.length === 3)
    expect(await stage.sluice.end('SIGTERM')).toBe(0)
    for (const { status, headers, body } of await Promise.all(pushes)) {
      expect(status).toBe(503)
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      expect(body).toContain('this process ended before the push was delivered')
    }
    const lines = stage.sluice.log().split('\n')
    const line = lines.find(text => text.includes('not delivered within drain_timeout')) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({ pushes: 3, seconds: 0.3 })
  })

  test('does not wait for the drain after a second signal', async () => {
    await using stage = await startStage({ config: { drain_timeout: '60s' } })
    const { respond, waiting } = held()
    stage.store.respond = respond
    const push = stage.push([up('a')]).catch(() => 'broken')
    await eventually(() => waiting.length === 1)
    stage.sluice.signal('SIGTERM')
    // It takes no new connection any more, so the first signal has arrived.
    const alive = () => request(new URL('/alive', stage.sluice.url), { method: 'GET' })
    await eventually(() =>
      alive().then(
        () => false,
        () => true,
      ),
    )
    expect(await stage.sluice.end('SIGTERM')).toBe(143)
    expect(await push).toBe('broken')
  })
})

test('limits.max_in_flight_bytes refuses what is too much with 503, and admits one push whatever its size', async () => {
  const body = bodyOf(Array.from({ length: 50 }, (_, i) => ({ ...up('a'), i: `${i}` })))
  await using stage = await startStage({ config: { limits: { max_in_flight_bytes: '1KiB' } } })
  const { respond, release, waiting } = held()
  stage.store.respond = respond
  const only = stage.send(body)
  await eventually(() => waiting.length === 1)
  const refused = await stage.push([up('b')])
  expect(refused.status).toBe(503)
  expect(refused.body).toContain('limits.max_in_flight_bytes')
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(5)
  release()
  expect((await only).status).toBe(204)
  expect(await stage.metric('sluice_limit_hits_total{limit="limits.max_in_flight_bytes"}')).toBe(1)
  expect(tenantsOf(stage)).toEqual(['a'])
  await idle(stage)
})

describe('connections of senders', () => {
  test('are closed with an answer when they are old, and live on without an age', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const headersOf = async (stage: Stage) => {
      const { status, headers } = await stage.push([up('a')], { agent })
      expect(status).toBe(204)
      return headers.connection
    }
    {
      await using stage = await startStage({ config: { ingress: { max_connection_age: '300ms' } } })
      expect(await headersOf(stage)).not.toBe('close')
      await eventually(async () => (await headersOf(stage)) === 'close')
      // The next one is young again.
      expect(await headersOf(stage)).not.toBe('close')
      await idle(stage)
    }
    agent.destroy()
  })

  test('beyond ingress.max_connections are closed at once', async () => {
    await using stage = await startStage({ config: { ingress: { max_connections: 2 } } })
    const open = () =>
      new Promise<Socket>(resolve => {
        const socket = connect(Number(stage.sluice.url.port), '127.0.0.1', () => resolve(socket))
        socket.on('error', () => {})
      })
    const closed = (socket: Socket) =>
      socket.destroyed
        ? Promise.resolve()
        : new Promise<void>(resolve => socket.once('close', () => resolve()))
    const first = [await open(), await open()]
    const third = await open()
    third.resume()
    await closed(third)
    for (const socket of first) socket.destroy()
    await eventually(() =>
      stage.push([up('a')]).then(
        ({ status }) => status === 204,
        () => false,
      ),
    )
  })
})

describe('what the store says', () => {
  test('on_429 and on_upstream_refusal decide what the sender hears, and nothing else', async () => {
    const statuses = async (config: Record<string, unknown>) => {
      await using stage = await startStage({ config })
      const out: unknown[] = []
      for (const status of [429, 401, 403, 404, 405, 415]) {
        stage.store.respond = answerWith(status, 'no', status === 429 ? { 'retry-after': '2' } : {})
        const answer = await stage.push([up(`t${status}`)])
        out.push([status, answer.status, answer.headers['retry-after'] !== undefined])
      }
      expect(await stage.metric('sluice_shares_total{verdict="throttled"}')).toBe(1)
      expect(await stage.metric('sluice_shares_total{verdict="rejected"}')).toBe(5)
      expect(stage.store.received).toHaveLength(6)
      return out
    }
    expect(await statuses({})).toEqual([
      [429, 429, true],
      ...[401, 403, 404, 405, 415].map(status => [status, 503, true]),
    ])
    expect(await statuses({ on_429: 'retry', on_upstream_refusal: 'pass' })).toEqual([
      [429, 503, true],
      ...[401, 403, 404, 405, 415].map(status => [status, 400, false]),
    ])
  })
})

test('tenant_failure.shed gives up what its store fails for, and that is counted and logged', async () => {
  const config = { tenant_failure: { shed: ['dev-*=300ms'] }, breaker: { failures: 0 } }
  await using stage = await startStage({ config })
  stage.store.respond = answerWith(500)
  expect((await stage.push([up('dev-1')])).status).toBe(503)
  await sleep(350)
  const shed = await stage.push([up('dev-1')])
  expect(shed.status).toBe(400)
  expect(shed.body).toContain('shed by tenant_failure.shed')
  expect((await stage.push([up('prod')])).status).toBe(503)
  expect(await stage.metric('sluice_lane_events_total{event="shed",upstream="default"}')).toBe(1)
  expect(stage.sluice.log()).toContain('shed by tenant_failure.shed')
  // Not given up for good.
  stage.store.respond = answerWith(204)
  expect((await stage.push([up('dev-1')])).status).toBe(204)
  stage.store.respond = answerWith(500)
  expect((await stage.push([up('dev-1')])).status).toBe(503)
  await idle(stage)
})

test('tenants beyond limits.max_tenants_per_push are refused, and the others are delivered', async () => {
  await using stage = await startStage({ config: { limits: { max_tenants_per_push: 2 } } })
  const { status, body } = await stage.push([up('a'), up('b'), up('c'), up('a'), up('d')])
  expect(status).toBe(400)
  expect(body).toContain('2 of tenants beyond limits.max_tenants_per_push')
  expect(stage.stored().map(({ tenant, series }) => [tenant, series.length])).toEqual([
    ['a', 2],
    ['b', 1],
  ])
  await idle(stage)
})
