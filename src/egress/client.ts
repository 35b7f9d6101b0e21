/**
 * The connections to the store, one request on each. The last one that became free is used first, so that there are no
 * more than are needed. How many requests may be under way is decided before (`Connections`).
 */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Connection, type Request, type Requester } from './connection.ts'

export interface ClientOptions {
  readonly origin: URL
  /** PEM certificates that may have signed the store's own; undefined trusts those of the system. */
  readonly ca: string | undefined
  /** Of connecting, TLS included. */
  readonly timeoutMs: number
  /** 0 keeps connections for ever. */
  readonly maxConnectionDurationMs: number
  readonly ipv6: boolean
}

const SWEEP_MS = 500
const READ_BYTES = 65_536
/** Silence after which the kernel asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000

export class Client {
  readonly #options: ClientOptions
  readonly #host: string
  readonly #port: number
  /** What all sockets read into: each piece is done with before the next one is read. */
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  readonly #all: Set<Connection> = new Set()
  #idle: Connection[] = []
  /** Of the last TLS connection, which makes the next one cheaper. */
  #session: Buffer | undefined
  readonly #sweeper: NodeJS.Timeout

  constructor(options: ClientOptions) {
    const { hostname, port, protocol } = options.origin
    this.#options = options
    this.#host = hostname.replace(/^\[|\]$/g, '')
    this.#port = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
    this.#sweeper.unref()
  }

  request(request: Request, requester: Requester): void {
    let connection = this.#idle.pop()
    while (connection !== undefined && !connection.usable) connection = this.#idle.pop()
    connection ??= this.#open()
    connection.send(request, requester)
  }

  /** Ends every connection now; what is under way fails. */
  destroy(): void {
    clearInterval(this.#sweeper)
    for (const connection of this.#all) connection.destroy()
  }

  /** Called by a connection that may take the next request. */
  idle(connection: Connection): void {
    if (this.#isOld(connection, performance.now())) connection.destroy()
    else this.#idle.push(connection)
  }

  /** Called by a connection that is gone. */
  gone(connection: Connection): void {
    this.#all.delete(connection)
  }

  #open(): Connection {
    const dial = this.#options.origin.protocol === 'https:' ? this.#dialTls : this.#dial
    const connection = new Connection(dial, this, this.#options.timeoutMs)
    this.#all.add(connection)
    return connection
  }

  readonly #dial = (read: (bytes: Buffer) => void) => {
    return { socket: connect(this.#socketOptions(read)), ready: 'connect' } as const
  }

  readonly #dialTls = (read: (bytes: Buffer) => void) => {
    const { ca } = this.#options
    const socket: Socket = connectTls({
      ...this.#socketOptions(read),
      ALPNProtocols: ['http/1.1'],
      // An address is no server name (RFC 6066, 3).
      ...(isIP(this.#host) === 0 ? { servername: this.#host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    })
    socket.on('session', (session: Buffer) => {
      this.#session = session
    })
    return { socket, ready: 'secureConnect' } as const
  }

  #socketOptions(read: (bytes: Buffer) => void) {
    return {
      host: this.#host,
      port: this.#port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      ...(this.#options.ipv6 ? {} : { family: 4 }),
      onread: {
        buffer: this.#buffer,
        callback: (length: number) => {
          read(this.#buffer.subarray(0, length))
          return true
        },
      },
    }
  }

  /** Ends what has been idle for too long, before the store does it in the middle of a request. */
  #sweep(): void {
    const now = performance.now()
    this.#idle = this.#idle.filter(connection => {
      if (!connection.usable) return false
      if (connection.idleUntil > now && !this.#isOld(connection, now)) return true
      connection.destroy()
      return false
    })
  }

  #isOld({ openedAt }: Connection, now: number): boolean {
    const { maxConnectionDurationMs } = this.#options
    return maxConnectionDurationMs > 0 && now - openedAt > maxConnectionDurationMs
  }
}
