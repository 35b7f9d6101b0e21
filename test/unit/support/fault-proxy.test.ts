import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FaultProxy, NUMBER_HEADER, type ProxiedEnd } from '../../support/fault-proxy.ts'

const BODY = 'x'.repeat(5_000)
let store: Server
let stored: { readonly number: string | undefined; readonly bytes: number }[]
let proxy: FaultProxy
let ends: ProxiedEnd[]

beforeEach(async () => {
  stored = []
  // Of this test alone, also where a connection outlives it.
  const own: ProxiedEnd[] = []
  ends = own
  store = createServer(async (request, response) => {
    let bytes = 0
    for await (const chunk of request) bytes += (chunk as Buffer).length
    stored.push({ number: header(request, NUMBER_HEADER), bytes })
    response.setHeader('content-length', 6).end('stored')
  })
  await new Promise<void>(resolve => store.listen(0, '127.0.0.1', resolve))
  proxy = await FaultProxy.start((store.address() as { port: number }).port)
  proxy.onEnd = (_, end) => own.push(end)
})

afterEach(async () => {
  await proxy.close()
  store.closeAllConnections()
  await new Promise(resolve => store.close(resolve))
})

describe('the fault proxy', () => {
  test('passes requests of one connection to the store, one after the other, and numbers them', async () => {
    const client = await Client.open(proxy.port)
    expect(await client.push()).toBe('200 stored')
    expect(await client.push()).toBe('200 stored')
    expect(stored).toEqual([
      { number: '1', bytes: BODY.length },
      { number: '2', bytes: BODY.length },
    ])
    expect(ends).toEqual([
      { fault: 'pass', forwarded: true, answered: 200 },
      { fault: 'pass', forwarded: true, answered: 200 },
    ])
  })

  test('delays an answer that the store gave at once', async () => {
    proxy.once({ kind: 'delay', ms: 150, jitterMs: 0 })
    const client = await Client.open(proxy.port)
    client.send()
    await until(() => stored.length === 1)
    expect(client.received).toBe('')
    expect(await client.answer()).toBe('200 stored')
  })

  test('resets after some bytes of the request, and the store sees nothing of it', async () => {
    proxy.once({ kind: 'reset', afterBytes: 2_000 })
    const client = await Client.open(proxy.port)
    expect(await client.push()).toBe('ECONNRESET')
    expect(stored).toEqual([])
    expect(ends).toEqual([{ fault: 'reset', forwarded: false, answered: 0 }])
  })

  test('loses the answer of a request that the store has', async () => {
    proxy.once({ kind: 'lose-answer' })
    const client = await Client.open(proxy.port)
    expect(await client.push()).toBe('ECONNRESET')
    expect(stored).toHaveLength(1)
    expect(ends).toEqual([{ fault: 'lose-answer', forwarded: true, answered: 0 }])
  })

  test('swallows a request in a black hole until the splitter hangs up', async () => {
    proxy.once({ kind: 'black-hole' })
    const client = await Client.open(proxy.port)
    client.send()
    await until(() => proxy.requests === 1)
    await sleep(50)
    expect(client.received).toBe('')
    expect(client.ended).toBe('')
    client.socket.destroy()
    await until(() => proxy.connections === 0)
    expect(stored).toEqual([])
  })

  test('stops reading on a half-open connection, so that a large request gets stuck', async () => {
    proxy.once({ kind: 'half-open' })
    const client = await Client.open(proxy.port)
    client.send('y'.repeat(8 * 1024 * 1024))
    await sleep(100)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    expect(client.ended).toBe('')
    expect(client.received).toBe('')
  })

  test('reads slowly, and passes on what it has read', async () => {
    proxy.once({ kind: 'slow-reader', bytesPerSecond: 50_000 })
    const client = await Client.open(proxy.port)
    expect(await client.push()).toBe('200 stored')
    expect(stored[0]?.bytes).toBe(BODY.length)
  })

  test('drops a request that the splitter gave up while it was read slowly', async () => {
    proxy.once({ kind: 'slow-reader', bytesPerSecond: 1 })
    const client = await Client.open(proxy.port)
    client.send()
    await until(() => proxy.requests === 1)
    client.socket.destroy()
    await until(() => ends.length === 1)
    expect(ends).toEqual([{ fault: 'slow-reader', forwarded: false, answered: 0 }])
    expect(stored).toEqual([])
  })

  test.each([
    { status: 503, retryAfter: '7' },
    { status: 429, retryAfter: '120' },
  ])('answers a burst of $status by itself', async ({ status, retryAfter }) => {
    proxy.once({ kind: 'answer', status, retryAfter, body: 'no' }, 2)
    const client = await Client.open(proxy.port)
    expect(await client.push()).toBe(`${status} no`)
    expect(client.received).toContain(`Retry-After: ${retryAfter}\r\n`)
    expect(await client.push()).toBe(`${status} no`)
    expect(await client.push()).toBe('200 stored')
    expect(stored).toHaveLength(1)
  })

  test('closes after a whole answer', async () => {
    proxy.once({ kind: 'answer-then-close' })
    const client = await Client.open(proxy.port)
    expect(await client.push()).toBe('200 stored')
    expect(client.received.toLowerCase()).not.toContain('connection: close')
    await until(() => client.ended === 'end' && ends.length > 0)
    expect(ends).toEqual([{ fault: 'answer-then-close', forwarded: true, answered: 200 }])
  })

  test.each([10, 10_000])(
    'truncates an answer after %i bytes, and always before its end',
    async afterBytes => {
      proxy.once({ kind: 'truncate', afterBytes })
      const client = await Client.open(proxy.port)
      client.send()
      await until(() => client.ended === 'end' && ends.length > 0)
      expect(client.received.startsWith('HTTP/1.1')).toBe(true)
      expect(client.received.endsWith('stored')).toBe(false)
      expect(stored).toHaveLength(1)
      expect(ends).toEqual([{ fault: 'truncate', forwarded: true, answered: 0 }])
    },
  )

  test('decides by the request where nothing was asked for once', async () => {
    proxy.decide = request =>
      request.header('X-Scope-OrgID') === 'team-b' ? { kind: 'answer', status: 500 } : { kind: 'pass' }
    const client = await Client.open(proxy.port)
    expect(await client.push('team-a')).toBe('200 stored')
    expect(await client.push('team-b')).toBe('500 ')
  })

  test('resets the splitter when the store is gone, and serves it again when the store is back', async () => {
    const { port } = store.address() as { port: number }
    store.closeAllConnections()
    await new Promise(resolve => store.close(resolve))
    expect(await (await Client.open(proxy.port)).push()).toBe('ECONNRESET')
    await new Promise<void>(resolve => store.listen(port, '127.0.0.1', resolve))
    expect(await (await Client.open(proxy.port)).push()).toBe('200 stored')
  })

  test('ends the request at the store when the splitter hangs up', async () => {
    const closed = new Promise(resolve => {
      store.removeAllListeners('request')
      store.on('request', request => request.socket.once('close', resolve))
    })
    const client = await Client.open(proxy.port)
    client.send()
    await until(() => proxy.requests === 1)
    await sleep(50)
    client.socket.destroy()
    await closed
  })
})

/** A splitter of one connection. */
class Client {
  readonly socket: Socket
  received = ''
  /** `end`, the code of an error, or nothing yet. */
  ended = ''

  static async open(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1' })
    await new Promise(resolve => socket.once('connect', resolve))
    return new Client(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.received += text
    })
    socket.on('end', () => {
      this.ended ||= 'end'
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ended ||= error.code ?? error.message
    })
  }

  send(body = BODY, tenant = 'team-a'): void {
    this.received = ''
    this.socket.write(
      `POST /push HTTP/1.1\r\nHost: store\r\nX-Scope-OrgID: ${tenant}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }

  async push(tenant = 'team-a'): Promise<string> {
    this.send(BODY, tenant)
    return await this.answer()
  }

  /** `STATUS BODY`, or how the connection ended. */
  async answer(): Promise<string> {
    const whole = () => {
      const [head = '', body = ''] = this.received.split('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
      return body.length === length ? `${head.slice(9, 12)} ${body}` : ''
    }
    await until(() => whole() !== '' || this.ended !== '')
    return whole() || this.ended
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  return request.headers[name] as string | undefined
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5)
}
