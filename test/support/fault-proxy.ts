/**
 * Stands between a splitter and its store and does to each request what a network and a tired store do: late answers,
 * resets, silence, half an answer. It speaks just enough HTTP/1.1 to know where a request begins and ends.
 *
 *     const proxy = await FaultProxy.start(store.port)
 *     proxy.once({ kind: 'reset', afterBytes: 100 })          // the next request
 *     proxy.always({ kind: 'delay', ms: 20, jitterMs: 10 })   // all others
 *     proxy.decide = request => (request.header('x-scope-orgid') === 'team-a' ? HANG : PASS)
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteReader, ConnectionEnded } from './byte-reader.ts'

export type Fault =
  | { readonly kind: 'pass' }
  /** The store's answer comes later by `ms`, give or take `jitterMs`. */
  | { readonly kind: 'delay'; readonly ms: number; readonly jitterMs: number }
  /** RST once this much of the request (its head counts) has come: the store sees nothing of it. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** The store gets the request and answers; the splitter gets a RST instead. */
  | { readonly kind: 'lose-answer' }
  /** The request is read, and that was it: no answer, no end. The store sees nothing. */
  | { readonly kind: 'black-hole' }
  /** Like a peer that lost power: nothing is read from now on, nothing answered, the connection stays. */
  | { readonly kind: 'half-open' }
  /** The request is read at this speed, then passed on. */
  | { readonly kind: 'slow-reader'; readonly bytesPerSecond: number }
  /** The proxy answers by itself; the store sees nothing. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter?: string; readonly body?: string }
  /** The store's answer, without a word about it, is the last one on this connection. */
  | { readonly kind: 'answer-then-close' }
  /** The first bytes of the store's answer, then the end of the connection. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }

type FaultKind = Fault['kind']

export interface ProxiedRequest {
  /** From 1, over all connections. */
  readonly number: number
  readonly head: string
  header(name: string): string | undefined
}

/** How one request ended, as far as the proxy can know. */
export interface ProxiedEnd {
  readonly fault: FaultKind
  /** Whether the store got all of it. */
  readonly forwarded: boolean
  /** Status that went out to the splitter whole; 0 where it got none. */
  readonly answered: number
}

/** Added to each request that is passed on, so that a store can name it. */
export const NUMBER_HEADER = 'x-fault-proxy-number'

export class FaultProxy {
  readonly port: number
  /** Chooses the fault of a request when `once` has none left. */
  decide: (request: ProxiedRequest) => Fault = () => ({ kind: 'pass' })
  /** Called when a request is over. */
  onEnd: (request: ProxiedRequest, end: ProxiedEnd) => void = () => {}
  readonly #server: Server
  readonly #storePort: number
  readonly #random: () => number
  readonly #once: Fault[] = []
  readonly #sockets = new Set<Socket>()
  #requests = 0

  /** Listens at a free port of 127.0.0.1 and passes on to `storePort` there. */
  static async start(storePort: number, random: () => number = Math.random): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new FaultProxy(server, storePort, random)
  }

  private constructor(server: Server, storePort: number, random: () => number) {
    this.#server = server
    this.#storePort = storePort
    this.#random = random
    this.port = (server.address() as { port: number }).port
    server.on('connection', client => void this.#serve(client))
  }

  get requests(): number {
    return this.#requests
  }

  /** Connections of splitters that are open now. */
  get connections(): number {
    return this.#sockets.size
  }

  /** The next `times` requests get this fault, in the order of calls. */
  once(fault: Fault, times = 1): void {
    for (let n = 0; n < times; n++) this.#once.push(fault)
  }

  /** Every request that `once` does not speak for gets this fault. */
  always(fault: Fault): void {
    this.decide = () => fault
  }

  /** Breaks all connections that are open now; new ones are welcome. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Takes no more connections and ends those there are, the hung ones too. */
  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve(client: Socket): Promise<void> {
    this.#sockets.add(client)
    client.on('close', () => this.#sockets.delete(client))
    const connection = new Connection(client, this.#storePort, this.#random)
    try {
      while (!client.destroyed) {
        const request = await connection.nextRequest(() => ++this.#requests)
        if (request === undefined) break
        const fault = this.#once.shift() ?? this.decide(request)
        await connection.pass(request, fault, end => this.onEnd(request, end))
      }
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
      client.resetAndDestroy()
    } finally {
      connection.closeStore()
      client.destroy()
    }
  }
}

/** A splitter's connection with the one to the store that belongs to it. */
class Connection {
  readonly #client: Socket
  readonly #reader: ByteReader
  readonly #storePort: number
  readonly #random: () => number
  readonly #gone = new AbortController()
  #store: { readonly socket: Socket; readonly reader: ByteReader } | undefined

  constructor(client: Socket, storePort: number, random: () => number) {
    this.#client = client
    this.#reader = new ByteReader(client)
    this.#storePort = storePort
    this.#random = random
    // A splitter that hangs up also ends its request at the store, as it would without a proxy between them.
    void this.#reader.ended().then(() => {
      this.#gone.abort()
      this.closeStore()
    })
  }

  async nextRequest(number: () => number): Promise<ProxiedRequest | undefined> {
    const bytes = await this.#reader.until('\r\n\r\n')
    if (bytes === undefined) return undefined
    const head = bytes.toString('latin1')
    return { number: number(), head, header: name => headerOf(head, name) }
  }

  /** Calls `over` exactly once. Throws `ConnectionEnded` where the splitter or the store is gone. */
  async pass(request: ProxiedRequest, fault: Fault, over: (end: ProxiedEnd) => void): Promise<void> {
    let forwarded = false
    let answered = 0
    try {
      if (fault.kind === 'half-open') return await this.#wait(HALF_OPEN_MS)
      if (fault.kind === 'reset') return await this.#reset(request, fault.afterBytes)
      const body = await this.#readBody(request, fault)
      if (fault.kind === 'black-hole') return await this.#reader.ended()
      let answer = fault.kind === 'answer' ? ownAnswer(fault) : undefined
      if (answer === undefined) {
        forwarded = true
        answer = await this.#forward(request, body)
      }
      if (await this.#answer(answer, fault)) answered = Number(answer.toString('latin1', 9, 12))
    } finally {
      over({ fault: fault.kind, forwarded, answered })
    }
  }

  closeStore(): void {
    this.#store?.socket.destroy()
    this.#store = undefined
  }

  async #reset(request: ProxiedRequest, afterBytes: number): Promise<void> {
    const wanted = Math.max(0, afterBytes - request.head.length)
    await this.#reader.take(Math.min(wanted, contentLength(request.head)))
    this.#client.resetAndDestroy()
  }

  async #readBody(request: ProxiedRequest, fault: Fault): Promise<Buffer> {
    const length = contentLength(request.head)
    if (request.header('expect') === '100-continue')
      await write(this.#client, Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'))
    if (fault.kind !== 'slow-reader') return await this.#reader.take(length)
    const parts: Buffer[] = []
    for (let left = length; left > 0; ) {
      const part = await this.#reader.some(Math.min(left, Math.max(1, Math.floor(fault.bytesPerSecond / 20))))
      parts.push(part)
      left -= part.length
      await this.#wait((part.length / fault.bytesPerSecond) * 1_000)
    }
    return Buffer.concat(parts)
  }

  /** The store's whole answer. */
  async #forward(request: ProxiedRequest, body: Buffer): Promise<Buffer> {
    this.#store ??= await this.#connectStore()
    const { socket, reader } = this.#store
    const numbered = request.head.replace('\r\n', `\r\n${NUMBER_HEADER}: ${request.number}\r\n`)
    await write(socket, Buffer.concat([Buffer.from(numbered, 'latin1'), body]))
    const head = await reader.until('\r\n\r\n')
    if (head === undefined) throw new ConnectionEnded()
    const text = head.toString('latin1')
    const rest = text.startsWith('HTTP/1.1 204') ? Buffer.alloc(0) : await reader.take(contentLength(text))
    if (headerOf(text, 'connection') === 'close') this.closeStore()
    return Buffer.concat([head, rest])
  }

  /** Whether the answer went out whole. */
  async #answer(answer: Buffer, fault: Fault): Promise<boolean> {
    if (fault.kind === 'delay') await this.#wait(fault.ms + (this.#random() * 2 - 1) * fault.jitterMs)
    if (fault.kind === 'lose-answer') {
      this.#client.resetAndDestroy()
      return false
    }
    const truncated = fault.kind === 'truncate'
    await write(
      this.#client,
      truncated ? answer.subarray(0, Math.min(fault.afterBytes, answer.length - 1)) : answer,
    )
    if (truncated || fault.kind === 'answer-then-close') await this.#hangUp()
    return !truncated
  }

  /** Closes our side; a request that comes all the same finds nobody, and gets a RST from the kernel. */
  async #hangUp(): Promise<void> {
    this.#client.end()
    await this.#reader.some(1).catch(() => undefined)
    this.#client.destroy()
  }

  /** Throws `ConnectionEnded` where the splitter does not wait so long. */
  async #wait(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.#gone.signal }).catch(() => {
      throw new ConnectionEnded()
    })
  }

  #connectStore(): Promise<{ readonly socket: Socket; readonly reader: ByteReader }> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.#storePort, host: '127.0.0.1', noDelay: true })
      socket.once('connect', () => resolve({ socket, reader: new ByteReader(socket) }))
      socket.once('error', () => reject(new ConnectionEnded()))
      socket.once('close', () => {
        if (this.#store?.socket === socket) this.#store = undefined
      })
    })
  }
}

/** How long a half-open connection is kept when the splitter keeps it too. */
const HALF_OPEN_MS = 60_000

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, error => (error ? reject(new ConnectionEnded()) : resolve()))
  })
}

function ownAnswer({ status, retryAfter, body = '' }: Fault & { kind: 'answer' }): Buffer {
  const retry = retryAfter === undefined ? '' : `Retry-After: ${retryAfter}\r\n`
  const head = `HTTP/1.1 ${status} From the fault proxy\r\n${retry}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(status === 204 ? head.replace(/Content-Length.*\r\n/, '') : head + body)
}

function headerOf(head: string, name: string): string | undefined {
  const line = head.split('\r\n').find(one => one.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line?.slice(name.length + 1).trim()
}

function contentLength(head: string): number {
  const length = headerOf(head, 'content-length')
  if (length === undefined) throw new Error(`no content-length in ${JSON.stringify(head)}`)
  return Number(length)
}
