import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { readPush } from '../../../src/demo/received.ts'
import { isStale } from '../../../src/demo/samples.ts'
import { Sender } from '../../../src/demo/sender.ts'

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

let server: Server | undefined
afterEach(() => server?.close())

/** Answers push n with `statuses[n]`, then stops the sender. */
async function receive(statuses: readonly number[], registry: Registry, onPush = () => {}) {
  const received: Received[] = []
  const stop = new AbortController()
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const status = statuses[received.length] ?? 204
    received.push({ headers: request.headers, body })
    onPush()
    response.writeHead(status).end('because\x1b[31m of that')
    if (received.length >= statuses.length) stop.abort()
  })
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const target = { labels: { tenant: 'team-a', job: 'test' }, registry, keeps: () => true }
  const sender = new Sender({ url: `http://127.0.0.1:${port}/api/v1/push`, targets: [target], intervalMs: 5 })
  await sender.run(stop.signal)
  return { received, sender }
}

test('a push is remote write 1.0, with the tenant’s series and the sender’s own', async () => {
  const registry = new Registry()
  new Gauge({ name: 'temperature', help: 'h', registers: [registry] }).set(21.5)
  const begin = Date.now()
  const { received, sender } = await receive([204], registry)
  const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = received
  expect(headers).toMatchObject({
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
    'user-agent': 'sluice-demo',
  })
  expect(headers['retry-attempt']).toBeUndefined()
  const series = readPush(body, 1 << 20)
  expect(series[0]?.labels).toEqual([
    ['__name__', 'temperature'],
    ['job', 'test'],
    ['tenant', 'team-a'],
  ])
  expect(series[0]?.samples[0]?.bits).toBe(0x4035_8000_0000_0000n)
  expect(series[0]?.samples[0]?.time).toBeGreaterThanOrEqual(begin)
  expect(series.some(({ labels }) => !labels.some(([name]) => name === 'tenant'))).toBe(true)
  expect(sender.stats).toEqual({ delivered: 1, retried: 0, dropped: 0, lastError: '' })
})

test('after a 5xx the same bytes come again, and say so', async () => {
  const { received, sender } = await receive([503, 500, 204], new Registry())
  expect(received.map(({ headers }) => headers['retry-attempt'])).toEqual([undefined, '1', '2'])
  expect(received[1]?.body.equals(received[0]?.body ?? Buffer.alloc(0))).toBe(true)
  expect(received[2]?.body.equals(received[0]?.body ?? Buffer.alloc(0))).toBe(true)
  expect(sender.stats).toMatchObject({
    delivered: 1,
    retried: 2,
    dropped: 0,
    lastError: '500: because [31m of that',
  })
})

test('a push that got a 4xx is given up, and the next one is another', async () => {
  const { received, sender } = await receive([400, 204], new Registry())
  expect(received[1]?.headers['retry-attempt']).toBeUndefined()
  expect(sender.stats).toMatchObject({ delivered: 1, retried: 0, dropped: 1 })
})

test('a series that is gone gets a stale marker once', async () => {
  const registry = new Registry()
  const gauge = new Gauge({ name: 'visitor', help: 'h', labelNames: ['who'], registers: [registry] })
  gauge.set({ who: 'me' }, 1)
  const { received } = await receive([204, 204, 204], registry, () => gauge.remove({ who: 'me' }))
  const visits = received.map(({ body }) =>
    readPush(body, 1 << 20)
      .filter(({ labels }) => labels[0]?.[1] === 'visitor')
      .flatMap(({ samples }) => samples.map(isStale)),
  )
  expect(visits).toEqual([[false], [true], []])
})

test('a sender that nobody answers ends when it is told to', async () => {
  const stop = new AbortController()
  const sender = new Sender({ url: 'http://127.0.0.1:1/', targets: [], intervalMs: 5 })
  const running = sender.run(stop.signal)
  while (sender.stats.retried === 0) await new Promise(resolve => setTimeout(resolve, 5))
  stop.abort()
  await running
  expect(sender.stats).toMatchObject({ delivered: 0, dropped: 0 })
  expect(sender.stats.lastError).toMatch(/^no answer: /)
})
