import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Cancellation } from '../../../src/share/cancellation.ts'
import type { TenantId } from '../../../src/tenant.ts'
import type { Store, StoreOptions } from '../../../src/upstream/store.ts'
import { eventually } from '../../support/eventually.ts'
import { answerWith, startReceiver } from '../../support/receiver.ts'
import { storeAt } from '../../support/store.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function upstreamAt(origin: string, over: Partial<StoreOptions> = {}): Store {
  const upstream = storeAt(origin, over)
  cleanups.push(() => upstream[Symbol.asyncDispose]())
  return upstream
}

/** Sends one body; resolves with the status, or with what was wrong. */
async function send(upstream: Store, body: Uint8Array = Buffer.from('x'), cancellation = new Cancellation()) {
  const { verdict } = await upstream.lane('a' as TenantId)(
    { content: [], body },
    { headers: {}, cancellation },
  )
  return verdict.status === 0 && 'reason' in verdict ? verdict.reason : verdict.status
}

interface RawStore {
  readonly origin: string
  /** One for each connection, in order. */
  readonly sockets: Socket[]
}

/** A store that is no more than sockets; `heard` gets each piece that comes. */
async function rawStore(heard: (socket: Socket, bytes: Buffer) => void): Promise<RawStore> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', bytes => heard(socket, bytes as Buffer))
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

describe('connections to the store', () => {
  test('are used again, and more are opened only while all are busy', async () => {
    const receiver = await startReceiver(answerWith(204))
    cleanups.push(() => receiver[Symbol.asyncDispose]())
    const ports = new Set<number | undefined>()
    receiver.respond = (_received, response, request) => {
      ports.add(request.socket.remotePort)
      setTimeout(() => response.writeHead(204).end(), 5)
    }
    const upstream = upstreamAt(receiver.url)
    expect(await Promise.all([send(upstream), send(upstream)])).toEqual([204, 204])
    for (let i = 0; i < 5; i++) expect(await send(upstream)).toBe(204)
    expect(ports.size).toBe(2)
  })

  test('are ended when they are too old', async () => {
    const store = await rawStore(socket => setTimeout(() => socket.write(OK), 20))
    const upstream = upstreamAt(store.origin, { maxConnectionDurationMs: 1 })
    for (let i = 0; i < 3; i++) expect(await send(upstream)).toBe(200)
    expect(store.sockets).toHaveLength(3)
    await eventually(() => store.sockets.every(socket => socket.destroyed))
  })

  test('are ended where the answer came before the request was written, so that its memory is free', async () => {
    let heard = 0
    let spoilt = 0
    const store = await rawStore((socket, bytes) => {
      if (heard === 0) socket.write(OK)
      heard += bytes.length
      spoilt += bytes.filter(byte => byte === 0xee).length
    })
    const upstream = upstreamAt(store.origin)
    const body = new Uint8Array(64 * 1024 * 1024).fill(0xaa)
    expect(await send(upstream, body)).toBe(200)
    body.fill(0xee)
    await eventually(() => store.sockets.every(socket => socket.destroyed))
    expect(heard).toBeLessThan(64 * 1024 * 1024)
    expect(spoilt).toBe(0)
    heard = 0
    expect(await send(upstream)).toBe(200)
    expect(store.sockets).toHaveLength(2)
  })

  test('are made no more when all were ended', async () => {
    const receiver = await startReceiver(answerWith(204))
    cleanups.push(() => receiver[Symbol.asyncDispose]())
    const upstream = upstreamAt(receiver.url)
    expect(await send(upstream)).toBe(204)
    await upstream[Symbol.asyncDispose]()
    // Once in place of the one that was there, and once as a new one.
    expect(await send(upstream)).toMatch(/destroyed/)
    expect(await Promise.all([send(upstream), send(upstream)])).toEqual([
      expect.stringMatching(/destroyed/),
      expect.stringMatching(/destroyed/),
    ])
    expect(receiver.received).toHaveLength(1)
  })

  test('that break are made anew by the next request', async () => {
    const store = await rawStore(socket => {
      if (store.sockets.length === 1) socket.destroy()
      else socket.write(OK)
    })
    const upstream = upstreamAt(store.origin)
    expect(await send(upstream)).toMatch(/closed|RESET/)
    expect(await send(upstream)).toBe(200)
  })

  test('that do not come about keep nobody waiting, and send nothing later', async () => {
    // It takes connections, and says nothing: TLS does not come about.
    const store = await rawStore(() => {})
    const upstream = upstreamAt(store.origin.replace('http', 'https'), { timeoutMs: 50 })
    expect(await send(upstream)).toBe('no answer within timeout (0.05 s)')
    const gone = new Cancellation()
    const sent = send(upstream, Buffer.from('x'), gone)
    gone.cancel(new Error('nobody waits'))
    expect(await sent).toBe('nobody waits')
    await eventually(() => store.sockets.every(socket => socket.destroyed))
  })

  test('are all ended when it is destroyed, and what is under way fails', async () => {
    const store = await rawStore(() => void upstream[Symbol.asyncDispose]())
    const upstream = upstreamAt(store.origin)
    expect(await send(upstream)).toMatch(/destroyed/)
    await eventually(() => store.sockets.every(socket => socket.destroyed))
  })
})
