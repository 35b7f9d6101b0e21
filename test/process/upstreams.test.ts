/** Several stores in one process: who gets what, by which way, and what none of them hears of another. */
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { message, series } from '../support/messages.ts'
import { storeThat } from '../support/protocol-stores.ts'
import { answerWith, type Receiver, startReceiver } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import { request } from '../support/request.ts'
import { compressed, startStage } from '../support/stage.ts'

const up = (tenant: string) => ({ __name__: 'up', tenant })

/** Sluice before two stores, of which neither is that of `target`. */
async function startTwo({
  one = {},
  two = {},
  routes = [
    { tenants: ['a*'], upstream: 'one' },
    { tenants: ['b*'], upstream: 'two' },
  ],
  ...more
}: Readonly<Record<string, unknown>> = {}) {
  const stores = { one: await startReceiver(), two: await startReceiver() }
  const stage = await startStage({
    config: {
      target: undefined,
      upstreams: {
        one: { target: `${stores.one.url}/one/push`, ...(one as object) },
        two: { target: `${stores.two.url}/two/push`, ...(two as object) },
      },
      routes,
      ...more,
    },
  })
  return {
    stage,
    ...stores,
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]()
      await stores.one[Symbol.asyncDispose]()
      await stores.two[Symbol.asyncDispose]()
    },
  }
}

/** Tenants of the requests that a store has got since this was last asked. */
const tenantsAt = (store: Receiver) =>
  store.received
    .splice(0)
    .map(({ headers }) => headers['x-scope-orgid'])
    .sort()

const IMPATIENT = { retry: { max_attempts: 1 }, breaker: { failures: 0 } }

describe('two stores', () => {
  test('with different protocols, paths and credentials get their own, and nothing of each other', async () => {
    await using two = await startTwo({
      one: { auth: { username: 'first', password: 'p1' }, headers: { 'X-Api-Key': 'k1' } },
      two: {
        auth: { username: 'second', password: 'p2' },
        tenant_header: 'X-Team',
        headers: { 'X-Zone': 'z2' },
      },
    })
    const { stage } = two
    const [old, modern] = [storeThat('answers 415'), storeThat('knows 2.0')]
    two.one.respond = old.respond
    two.two.respond = modern.respond
    const body = compressed(message('2.0', [series(up('a1')), series(up('b1')), series(up('b2'))]))
    for (let round = 0; round < 2; round++) {
      const answer = await stage.send(body, { headers: PUSH_HEADERS['2.0'] })
      expect(answer.status).toBe(204)
      expect(answer.headers['x-prometheus-remote-write-samples-written']).toBe('3')
    }
    expect(old.stored).toEqual(['1.0 a1: up', '1.0 a1: up'])
    expect(modern.stored).toEqual(Array(4).fill('2.0 undefined: up'))
    expect(old.asked).toEqual(['2.0', '1.0', '1.0'])

    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    for (const { path, headers } of two.one.received) {
      expect(path).toBe('/one/push')
      expect(headers).toMatchObject({
        authorization: basic('first:p1'),
        'x-api-key': 'k1',
        'x-scope-orgid': 'a1',
      })
      expect(headers).not.toHaveProperty('x-zone')
      expect(headers).not.toHaveProperty('x-team')
    }
    for (const { path, headers } of two.two.received) {
      expect(path).toBe('/two/push')
      expect(headers).toMatchObject({ authorization: basic('second:p2'), 'x-zone': 'z2' })
      expect(headers['x-team']).toMatch(/^b[12]$/)
      expect(headers).not.toHaveProperty('x-api-key')
      expect(headers).not.toHaveProperty('x-scope-orgid')
    }
    expect(await stage.metric('sluice_upstream_protocol{upstream="one"}')).toBe(1)
    expect(await stage.metric('sluice_upstream_protocol{upstream="two"}')).toBe(2)
    expect(await stage.metric('sluice_lane_events_total{event="fell_back",upstream="one"}')).toBe(1)
    expect(await stage.metric('sluice_lane_events_total{event="fell_back",upstream="two"}')).toBe(0)
  })

  test('share a push: it is split once and answered once, by the worst that came of it', async () => {
    await using two = await startTwo(IMPATIENT)
    const { stage } = two
    let n = 0
    // Each another one, or what was rejected before would be remembered.
    const push = async () => await stage.push([up('a'), up('b'), { ...up('b'), n: `${n++}` }])
    expect((await push()).status).toBe(204)
    two.two.respond = answerWith(400, 'out of bounds')
    const rejected = await push()
    expect(rejected).toMatchObject({
      status: 400,
      body: expect.stringContaining('tenant b: 2 series rejected'),
    })
    expect(rejected.body).toContain('1 of 2 tenants delivered')
    two.one.respond = answerWith(429, 'slow down')
    expect((await push()).status).toBe(429)
    two.two.respond = answerWith(503, 'down')
    const unreachable = await push()
    expect(unreachable.status).toBe(503)
    expect(unreachable.body).toMatch(
      /tenant a: 1 series throttled with 429: slow down\ntenant b: 2 series unreachable with 503: down/,
    )
    expect(two.one.received.length + two.two.received.length).toBe(8)
    expect(await stage.metric('sluice_split_duration_seconds_count')).toBe(4)
    expect(await stage.metric('sluice_pushes_total{protocol="1.0",status="204"}')).toBe(1)
    expect(await stage.metric('sluice_pushes_total{protocol="1.0",status="503"}')).toBe(1)
  })

  test('do not hold each other’s tenants: the breaker of one that is down is its own', async () => {
    await using two = await startTwo({
      breaker: { failures: 1, cooldown: '60s' },
      retry: { max_attempts: 1 },
    })
    const { stage } = two
    await two.two[Symbol.asyncDispose]()
    const open = (name: string) => stage.metric(`sluice_upstream_breaker_open{upstream="${name}"}`)
    for (let i = 0; i < 5; i++) expect((await stage.push([up(`b${i}`)])).status).toBe(503)
    await eventually(async () => (await open('two')) === 1)
    expect(await open('one')).toBe(0)
    for (let i = 0; i < 5; i++) expect((await stage.push([up(`a${i}`)])).status).toBe(204)
    const both = await stage.push([up('a0'), up('b0')])
    expect(both).toMatchObject({ status: 503, body: expect.stringContaining('1 of 2 tenants delivered') })
    expect(two.one.received.length).toBe(6)
    expect(await stage.metric('sluice_breakers_open{upstream="one"}')).toBe(0)
    expect(await stage.metric('sluice_breakers_open{upstream="two"}')).toBeGreaterThan(0)
  })

  test('get of a sender’s headers what their own sections let pass', async () => {
    await using two = await startTwo({
      one: { forward_headers: ['X-One', 'X-Both'] },
      two: { forward_headers: ['X-Two', 'X-Both'] },
    })
    const headers = {
      'X-One': '1',
      'X-Two': '2',
      'X-Both': '3',
      'X-None': '4',
      Authorization: 'Basic c2VuZGVy',
    }
    expect((await two.stage.push([up('a'), up('b')], { headers })).status).toBe(204)
    const heard = ({ received }: Receiver) =>
      Object.fromEntries(
        Object.entries(received[0]?.headers ?? {}).filter(([name]) =>
          /^(x-(one|two|both|none)|authorization)$/.test(name),
        ),
      )
    expect(heard(two.one)).toEqual({ 'x-one': '1', 'x-both': '3' })
    expect(heard(two.two)).toEqual({ 'x-two': '2', 'x-both': '3' })
  })

  test('stand by their names in metrics, gauges and the log', async () => {
    await using two = await startTwo({ ...IMPATIENT, log_level: 'info' })
    const { stage } = two
    two.two.respond = answerWith(503, 'down')
    expect((await stage.push([up('a'), up('b')])).status).toBe(503)
    const { body } = await request(stage.sluice.metricsUrl, { method: 'GET' })
    const names = (name: string) =>
      Object.fromEntries(['one', 'two', 'default'].map(of => [of, named(body, name, of).length > 0]))
    for (const metric of [
      'sluice_lanes',
      'sluice_lanes_in_flight',
      'sluice_lanes_queued_bytes_per_lane_limit',
      'sluice_upstream_connections',
      'sluice_upstream_connections_limit',
      'sluice_upstream_breaker_open',
      'sluice_upstream_protocol',
      'sluice_upstream_attempt_shares_count',
      'sluice_lane_events_total',
    ]) {
      expect([metric, names(metric)]).toEqual([metric, { one: true, two: true, default: false }])
    }
    const attempts = (upstream: string, verdict: string) =>
      stage.metric(
        `sluice_upstream_attempt_duration_seconds_count{upstream="${upstream}",verdict="${verdict}"}`,
      )
    expect([await attempts('one', 'delivered'), await attempts('two', 'unreachable')]).toEqual([1, 1])
    expect(stage.sluice.log()).toContain(`"stores":{"one":"${two.one.url}","two":"${two.two.url}"}`)
    expect(stage.sluice.log()).toMatch(/"upstreams":\["two"\].*"msg":"push failed"/)
  })
})

const named = (metrics: string, name: string, upstream: string) =>
  metrics.split('\n').filter(line => line.startsWith(`${name}{`) && line.includes(`upstream="${upstream}"`))

describe('a route', () => {
  const routes = [
    { tenants: ['a-special'], upstream: 'two' },
    { paths: ['/team/b'], upstream: 'two' },
    { tenants: ['a-*'], upstream: 'one' },
    { tenants: ['a-never', 'b'], upstream: 'two' },
  ]

  test('is found by the exact name of a tenant, a pattern or the path; the first that matches counts', async () => {
    await using two = await startTwo({ routes })
    expect((await two.stage.push([up('a-special'), up('a-x'), up('a-never'), up('b')])).status).toBe(204)
    expect([tenantsAt(two.one), tenantsAt(two.two)]).toEqual([
      ['a-never', 'a-x'],
      ['a-special', 'b'],
    ])

    const { url } = two.stage.sluice
    const body = compressed(message('1.0', [series(up('a-x')), series(up('unknown'))]))
    const at = (path: string, method = 'POST') =>
      request(
        new URL(`${url.origin}${path}`),
        method === 'POST' ? { body, headers: PUSH_HEADERS['1.0'] } : { method },
      )
    // A path that only the configuration knows.
    expect((await at('/team/b')).status).toBe(204)
    expect((await at('//team//b?x=1')).status).toBe(204)
    expect([tenantsAt(two.one), tenantsAt(two.two)]).toEqual([[], ['a-x', 'a-x', 'unknown', 'unknown']])
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, headers } = await at('/team/b', method)
      expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'POST' })
    }
    for (const path of ['/team/b/', '/team', '/team/c', '/team/b/push'])
      expect((await at(path)).status).toBe(404)
  })

  test('comes and goes with a reload, and so does its path', async () => {
    await using two = await startTwo({ routes: [] })
    const body = compressed(message('1.0', [series(up('x'))]))
    const push = async (path: string) =>
      (await request(new URL(path, two.stage.sluice.url), { body, headers: PUSH_HEADERS['1.0'] })).status
    const config = {
      target: undefined,
      upstreams: { one: { target: `${two.one.url}/push` } },
      routes: [{ paths: ['/in'], upstream: 'one' }],
    }
    expect([await push('/in'), await push('/push')]).toEqual([404, 400])
    expect((await two.stage.reload(config)).status).toBe(200)
    expect([await push('/in'), await push('/push')]).toEqual([204, 400])
    expect((await two.stage.reload({ ...config, routes: [{ upstream: 'one' }] })).status).toBe(200)
    expect([await push('/in'), await push('/push')]).toEqual([404, 204])
  })

  test('that is missing for a tenant refuses its series with their number and an example; the rest is delivered', async () => {
    await using two = await startTwo()
    const { status, body } = await two.stage.push([
      up('a'),
      up('lost'),
      { ...up('lost'), n: '1' },
      up('other'),
    ])
    expect([status, body]).toEqual([
      400,
      '3 series refused: 3 of tenants that no route leads to a store ("lost")\n',
    ])
    expect([tenantsAt(two.one), tenantsAt(two.two)]).toEqual([['a'], []])
    expect(await two.stage.metric('sluice_refused_series_total{reason="no_route",policy="reject"}')).toBe(3)
    // It is for nobody else to decide, so the sender hears of it beside what the store says.
    two.one.respond = answerWith(503, 'down')
    expect((await two.stage.push([up('a'), up('lost')])).status).toBe(503)
  })
})

describe('a tenant', () => {
  test('is told by AccountID and ProjectID with header_pair', async () => {
    await using two = await startTwo({
      tenant: { label: 'tenant', format: 'victoriametrics' },
      routes: [{ upstream: 'two' }],
      two: { tenant: 'header_pair' },
    })
    expect((await two.stage.push([up('1:2'), up('7')])).status).toBe(204)
    const told = two.two.received.map(({ headers }) => [
      headers.accountid,
      headers.projectid,
      headers['x-scope-orgid'],
    ])
    expect(told.sort()).toEqual([
      ['1', '2', undefined],
      ['7', '0', undefined],
    ])
  })

  test('is told by nothing with none, and by the path alone with path', async () => {
    await using two = await startTwo({
      one: { tenant: 'none', headers: { 'X-Scope-OrgID': 'everybody' } },
    })
    const { stage } = two
    expect((await stage.push([up('a1'), up('a2')])).status).toBe(204)
    expect(two.one.received.map(({ headers }) => headers['x-scope-orgid'])).toEqual([
      'everybody',
      'everybody',
    ])
    const routes = [{ upstream: 'two' }]
    const target = `${two.two.url}/insert/{tenant}/push`
    await stage.reload({ target: undefined, upstreams: { two: { target } }, routes })
    expect((await stage.push([up('b1')])).status).toBe(204)
    expect(two.two.received.map(({ path, headers }) => [path, headers['x-scope-orgid']])).toEqual([
      ['/insert/b1/push', undefined],
    ])
  })
})
