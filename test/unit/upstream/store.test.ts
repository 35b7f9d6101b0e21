import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Reply } from '../../../src/protocol.ts'
import { Secret } from '../../../src/schema/secret.ts'
import { Cancellation } from '../../../src/share/cancellation.ts'
import type { Verdict } from '../../../src/share/verdict.ts'
import type { TenantId } from '../../../src/tenant.ts'
import { BasicCredentials } from '../../../src/upstream/credentials.ts'
import type { Store, StoreOptions } from '../../../src/upstream/store.ts'
import { answerWith, type Respond, startReceiver } from '../../support/receiver.ts'
import { storeAt } from '../../support/store.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function upstreamAt(origin: string, over: Partial<StoreOptions> = {}): Store {
  const store = storeAt(origin, over)
  cleanups.push(() => store[Symbol.asyncDispose]())
  return store
}

async function receiverWith(respond: Respond) {
  const receiver = await startReceiver(respond)
  cleanups.push(async () => receiver[Symbol.asyncDispose]())
  return receiver
}

interface Sent {
  readonly tenant?: string
  readonly content?: readonly string[]
  readonly headers?: Record<string, string>
  readonly cancellation?: Cancellation
}

/** One attempt for a tenant, as a lane makes it. */
const reply = (store: Store, options: Sent = {}): Promise<Reply> =>
  store.lane((options.tenant ?? 'team-a') as TenantId)(
    { content: options.content ?? CONTENT, body: Buffer.from('body') },
    { headers: options.headers ?? {}, cancellation: options.cancellation ?? new Cancellation() },
  )

const send = async (upstream: Store, options: Sent = {}) => (await reply(upstream, options)).verdict

const CONTENT = ['content-type', 'application/x-protobuf', 'content-encoding', 'snappy']
const WRITTEN = 'x-prometheus-remote-write-samples-written'

describe('an attempt', () => {
  test('carries the tenant, the protocol headers and the body', async () => {
    const receiver = await receiverWith(answerWith(200))
    const upstream = upstreamAt(receiver.url, { credentials: new BasicCredentials('u', new Secret('p:w')) })
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
      'retry-attempt': '2',
      authorization: `Basic ${Buffer.from('u:p:w').toString('base64')}`,
    })
  })

  test('says what its body is as it was told, and who we are', async () => {
    const receiver = await receiverWith(answerWith(204))
    const upstream = upstreamAt(receiver.url)
    await send(upstream, { content: ['content-type', 'application/json'] })
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Sluice/1.2.3',
    })
  })

  test('has the configuration’s own headers, and of a sender’s those that may pass', async () => {
    const receiver = await receiverWith(answerWith(204))
    const upstream = upstreamAt(receiver.url, { constant: ['x-env', 'prod'], forwarded: new Set(['x-may']) })
    await send(upstream, { headers: { 'x-may': '1', 'x-may-not': '1', traceparent: '00' } })
    const { headers } = receiver.received[0] ?? {}
    expect(headers).toMatchObject({ 'x-env': 'prod', 'x-may': '1', traceparent: '00' })
    expect(headers).not.toHaveProperty('x-may-not')
  })

  test('has other credentials as soon as there are any', async () => {
    const receiver = await receiverWith(answerWith(204))
    const password = { text: 'one' }
    const upstream = upstreamAt(receiver.url, { credentials: new BasicCredentials('u', password) })
    const way = upstream.lane('a' as TenantId)
    for (const text of ['one', 'two', 'two']) {
      password.text = text
      await way(
        { content: CONTENT, body: Buffer.from('body') },
        { headers: {}, cancellation: new Cancellation() },
      )
    }
    const sent = receiver.received.map(({ headers }) => String(headers.authorization).slice('Basic '.length))
    expect(sent.map(text => Buffer.from(text, 'base64').toString())).toEqual(['u:one', 'u:two', 'u:two'])
  })

  test('that is answered with 401 tells whoever has the credentials', async () => {
    const receiver = await receiverWith(answerWith(401))
    let refused = 0
    const credentials = new BasicCredentials('u', { text: 'old' }, () => refused++)
    await send(upstreamAt(receiver.url, { credentials }))
    expect(refused).toBe(1)
  })

  test('hands the headers of the answer back', async () => {
    const receiver = await receiverWith(answerWith(400, '', { [WRITTEN]: '4' }))
    expect((await reply(upstreamAt(receiver.url))).headers[WRITTEN]).toBe('4')
  })

  test('whose answer is cut off has no headers', async () => {
    const receiver = await receiverWith((_received, response) => {
      const headers = { 'content-length': '10', [WRITTEN]: '1' }
      response.writeHead(200, headers).write('x', () => response.destroy())
    })
    expect(await reply(upstreamAt(receiver.url))).toMatchObject({ verdict: { status: 0 }, headers: {} })
    expect((await reply(upstreamAt(receiver.url))).headers).not.toHaveProperty(WRITTEN)
  })

  test.each([
    ['7:8', '/insert/7:8/write'],
    ["a!_.*'()-", "/insert/a!_.*'()-/write"],
    ['"<{a}>^`', '/insert/%22%3C%7Ba%7D%3E%5E%60/write'],
  ])('puts the tenant %j into the path as %s, and into no header', async (tenant, path) => {
    const receiver = await receiverWith(answerWith(204))
    const over = { pathParts: ['/insert/', '/write'], carrier: { kind: 'none' } } as const
    await send(upstreamAt(receiver.url, over), { tenant })
    expect(receiver.received[0]?.path).toBe(path)
    expect(receiver.received[0]?.headers).not.toHaveProperty('x-scope-orgid')
  })

  test.each([
    ['7', '7', '0'],
    ['7:8', '7', '8'],
  ])('puts the account %s into two headers', async (tenant, account, project) => {
    const receiver = await receiverWith(answerWith(204))
    const carrier = { kind: 'header_pair', account: 'AccountID', project: 'ProjectID' } as const
    await send(upstreamAt(receiver.url, { carrier }), { tenant })
    expect(receiver.received[0]?.headers).toMatchObject({ accountid: account, projectid: project })
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
