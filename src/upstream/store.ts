/**
 * The store over the wire: makes one attempt to write one body for one tenant and says how it ended. No retry and no queue
 * here. Every request is built from scratch: validated tenant, our own headers, a computed Content-Length. Redirects are not
 * followed: they would carry credentials elsewhere.
 */
import { OF_ONE_PUSH } from '../lanes/shipment.ts'
import type { StoreLane } from '../lanes/side.ts'
import type { Reply, StoreRequest, Trip } from '../protocol.ts'
import { cancelledVerdict } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import { Clients, type ClientsOptions } from './clients.ts'
import { Deadlines } from './deadlines.ts'
import { Exchange, type Line } from './exchange.ts'
import { Head, type HeadOptions } from './head.ts'

export interface StoreOptions extends ClientsOptions, HeadOptions {
  /** Headers of senders that the configuration lets pass to this store, in lower case. */
  readonly forwarded: ReadonlySet<string>
  /** One attempt, from connecting to the end of the answer. */
  readonly timeoutMs: number
  readonly now?: () => number
}

export class Store implements AsyncDisposable {
  readonly #options: StoreOptions
  readonly #line: Line

  constructor(options: StoreOptions) {
    const { now = Date.now, timeoutMs, credentials } = options
    this.#options = options
    this.#line = {
      now,
      timeoutMs,
      clients: new Clients(options),
      deadlines: new Deadlines(timeoutMs),
      refused: () => credentials.refused(),
    }
  }

  /** One tenant's way: never rejects, whatever happens is a verdict. `trip.cancellation` ends an attempt when there is no use in it. */
  lane(tenant: TenantId): StoreLane {
    const head = new Head(tenant, this.#options)
    return (request, trip) => this.#attempt(head, request, trip)
  }

  #attempt(head: Head, { content, body }: StoreRequest, { headers, cancellation }: Trip): Promise<Reply> {
    if (cancellation.cancelled) {
      return Promise.resolve({ verdict: cancelledVerdict(cancellation.reason), headers: {} })
    }
    // No message is empty: this one was released while it was still needed.
    if (body.length === 0) throw new Error('BUG: an empty body is sent')
    return new Promise(resolve => {
      const client = this.#line.clients.take()
      const exchange = new Exchange(this.#line, { cancellation, client, resolve })
      // undici reads the list and no more, whatever its types say.
      const all = withPassedOn(head.headers(content), headers, this.#options.forwarded) as string[]
      // Not blocking: a client has one request at a time, so none waits for the head of this one's answer.
      client.dispatch({ method: 'POST', path: head.path, headers: all, body, blocking: false }, exchange)
    })
  }

  /** Ends every connection now. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#line.clients.destroy()
    this.#line.deadlines[Symbol.dispose]()
  }
}

/**
 * What says something of the push goes to every store, other headers only where its section names them. A request for
 * several pushes mostly has nothing to pass on, and then nothing is made.
 */
function withPassedOn(
  ours: readonly string[],
  passedOn: Trip['headers'],
  forwarded: ReadonlySet<string>,
): readonly string[] {
  let all: string[] | undefined
  for (const name in passedOn) {
    if (!OF_ONE_PUSH.has(name) && !forwarded.has(name)) continue
    const value = passedOn[name] as string
    all ??= [...ours]
    if (name === 'user-agent') all[ours.length - 1] = value
    else all.push(name, value)
  }
  return all ?? ours
}
