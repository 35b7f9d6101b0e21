/**
 * The connections to the store: an undici client for each, with one request at a time. How many may be under way is
 * decided before (lanes/slots.ts), so nothing queues here; the one that became free last is used first, so there are no
 * more of them than are needed.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { buildConnector, Client, Dispatcher } from 'undici'

// A quarter of undici: the whole of it brings fetch, WebSockets and caches, some MiB of them.
const require = createRequire(import.meta.url)
const StoreConnection: typeof Client = require('undici/lib/dispatcher/client.js')
const connectorOf: typeof buildConnector = require('undici/lib/core/connect.js')

export interface ClientsOptions {
  readonly origin: string
  /** PEM certificates that may have signed the store's own, as they are now; undefined trusts Node's list. */
  readonly ca: () => string | undefined
  /** Of connecting. */
  readonly timeoutMs: number
  /** 0 keeps connections for ever. */
  readonly maxConnectionDurationMs: number
  readonly ipv6: boolean
}

/** One connection; where it broke, it is made anew by its next request. */
class StoreClient {
  readonly #client: Client
  #socket: Socket | undefined
  #connectedAt = Number.POSITIVE_INFINITY

  constructor(origin: string, connect: buildConnector.connector) {
    this.#client = new StoreConnection(origin, {
      pipelining: 1,
      // undici 8 offers h2 by default; remote write is HTTP/1.1 everywhere, and one connection would carry everybody.
      allowH2: false,
      // The attempt has one deadline of its own, so undici's are off, but for connecting, which it alone can see.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) =>
        connect(options, (...[error, socket]) => {
          if (error !== null) {
            callback(error, null)
            return
          }
          this.#socket = socket
          this.#connectedAt = performance.now()
          callback(null, socket)
        }),
    })
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(request, handler)
  }

  /**
   * The answer has come. Where it came before the request was written, the connection is ended: what is left of the body
   * must not be read any more, for its owner may have other plans with that memory now.
   */
  answered(): void {
    if (this.#socket !== undefined && this.#socket.writableLength > 0) this.#socket.destroy()
  }

  /** Whether its connection is older than that. */
  isOlder(milliseconds: number): boolean {
    return performance.now() - this.#connectedAt > milliseconds
  }

  async destroy(): Promise<void> {
    await this.#client.destroy()
  }
}

export type { StoreClient }

export class Clients {
  readonly #options: ClientsOptions
  #connect: buildConnector.connector
  /** What `#connect` trusts. */
  #ca: string | undefined
  readonly #all: Set<StoreClient> = new Set()
  readonly #idle: StoreClient[] = []
  #destroyed = false

  constructor(options: ClientsOptions) {
    this.#options = options
    this.#ca = options.ca()
    this.#connect = this.#connector()
  }

  #connector(): buildConnector.connector {
    const { timeoutMs, ipv6 } = this.#options
    return connectorOf({
      timeout: timeoutMs,
      allowH2: false,
      ...(ipv6 ? {} : { family: 4 }),
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    } as buildConnector.BuildOptions)
  }

  /** Whoever takes one gives it back, or drops it. */
  take(): StoreClient {
    return this.#idle.pop() ?? this.#open()
  }

  give(client: StoreClient): void {
    const { maxConnectionDurationMs } = this.#options
    if (maxConnectionDurationMs > 0 && client.isOlder(maxConnectionDurationMs)) this.drop(client)
    else this.#idle.push(client)
  }

  /** Ends one that has a request which nobody waits for. */
  drop(client: StoreClient): void {
    this.#all.delete(client)
    void client.destroy()
  }

  /** Ends every connection now; a request that comes later fails as if none came about. */
  async destroy(): Promise<void> {
    this.#destroyed = true
    await Promise.all([...this.#all].map(client => client.destroy()))
  }

  #open(): StoreClient {
    const client = new StoreClient(this.#options.origin, this.#dial)
    if (this.#destroyed) void client.destroy()
    this.#all.add(client)
    return client
  }

  /** Asked for each connection, not for each client: one whose connection broke, or never came, is used again. */
  readonly #dial: buildConnector.connector = (options, callback) => {
    const ca = this.#options.ca()
    if (ca !== this.#ca) {
      this.#ca = ca
      this.#connect = this.#connector()
    }
    this.#connect(options, callback)
  }
}
