import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import type { Protocol } from '../../../src/remote-write/split.ts'
import { Cancellation } from '../../../src/share/cancellation.ts'
import type { Verdict } from '../../../src/share/verdict.ts'
import type { TenantId } from '../../../src/tenant.ts'
import type { Reply, Upstream, UpstreamOptions } from '../../../src/upstream/upstream.ts'
import { answerWith, type Respond, startReceiver } from '../../support/receiver.ts'
import { upstreamTo } from '../../support/upstream.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function upstreamAt(origin: string, over: Partial<UpstreamOptions> = {}): Upstream {
  const upstream = upstreamTo(origin, over)
  cleanups.push(() => upstream.destroy())
  return upstream
}

async function receiverWith(respond: Respond) {
  const receiver = await startReceiver(respond)
  cleanups.push(async () => receiver[Symbol.asyncDispose]())
  return receiver
}

interface Sent {
  readonly tenant?: string
  readonly protocol?: Protocol
  readonly headers?: Record<string, string>
  readonly cancellation?: Cancellation
}

/** One attempt for a tenant, as a lane makes it. */
const reply = (upstream: Upstream, options: Sent = {}): Promise<Reply> =>
  upstream.attempt(
    {
      route: upstream.route((options.tenant ?? 'team-a') as TenantId),
      protocol: options.protocol ?? '1.0',
      body: Buffer.from('body'),
      headers: options.headers ?? {},
    },
    options.cancellation ?? new Cancellation(),
  )

const send = async (upstream: Upstream, options: Sent = {}) => (await reply(upstream, options)).verdict

const WRITTEN = {
  samples: 'x-prometheus-remote-write-samples-written',
  histograms: 'x-prometheus-remote-write-histograms-written',
  exemplars: 'x-prometheus-remote-write-exemplars-written',
}

describe('an attempt', () => {
  test('carries the tenant, the protocol headers and the body', async () => {
    const receiver = await receiverWith(answerWith(200))
    const upstream = upstreamAt(receiver.url, { username: 'u', password: new Secret('p:w') })
    expect(await send(upstream, { headers: { 'retry-attempt': '2' } })).toEqual({
      kind: 'delivered',
      status: 200,
      written: 'all',
    })
    const [received] = receiver.received
    expect(received?.method).toBe('POST')
    expect(received?.path).toBe('/api/v1/push')
    expect(received?.body.toString()).toBe('body')
    expect(received?.headers).toMatchObject({
      'x-scope-orgid': 'team-a',
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'content-length': '4',
      'x-prometheus-remote-write-version': '0.1.0',
      'retry-attempt': '2',
      authorization: `Basic ${Buffer.from('u:p:w').toString('base64')}`,
    })
  })

  test('of 2.0 says so letter by letter, and differs from 1.0 in nothing else', async () => {
    const receiver = await receiverWith(answerWith(204))
    const upstream = upstreamAt(receiver.url)
    for (const protocol of ['1.0', '2.0'] as const) await send(upstream, { protocol })
    const [one, two] = receiver.received.map(({ headers }) => headers)
    expect(two).toEqual({
      ...one,
      'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'x-prometheus-remote-write-version': '2.0.0',
    })
    expect(two?.['user-agent']).toBe('Sluice/1.2.3')
  })

  test.each<[number, Record<string, string>, Reply['reported']]>([
    [204, {}, undefined],
    [
      204,
      { [WRITTEN.samples]: '3', [WRITTEN.histograms]: '2', [WRITTEN.exemplars]: '1' },
      { samples: 3, histograms: 2, exemplars: 1 },
    ],
    [200, { [WRITTEN.samples]: ' 7 ' }, { samples: 7, histograms: 0, exemplars: 0 }],
    [202, { [WRITTEN.exemplars]: '0' }, { samples: 0, histograms: 0, exemplars: 0 }],
    [400, { [WRITTEN.histograms]: '4' }, { samples: 0, histograms: 4, exemplars: 0 }],
    [429, { [WRITTEN.samples]: '1' }, { samples: 1, histograms: 0, exemplars: 0 }],
    [500, { [WRITTEN.samples]: '1' }, { samples: 1, histograms: 0, exemplars: 0 }],
    [204, { [WRITTEN.samples]: '-1', [WRITTEN.histograms]: '1.5', [WRITTEN.exemplars]: '' }, undefined],
    [
      204,
      { [WRITTEN.samples]: '1e3', [WRITTEN.histograms]: '2' },
      { samples: 0, histograms: 2, exemplars: 0 },
    ],
    [204, { [WRITTEN.samples]: '9'.repeat(16) }, undefined],
  ])(
    'of 2.0 that is answered with %d and %j tells what was written: %j',
    async (status, headers, reported) => {
      const receiver = await receiverWith(answerWith(status, '', headers))
      const upstream = upstreamAt(receiver.url)
      expect((await reply(upstream, { protocol: '2.0' })).reported).toEqual(reported)
      expect((await reply(upstream, { protocol: '1.0' })).reported).toBeUndefined()
    },
  )

  test('whose answer is cut off has written nothing, whatever its headers say', async () => {
    const receiver = await receiverWith((_received, response) => {
      const headers = { 'content-length': '10', [WRITTEN.samples]: '1' }
      response.writeHead(200, headers).write('x', () => response.destroy())
    })
    expect(await reply(upstreamAt(receiver.url), { protocol: '2.0' })).toMatchObject({
      verdict: { status: 0 },
      reported: undefined,
    })
  })

  test.each([
    ['7:8', '/insert/7:8/write'],
    ["a!_.*'()-", "/insert/a!_.*'()-/write"],
    ['"<{a}>^`', '/insert/%22%3C%7Ba%7D%3E%5E%60/write'],
  ])('puts the tenant %j into the path as %s, and into no header', async (tenant, path) => {
    const receiver = await receiverWith(answerWith(204))
    const target = { origin: receiver.url, pathParts: ['/insert/', '/write'] }
    await send(upstreamAt(receiver.url, { target, tenantHeader: '' }), { tenant })
    expect(receiver.received[0]?.path).toBe(path)
    expect(receiver.received[0]?.headers).not.toHaveProperty('x-scope-orgid')
  })

  test.each<[number, Verdict['kind']]>([
    [200, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [302, 'unreachable'],
    [400, 'rejected'],
    [401, 'rejected'],
    [408, 'unreachable'],
    [409, 'rejected'],
    [413, 'rejected'],
    [429, 'throttled'],
    [500, 'unreachable'],
    [503, 'unreachable'],
    [529, 'unreachable'],
  ])('that is answered with %d is %s', async (status, kind) => {
    const receiver = await receiverWith(answerWith(status, status === 204 ? '' : 'why'))
    expect(await send(upstreamAt(receiver.url))).toMatchObject({ kind, status })
  })

  test('tells the first line of the reason, cut and escaped, and the time to wait', async () => {
    const receiver = await receiverWith(
      answerWith(429, `slow\x1b[31m down ${'x'.repeat(5000)}\nsecond`, { 'retry-after': '7' }),
    )
    const verdict = await send(upstreamAt(receiver.url))
    expect(verdict).toMatchObject({ kind: 'throttled', retryAfterMs: 7000 })
    const reason = 'reason' in verdict ? verdict.reason : ''
    expect(reason.startsWith('slow\\x1b[31m down xxx')).toBe(true)
    expect(reason.length).toBeLessThan(210)
  })

  test('reads no more of an endless answer than it needs', async () => {
    const receiver = await receiverWith((_received, response) => {
      response.writeHead(400)
      const more = () => {
        while (response.write(Buffer.alloc(65536, 'x')));
      }
      response.on('drain', more)
      more()
    })
    expect(await send(upstreamAt(receiver.url))).toMatchObject({ kind: 'rejected' })
  })

  test('does not follow a redirect', async () => {
    const elsewhere = await receiverWith(answerWith(204))
    const receiver = await receiverWith(answerWith(307, '', { location: `${elsewhere.url}/x` }))
    expect(await send(upstreamAt(receiver.url))).toMatchObject({
      kind: 'unreachable',
      status: 307,
    })
    expect(elsewhere.received).toHaveLength(0)
  })

  test('that gets no answer in time is unreachable, and says the limit', async () => {
    const receiver = await receiverWith(() => {})
    const verdict = await send(upstreamAt(receiver.url, { timeoutMs: 100 }))
    expect(verdict).toMatchObject({
      kind: 'unreachable',
      status: 0,
      reason: 'no answer within timeout (0.1 s)',
    })
  })

  test('whose answer never ends is unreachable too', async () => {
    const receiver = await receiverWith((_received, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('x')
    })
    expect(await send(upstreamAt(receiver.url, { timeoutMs: 100 }))).toMatchObject({
      status: 0,
    })
  })

  test('whose answer is cut off is unreachable', async () => {
    const receiver = await receiverWith((_received, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy())
    })
    expect(await send(upstreamAt(receiver.url))).toMatchObject({
      kind: 'unreachable',
      status: 0,
    })
  })

  test('to a port where nobody listens is unreachable', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise(resolve => server.close(resolve))
    const verdict = await send(upstreamAt(`http://127.0.0.1:${port}`))
    expect(verdict).toMatchObject({
      kind: 'unreachable',
      status: 0,
      cause: 'connect',
      reason: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('ends at once when the sender is gone', async () => {
    const receiver = await receiverWith(() => gone.cancel(new Error('the sender is gone')))
    const gone = new Cancellation()
    const verdict = await send(upstreamAt(receiver.url), { cancellation: gone })
    expect(verdict).toMatchObject({ kind: 'unreachable', reason: 'the sender is gone' })
  })
})
