import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/demo/memory.ts'
import { type Store, startStore } from '../../../src/demo/store.ts'
import { type SentSeries, writeRequest } from '../../../src/demo/write-request.ts'
import { encodeSnappy } from '../../../src/remote-write/reference/compress.ts'

const NOW = 1_795_333_196_500

let store: Store
let now = NOW

beforeAll(async () => {
  const limits = { ...DEFAULT_LIMITS, seriesPerTenant: 5 }
  store = await startStore({ host: '127.0.0.1', port: 0, limits, now: () => now })
})
afterAll(() => store.close())
beforeEach(() => {
  now = NOW
})

const named = (name: string, value: number | undefined, labels: Record<string, string> = {}): SentSeries => ({
  labels: [['__name__', name], ...Object.entries(labels)],
  value,
})

function post(body: Uint8Array, headers: Record<string, string>): Promise<Response> {
  return fetch(`${store.url}/api/v1/push`, { method: 'POST', body: new Uint8Array(body), headers })
}

function push(tenant: string, series: readonly SentSeries[], time: number): Promise<Response> {
  return post(encodeSnappy(writeRequest(series, time), 'fast'), { ...RW1, 'x-scope-orgid': tenant })
}

const RW1 = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }

async function get(tenant: string, path: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(store.url + path, { headers: { 'x-scope-orgid': tenant } })
  return { status: answer.status, body: await answer.json() }
}

const query = (tenant: string, text: string, more = '') =>
  get(tenant, `/api/v1/query?query=${encodeURIComponent(text)}${more}`)

const vector = (...result: unknown[]) => ({
  status: 200,
  body: { status: 'success', data: { resultType: 'vector', result } },
})

describe('what was pushed can be asked for', () => {
  test('by its tenant, in the shape of Prometheus', async () => {
    expect(
      (await push('asks', [named('up', 1, { job: 'api' }), named('load', 0.25)], NOW - 1000)).status,
    ).toBe(200)
    expect(await query('asks', 'up{job="api"}')).toEqual(
      vector({ metric: { __name__: 'up', job: 'api' }, value: [1795333196.5, '1'] }),
    )
    expect(await query('asks', '{__name__=~"lo.+"}', '&time=1795333196')).toEqual(
      vector({ metric: { __name__: 'load' }, value: [1795333196, '0.25'] }),
    )
    expect(await query('somebody-else', 'up')).toEqual(vector())
  })

  test('as series, label names and label values', async () => {
    await push(
      'lists',
      [named('up', 1, { job: 'api' }), named('up', 0, { job: 'web' }), named('load', 2)],
      NOW,
    )
    expect(await get('lists', '/api/v1/series?match[]=up')).toEqual({
      status: 200,
      body: {
        status: 'success',
        data: [
          { __name__: 'up', job: 'api' },
          { __name__: 'up', job: 'web' },
        ],
      },
    })
    const data = async (path: string) => ((await get('lists', path)).body as { data: unknown }).data
    expect(await data('/api/v1/label/__name__/values')).toEqual(['load', 'up'])
    expect(await data('/api/v1/label/job/values?match[]=up{job="web"}')).toEqual(['web'])
    expect(await data('/api/v1/labels')).toEqual(['__name__', 'job'])
    expect(await data('/api/v1/series?match[]=load&match[]=up{job="api"}')).toHaveLength(2)
    expect(await data(`/api/v1/labels?start=${NOW / 1000 + 1}`)).toEqual([])
    expect(await data('/api/v1/labels?end=2020-01-01T00:00:00Z')).toEqual([])
  })

  test('by POST with a form', async () => {
    await push('posts', [named('up', 1)], NOW)
    const answer = await fetch(`${store.url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: 'up' }),
      headers: { 'x-scope-orgid': 'posts' },
    })
    expect(await answer.json()).toMatchObject({ data: { result: [{ metric: { __name__: 'up' } }] } })
  })

  test('and the tenants are listed with their counts', async () => {
    await push('counted', [named('a', 1), named('b', 1)], NOW)
    const { body } = await get('', '/api/v1/tenants')
    const tenants = (body as { data: { tenant: string }[] }).data
    expect(tenants.find(({ tenant }) => tenant === 'counted')).toEqual({
      tenant: 'counted',
      series: 2,
      samples: 2,
      pushes: 1,
      refused: 0,
    })
    expect(store.stats()).toEqual(tenants)
  })
})

describe('an instant query', () => {
  test('does not see a sample that is five minutes old', async () => {
    await push('ages', [named('up', 1)], NOW)
    now = NOW + 299_999
    expect((await query('ages', 'up')).body).toMatchObject({ data: { result: [{}] } })
    now = NOW + 300_000
    expect(await query('ages', 'up')).toEqual(vector())
  })

  test('does not see a series after its stale marker, and sees it before', async () => {
    await push('ends', [named('up', 1)], NOW - 10_000)
    await push('ends', [named('up', undefined)], NOW - 5_000)
    expect(await query('ends', 'up')).toEqual(vector())
    expect((await query('ends', 'up', `&time=${(NOW - 6_000) / 1000}`)).body).toMatchObject({
      data: { result: [{ value: [1795333190.5, '1'] }] },
    })
    await push('ends', [named('up', 0)], NOW)
    expect((await query('ends', 'up')).body).toMatchObject({
      data: { result: [{ value: [1795333196.5, '0'] }] },
    })
  })

  test('sees a NaN that is no stale marker', async () => {
    await push('nans', [named('ratio', Number.NaN), named('most', Number.POSITIVE_INFINITY)], NOW)
    expect((await query('nans', 'ratio')).body).toMatchObject({
      data: { result: [{ value: [1795333196.5, 'NaN'] }] },
    })
    expect((await query('nans', 'most')).body).toMatchObject({
      data: { result: [{ value: [1795333196.5, '+Inf'] }] },
    })
  })
})

describe('a bad query gets an error in the shape of Prometheus', () => {
  const cases: readonly (readonly [path: string, error: RegExp])[] = [
    ['/api/v1/query?query=rate(up[5m])', /^invalid parameter "query": .*metric selectors only/],
    ['/api/v1/query', /^invalid parameter "query": missing/],
    ['/api/v1/query?query=up&time=soon', /^invalid parameter "time": cannot parse "soon"/],
    ['/api/v1/series', /^no match\[\] parameter provided/],
    ['/api/v1/series?match[]={}', /^invalid parameter "match\[\]": .*at least one matcher/],
    ['/api/v1/labels?end=1e400', /^invalid parameter "end"/],
  ]
  for (const [path, error] of cases) {
    test(path, async () => {
      expect(await get('asks', path)).toEqual({
        status: 400,
        body: { status: 'error', errorType: 'bad_data', error: expect.stringMatching(error) as string },
      })
    })
  }
})

describe('a push is refused', () => {
  const body = encodeSnappy(writeRequest([named('up', 1)], NOW), 'fast')
  const cases: readonly (readonly [
    why: string,
    status: number,
    body: Uint8Array,
    headers: Record<string, string>,
  ])[] = [
    ['without a tenant', 401, body, RW1],
    ['with a tenant that is none', 400, body, { ...RW1, 'x-scope-orgid': 'a|b' }],
    ['as JSON', 415, body, { ...RW1, 'x-scope-orgid': 'a', 'content-type': 'application/json' }],
    ['as zstd', 415, body, { ...RW1, 'x-scope-orgid': 'a', 'content-encoding': 'zstd' }],
    [
      'as remote write 2.0',
      415,
      body,
      {
        ...RW1,
        'x-scope-orgid': 'a',
        'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      },
    ],
    ['when it is corrupt snappy', 400, body.subarray(0, body.length - 1), { ...RW1, 'x-scope-orgid': 'a' }],
    ['when it is no message', 400, Uint8Array.of(2, 4, 0x0a, 0x7f), { ...RW1, 'x-scope-orgid': 'a' }],
    ['when it is empty', 400, new Uint8Array(0), { ...RW1, 'x-scope-orgid': 'a' }],
    [
      'when it claims a gigabyte',
      400,
      Uint8Array.of(0x80, 0x80, 0x80, 0x80, 4, 0),
      { ...RW1, 'x-scope-orgid': 'a' },
    ],
    ['over 8 MiB', 413, new Uint8Array((8 << 20) + 1), { ...RW1, 'x-scope-orgid': 'a' }],
  ]
  for (const [why, status, bytes, headers] of cases) {
    test(why, async () => {
      const answer = await post(bytes, headers)
      expect(answer.status).toBe(status)
      expect(await answer.text()).not.toBe('')
    })
  }

  test('beyond the bound of series, after its good part is stored', async () => {
    const six = Array.from({ length: 6 }, (_, i) => named(`m${i}`, i))
    const answer = await push('grows', six, NOW)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toBe('this store holds 5 series per tenant and takes no new one\n')
    expect((await query('grows', '{__name__=~"m."}')).body).toMatchObject({ data: { result: { length: 5 } } })
  })
})

test('a query without a tenant is 401, and an unknown route says what there is', async () => {
  expect((await fetch(`${store.url}/api/v1/query?query=up`)).status).toBe(401)
  const answer = await fetch(`${store.url}/api/v1/query_range`)
  expect(answer.status).toBe(404)
  expect(await answer.text()).toContain('/api/v1/push')
})
