/**
 * The store: makes one attempt to write one body for one tenant and says how it ended. No retry and no queue here.
 *
 * Every request is built from scratch: validated tenant, our own headers, a computed Content-Length. Host and scheme are
 * those of the configuration, whatever the data says. Redirects are not followed: they would carry credentials elsewhere.
 */
import type { Dispatcher } from 'undici'
import type { Target } from '../config/config.ts'
import type { FollowedFile } from '../config/followed-file.ts'
import type { Secret } from '../config/secret.ts'
import type { Protocol } from '../remote-write/split.ts'
import { parseWritten } from '../remote-write/written-headers.ts'
import type { Cancellation } from '../share/cancellation.ts'
import { cancelledVerdict, NOTHING, type Verdict, verdictOf, type Written } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import { printable } from '../text.ts'
import { Clients, type StoreClient } from './clients.ts'
import { Credentials } from './credentials.ts'
import { Deadlines, Expiring } from './deadlines.ts'
import { parseRetryAfter } from './retry-after.ts'

export interface UpstreamOptions {
  readonly target: Target
  /** Empty where the path carries the tenant. */
  readonly tenantHeader: string
  readonly username: string
  readonly password: Secret | FollowedFile | undefined
  /** PEM certificates that may have signed the store's own; undefined trusts those of the system. */
  readonly ca: string | undefined
  /** One attempt, from connecting to the end of the answer. */
  readonly timeoutMs: number
  /** 0 keeps connections for ever. */
  readonly maxConnectionDurationMs: number
  readonly ipv6: boolean
  /** `Sluice/1.2.3`, where nobody's own goes along. */
  readonly userAgent: string
  /** The store answered 401: the password may have changed. */
  readonly unauthorized?: () => void
  readonly now?: () => number
}

/** What all requests for one tenant have in common; made once per lane. */
export interface Route {
  readonly path: string
  readonly tenant: TenantId
  /** Made anew by the request that finds other credentials than those in them. */
  headers: RouteHeaders
}

/** Names and values in turn, as undici takes them; last our own user agent, for requests that have none of a sender. */
type RouteHeaders = Readonly<Record<Protocol | 'credentials', readonly string[]>>

export interface Attempt {
  readonly route: Route
  /** What `body` is a message of. */
  readonly protocol: Protocol
  /** Borrowed until the attempt ends. */
  readonly body: Uint8Array
  /** What goes along beside our own headers; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** What came of an attempt. */
export interface Reply {
  readonly verdict: Verdict
  /** What the store says that it wrote, whatever its status; undefined where it says nothing, and of 1.0 always. */
  readonly reported: Written | undefined
}

/**
 * Letter for letter: Thanos compares strings. The version header is the minimum that receivers of 1.0 look for.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-headers
 */
const PROTOCOL_HEADERS: Readonly<Record<Protocol, readonly string[]>> = {
  '1.0': [
    ...['content-type', 'application/x-protobuf'],
    ...['content-encoding', 'snappy'],
    ...['x-prometheus-remote-write-version', '0.1.0'],
  ],
  '2.0': [
    ...['content-type', 'application/x-protobuf;proto=io.prometheus.write.v2.Request'],
    ...['content-encoding', 'snappy'],
    ...['x-prometheus-remote-write-version', '2.0.0'],
  ],
}

export class Upstream {
  readonly #options: UpstreamOptions
  readonly #hearing: Hearing
  readonly #credentials: Credentials

  constructor(options: UpstreamOptions) {
    const { now = Date.now, timeoutMs, unauthorized = () => {} } = options
    this.#options = options
    this.#hearing = {
      now,
      timeoutMs,
      clients: new Clients({ ...options, origin: options.target.origin }),
      deadlines: new Deadlines(timeoutMs),
      unauthorized,
    }
    this.#credentials = new Credentials(options.username, options.password)
  }

  route(tenant: TenantId): Route {
    const { target } = this.#options
    // A tenant passed its allow-list, so only bytes that are no path characters (RFC 3986, 3.3) are left to encode.
    const path = target.pathParts.join(tenant.replace(NOT_PCHAR, encodeURIComponent))
    return { path, tenant, headers: this.#headersFor(tenant) }
  }

  #headersFor(tenant: TenantId): RouteHeaders {
    const { tenantHeader, userAgent } = this.#options
    const credentials = this.#credentials.headers
    const ours = tenantHeader === '' ? credentials : [...credentials, tenantHeader, tenant]
    const of = (protocol: Protocol) => [...PROTOCOL_HEADERS[protocol], ...ours, 'user-agent', userAgent]
    return { '1.0': of('1.0'), '2.0': of('2.0'), credentials }
  }

  /** Never rejects: whatever happens is a verdict. `cancellation` ends the attempt when there is no use in it any more. */
  attempt({ route, protocol, body, headers }: Attempt, cancellation: Cancellation): Promise<Reply> {
    if (cancellation.cancelled)
      return Promise.resolve({ verdict: cancelledVerdict(cancellation.reason), reported: undefined })
    // No message is empty: this one was released while it was still needed.
    if (body.length === 0) throw new Error('BUG: an empty body is sent')
    if (route.headers.credentials !== this.#credentials.headers)
      route.headers = this.#headersFor(route.tenant)
    return new Promise(resolve => {
      const client = this.#hearing.clients.take()
      const answer = new Answer(this.#hearing, { protocol, cancellation, client, resolve })
      // undici reads the list and no more, whatever its types say.
      const all = withPassedOn(route.headers[protocol], headers) as string[]
      // Not blocking: a client has one request at a time, so none waits for the head of this one's answer.
      client.dispatch({ method: 'POST', path: route.path, headers: all, body, blocking: false }, answer)
    })
  }

  /** Ends every connection now. */
  async destroy(): Promise<void> {
    await this.#hearing.clients.destroy()
  }
}

/** A request for several pushes mostly has nothing to pass on, and then nothing is made. */
function withPassedOn(ours: readonly string[], passedOn: Attempt['headers']): readonly string[] {
  let all: string[] | undefined
  for (const name in passedOn) {
    const value = passedOn[name] as string
    all ??= [...ours]
    if (name === 'user-agent') all[ours.length - 1] = value
    else all.push(name, value)
  }
  return all ?? ours
}

const NOT_PCHAR = /[^A-Za-z0-9\-._~!$&'()*+,;=:@]/g

/** Of the store's answer only so much is kept: enough for its reason, too little to fill memory. */
const ANSWER_BYTES = 4096
const REASON_CHARACTERS = 200

type Handler = Dispatcher.DispatchHandler
type Controller = Parameters<NonNullable<Handler['onRequestStart']>>[0]

/** What all answers have in common. */
interface Hearing {
  readonly now: () => number
  readonly timeoutMs: number
  readonly deadlines: Deadlines
  readonly clients: Clients
  readonly unauthorized: () => void
}

interface AnswerOptions {
  readonly protocol: Protocol
  readonly cancellation: Cancellation
  /** Taken for it, and given back by it. */
  readonly client: StoreClient
  readonly resolve: (reply: Reply) => void
}

/** Hears one answer to its end, with one deadline for all of it, and makes a verdict of it. */
class Answer extends Expiring implements Handler {
  readonly #hearing: Hearing
  readonly #options: AnswerOptions
  #controller: Controller | undefined
  /** Why it was ended before the answer did; undefined where it was not. */
  #ended: Verdict | undefined
  #finished = false
  #status = 0
  #retryAfter: string | undefined
  #reported: Written | undefined
  readonly #text: Buffer[] = []
  #length = 0

  constructor(hearing: Hearing, options: AnswerOptions) {
    super()
    this.#hearing = hearing
    this.#options = options
    hearing.deadlines.add(this)
    options.cancellation.listen(this.#onCancel)
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#ended !== undefined) controller.abort(new Error('ended before it began'))
  }

  onResponseStart(
    _controller: Controller,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status
    const retryAfter = headers['retry-after']
    if (typeof retryAfter === 'string') this.#retryAfter = retryAfter
    // Of 1.0 there is no such header, so one would be another's mistake.
    if (this.#options.protocol === '2.0') this.#reported = parseWritten(headers)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    // The reason of a success is of no interest; that it ends is.
    if (this.#status < 300) return
    this.#text.push(chunk)
    this.#length += chunk.length
    // A longer answer costs its connection, which is cheaper than reading it.
    if (this.#length >= ANSWER_BYTES) {
      this.#ended = this.#verdict()
      controller.abort(new Error('the answer is longer than it needs to be'))
    }
  }

  onResponseEnd(): void {
    this.#options.client.answered()
    this.#finish(this.#verdict())
  }

  onResponseError(_controller: Controller, error: Error): void {
    const reason = printable(describe(error), REASON_CHARACTERS)
    // A request begins when it has a connection.
    const cause = this.#controller === undefined ? 'connect' : 'connection'
    this.#finish(this.#ended ?? unanswered(reason, cause))
  }

  #verdict(): Verdict {
    if (this.#status < 300) return verdictOf(this.#status, '', undefined)
    const text = Buffer.concat(this.#text, Math.min(this.#length, ANSWER_BYTES))
    const end = text.indexOf('\n')
    const reason = printable(end < 0 ? text : text.subarray(0, end), REASON_CHARACTERS)
    return verdictOf(this.#status, reason, parseRetryAfter(this.#retryAfter, this.#hearing.now()))
  }

  /** The deadline has come. */
  expired(): void {
    const reason = `no answer within timeout (${this.#hearing.timeoutMs / 1000} s)`
    const cause = this.#controller === undefined ? 'unconnected' : 'timeout'
    this.#end(unanswered(reason, cause))
  }

  readonly #onCancel = (): void => {
    this.#end(cancelledVerdict(this.#options.cancellation.reason))
  }

  /** Where the request has not even begun (it waits for its connection), its end is not waited for. */
  #end(verdict: Verdict): void {
    this.#ended = verdict
    if (this.#controller === undefined) this.#finish(verdict)
    else this.#controller.abort(new Error('ended'))
  }

  /** Once: what comes later belongs to nobody, and the cancellation may have its next listener by then. */
  #finish(verdict: Verdict): void {
    if (this.#finished) return
    this.#finished = true
    const { deadlines, clients, unauthorized } = this.#hearing
    const { cancellation, client, resolve } = this.#options
    deadlines.delete(this)
    cancellation.listen(undefined)
    // Whoever did not wait for its beginning leaves a request behind that would begin later.
    if (this.#ended !== undefined && this.#controller === undefined) clients.drop(client)
    else clients.give(client)
    if (verdict.status === 401) unauthorized()
    // Of an answer that never ended, nothing is believed.
    resolve({ verdict, reported: verdict.status === 0 ? undefined : this.#reported })
  }
}

function unanswered(reason: string, cause: 'connect' | 'unconnected' | 'connection' | 'timeout'): Verdict {
  return { kind: 'unreachable', status: 0, reason, retryAfterMs: undefined, cause, written: NOTHING }
}

/** undici wraps what the socket said; the innermost message is the one that helps. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return code === '' || error.message.includes(code)
    ? error.message || error.name
    : `${error.message} (${code})`
}
