import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Client, type ClientOptions } from '../../../src/egress/client.ts'
import type { Connection } from '../../../src/egress/connection.ts'
import { selfSigned } from '../../support/certificate.ts'
import { eventually } from '../../support/eventually.ts'
import { answerWith, startReceiver } from '../../support/receiver.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function clientOf(origin: string, over: Partial<ClientOptions> = {}): Client {
  const client = new Client({
    origin: new URL(origin),
    ca: undefined,
    timeoutMs: 5000,
    maxConnectionDurationMs: 0,
    ipv6: false,
    ...over,
  })
  cleanups.push(() => client.destroy())
  return client
}

/** Sends one body; resolves with the status, or with what was wrong. */
function send(client: Client, body: Uint8Array | string = 'x', started?: (on: Connection) => void) {
  return new Promise<string>(resolve => {
    let answer = ''
    client.request(
      { head: 'POST / HTTP/1.1\r\nhost: x\r\n', body: Buffer.from(body) },
      {
        started: connection => started?.(connection),
        answered: status => {
          answer = String(status)
        },
        data() {},
        ended: () => resolve(answer),
        failed: error => resolve(error.message),
      },
    )
  })
}

interface Store {
  readonly origin: string
  /** One for each connection, in order. */
  readonly sockets: Socket[]
}

/** A store that is no more than sockets; `heard` gets each piece that comes. */
async function rawStore(heard: (socket: Socket, text: string) => void): Promise<Store> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', bytes => heard(socket, bytes.toString('latin1')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

describe('a client', () => {
  test('uses a connection again, and opens another only where all are busy', async () => {
    const store = await rawStore(socket => setTimeout(() => socket.write(OK), 5))
    const client = clientOf(store.origin)
    expect(await Promise.all([send(client), send(client)])).toEqual(['200', '200'])
    for (let i = 0; i < 5; i++) expect(await send(client)).toBe('200')
    expect(store.sockets).toHaveLength(2)
  })

  test('sends each body whole and unmixed, small and large, over one connection', async () => {
    const receiver = await startReceiver(answerWith(200, 'thanks'))
    cleanups.push(() => receiver[Symbol.asyncDispose]())
    const client = clientOf(receiver.url)
    const bodies = [10, 5000, 3, 70_000, 4000, 1_000_000, 0, 1].map((length, n) => Buffer.alloc(length, n))
    for (const body of bodies) expect(await send(client, body)).toBe('200')
    expect(receiver.received.map(({ body }) => body.equals(bodies.shift() as Buffer))).toEqual(
      Array(8).fill(true),
    )
  })

  test.each([
    ['says that it closes', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'],
    ['keeps it too shortly', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: timeout=1\r\n\r\n'],
    ['says more than it was asked', `${OK}${OK}`],
  ])('does not use a connection again whose store %s', async (_why, answer) => {
    const store = await rawStore(socket => socket.write(answer))
    const client = clientOf(store.origin)
    for (let i = 0; i < 3; i++) expect(await send(client)).toBe('200')
    expect(store.sockets).toHaveLength(3)
  })

  test('does not take for an answer what the store sent before it was asked', async () => {
    const store = await rawStore((socket, text) => {
      if (text.endsWith('x')) socket.write(OK)
      if (text.endsWith('y')) socket.write('HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n')
    })
    const client = clientOf(store.origin)
    expect(await send(client)).toBe('200')
    const [socket] = store.sockets as [Socket]
    socket.write(OK)
    await once(socket, 'end')
    expect(await send(client, 'y')).toBe('500')
  })

  test('opens another connection where the store has ended an idle one', async () => {
    const store = await rawStore(socket => socket.write(OK))
    const client = clientOf(store.origin)
    expect(await send(client)).toBe('200')
    const [socket] = store.sockets as [Socket]
    socket.end()
    await eventually(() => socket.destroyed)
    expect(await send(client)).toBe('200')
  })

  test('ends idle connections before the store does', async () => {
    const store = await rawStore(socket =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nKeep-Alive: max=9, timeout=3\r\n\r\n'),
    )
    const client = clientOf(store.origin)
    for (let i = 0; i < 2; i++) expect(await send(client)).toBe('200')
    const [socket, ...others] = store.sockets as [Socket]
    expect(others).toEqual([])
    await once(socket, 'end')
  })

  test('ends connections that are too old', async () => {
    const store = await rawStore(socket => setTimeout(() => socket.write(OK), 20))
    const client = clientOf(store.origin, { maxConnectionDurationMs: 1 })
    for (let i = 0; i < 3; i++) expect(await send(client)).toBe('200')
    expect(store.sockets).toHaveLength(3)
  })

  test('does not go on with a request that was answered before it was written', async () => {
    const store = await rawStore(socket => {
      socket.pause()
      socket.write(OK)
    })
    const client = clientOf(store.origin)
    expect(await send(client, Buffer.alloc(32 * 1024 * 1024))).toBe('200')
    expect(await send(client)).toBe('200')
    expect(store.sockets).toHaveLength(2)
  })

  test.each([
    ['no HTTP', 'what?\r\n\r\n', 'not an answer of HTTP/1.1: no status line'],
    ['half an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab', 'other side closed'],
    ['nothing', '', 'other side closed'],
  ])('says what was wrong where the store answers with %s', async (_what, answer, expected) => {
    const store = await rawStore(socket => socket.end(answer))
    expect(await send(clientOf(store.origin))).toBe(expected)
  })

  test('takes all until the end of the connection for the answer, where no length is said', async () => {
    const store = await rawStore(socket => socket.end('HTTP/1.1 400 no\r\n\r\nwhy'))
    expect(await send(clientOf(store.origin))).toBe('400')
  })

  test('ends the connection of a request that is aborted, also where it has just begun', async () => {
    const store = await rawStore(() => {})
    const client = clientOf(store.origin)
    expect(await send(client, 'x', connection => connection.abort(new Error('enough')))).toBe('enough')
    const later = send(client, 'x', connection => setTimeout(() => connection.abort(new Error('later')), 5))
    expect(await later).toBe('later')
    await eventually(() => store.sockets.every(socket => socket.readableEnded || socket.destroyed))
  })

  test('fails what is under way when it is destroyed', async () => {
    const store = await rawStore(() => client.destroy())
    const client = clientOf(store.origin)
    expect(await send(client)).toBe('other side closed')
  })

  test('speaks TLS where the origin does, and does not trust everybody', async () => {
    const certificate = await selfSigned()
    const receiver = await startReceiver(answerWith(200), certificate)
    cleanups.push(() => receiver[Symbol.asyncDispose]())
    const client = clientOf(receiver.url, { ca: certificate.cert })
    const bodies = ['a', 'b'.repeat(100_000), 'c']
    for (const body of bodies) expect(await send(client, body)).toBe('200')
    expect(receiver.received.map(({ body }) => body.toString())).toEqual(bodies)
    expect(await send(clientOf(receiver.url))).toContain('self-signed')
  })

  test('does not wait for ever for a connection', async () => {
    // It takes connections, and says nothing: TLS does not come about.
    const store = await rawStore(() => {})
    const client = clientOf(store.origin.replace('http', 'https'), { timeoutMs: 100 })
    expect(await send(client)).toBe('no connection within timeout')
    await eventually(() => store.sockets.every(socket => socket.readableEnded || socket.destroyed))
  })
})
