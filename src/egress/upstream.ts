/**
 * The store: makes one attempt to write one body for one tenant and says how it ended. No retry and no queue here.
 *
 * Every request is built from scratch: validated tenant, our own headers, a computed Content-Length. Host and scheme are
 * those of the configuration, whatever the data says. Redirects are not followed: they would carry credentials elsewhere.
 */
import type { Target } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import type { Protocol } from '../split/split.ts'
import type { TenantId } from '../tenant.ts'
import { printable } from '../text.ts'
import type { AnswerHeaders } from './answer-reader.ts'
import type { Cancellation } from './cancellation.ts'
import { Client } from './client.ts'
import type { Connection, Requester } from './connection.ts'
import { parseRetryAfter } from './retry-after.ts'
import { cancelledVerdict, NOTHING, type Verdict, verdictOf, type Written } from './verdict.ts'
import { parseWritten } from './written-headers.ts'

export interface UpstreamOptions {
  readonly target: Target
  /** Empty where the path carries the tenant. */
  readonly tenantHeader: string
  readonly username: string
  readonly password: Secret | undefined
  /** PEM certificates that may have signed the store's own; undefined trusts those of the system. */
  readonly ca: string | undefined
  /** One attempt, from connecting to the end of the answer. */
  readonly timeoutMs: number
  /** 0 keeps connections for ever. */
  readonly maxConnectionDurationMs: number
  readonly ipv6: boolean
  /** `Sluice/1.2.3`, where nobody's own goes along. */
  readonly userAgent: string
  readonly now?: () => number
}

/** What all requests for one tenant have in common; made once per lane. */
export interface Route {
  readonly path: string
  /** The beginning of the head: request line and fields, each with the end of its line. */
  readonly heads: Readonly<Record<Protocol, string>>
}

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
const PROTOCOL_FIELDS: Readonly<Record<Protocol, string>> = {
  '1.0':
    'content-type: application/x-protobuf\r\n' +
    'content-encoding: snappy\r\n' +
    'x-prometheus-remote-write-version: 0.1.0\r\n',
  '2.0':
    'content-type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n' +
    'content-encoding: snappy\r\n' +
    'x-prometheus-remote-write-version: 2.0.0\r\n',
}

export class Upstream {
  readonly #options: UpstreamOptions
  readonly #client: Client
  /** Of every request beside those of its protocol. */
  readonly #fields: string
  readonly #now: () => number

  constructor(options: UpstreamOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    const { target, ca, timeoutMs, maxConnectionDurationMs, ipv6 } = options
    this.#client = new Client({
      origin: new URL(target.origin),
      ca,
      timeoutMs,
      maxConnectionDurationMs,
      ipv6,
    })
    const { username, password } = options
    const credentials = password === undefined ? '' : `${username}:${password.reveal()}`
    this.#fields =
      field('host', new URL(target.origin).host) +
      (credentials === ''
        ? ''
        : field('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`))
  }

  route(tenant: TenantId): Route {
    const { target, tenantHeader } = this.#options
    // A tenant passed its allow-list, so only bytes that are no path characters (RFC 3986, 3.3) are left to encode.
    const path = target.pathParts.join(tenant.replace(NOT_PCHAR, encodeURIComponent))
    const ours = this.#fields + (tenantHeader === '' ? '' : field(tenantHeader, tenant))
    const of = (protocol: Protocol) => `POST ${path} HTTP/1.1\r\n${PROTOCOL_FIELDS[protocol]}${ours}`
    return { path, heads: { '1.0': of('1.0'), '2.0': of('2.0') } }
  }

  /** Never rejects: whatever happens is a verdict. `cancellation` ends the attempt when there is no use in it any more. */
  attempt({ route, protocol, body, headers }: Attempt, cancellation: Cancellation): Promise<Reply> {
    if (cancellation.cancelled)
      return Promise.resolve({ verdict: cancelledVerdict(cancellation.reason), reported: undefined })
    const { timeoutMs, userAgent } = this.#options
    let head = route.heads[protocol]
    for (const name in headers) head += field(name, headers[name] as string)
    if (headers['user-agent'] === undefined) head += field('user-agent', userAgent)

    return new Promise(resolve => {
      const answer = new Answer(protocol, this.#now, timeoutMs, cancellation, resolve)
      this.#client.request({ head, body }, answer)
    })
  }

  /** Ends every connection now. */
  async destroy(): Promise<void> {
    this.#client.destroy()
  }
}

/** One field of a head. What came over HTTP or is configured has no end of a line in it; this is the wall behind that. */
function field(name: string, value: string): string {
  if (!FIELD_NAME.test(name) || NO_FIELD_VALUE.test(value))
    throw new Error('BUG: a header that can’t be sent')
  return `${name}: ${value}\r\n`
}

/** RFC 9110, 5.1 and 5.5. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NO_FIELD_VALUE = /[^\t\x20-\x7e\x80-\xff]/

const NOT_PCHAR = /[^A-Za-z0-9\-._~!$&'()*+,;=:@]/g

/** Of the store's answer only so much is kept: enough for its reason, too little to fill memory. */
const ANSWER_BYTES = 4096
const REASON_CHARACTERS = 200

/** Hears one answer to its end, with one deadline for all of it, and makes a verdict of it. */
class Answer implements Requester {
  readonly #protocol: Protocol
  readonly #now: () => number
  readonly #cancellation: Cancellation
  readonly #resolve: (reply: Reply) => void
  readonly #timer: NodeJS.Timeout
  readonly #timeoutMs: number
  #connection: Connection | undefined
  /** Why it was ended before the answer did; undefined where it was not. */
  #ended: Verdict | undefined
  #finished = false
  #status = 0
  #retryAfter: string | undefined
  #reported: Written | undefined
  #text: Buffer[] = []
  #length = 0

  constructor(
    protocol: Protocol,
    now: () => number,
    timeoutMs: number,
    cancellation: Cancellation,
    resolve: (reply: Reply) => void,
  ) {
    this.#protocol = protocol
    this.#now = now
    this.#timeoutMs = timeoutMs
    this.#cancellation = cancellation
    this.#resolve = resolve
    this.#timer = setTimeout(this.#onTimeout, timeoutMs)
    cancellation.listen(this.#onCancel)
  }

  started(connection: Connection): void {
    this.#connection = connection
    if (this.#ended !== undefined) connection.abort(new Error('ended before it began'))
  }

  answered(status: number, headers: AnswerHeaders): void {
    this.#status = status
    const retryAfter = headers['retry-after']
    if (typeof retryAfter === 'string') this.#retryAfter = retryAfter
    // Of 1.0 there is no such header, so one would be another's mistake.
    if (this.#protocol === '2.0') this.#reported = parseWritten(headers)
  }

  data(bytes: Buffer): void {
    // The reason of a success is of no interest; that it ends is.
    if (this.#status < 300) return
    this.#text.push(Buffer.from(bytes))
    this.#length += bytes.length
    // A longer answer costs its connection, which is cheaper than reading it.
    if (this.#length >= ANSWER_BYTES) this.#end(this.#verdict())
  }

  ended(): void {
    this.#finish(this.#verdict())
  }

  failed(error: Error): void {
    const reason = printable(describe(error), REASON_CHARACTERS)
    // A request begins when it has a connection.
    const cause = this.#connection === undefined ? 'connect' : 'connection'
    this.#finish(this.#ended ?? unanswered(reason, cause))
  }

  #verdict(): Verdict {
    const text = Buffer.concat(this.#text, Math.min(this.#length, ANSWER_BYTES))
    const end = text.indexOf('\n')
    const reason = printable(end < 0 ? text : text.subarray(0, end), REASON_CHARACTERS)
    return verdictOf(this.#status, reason, parseRetryAfter(this.#retryAfter, this.#now()))
  }

  readonly #onTimeout = (): void => {
    const reason = `no answer within timeout (${this.#timeoutMs / 1000} s)`
    const cause = this.#connection === undefined ? 'unconnected' : 'timeout'
    this.#end(unanswered(reason, cause))
  }

  readonly #onCancel = (): void => {
    this.#end(cancelledVerdict(this.#cancellation.reason))
  }

  /** Where the request has not even begun (it waits for its connection), its end is not waited for. */
  #end(verdict: Verdict): void {
    this.#ended = verdict
    if (this.#connection === undefined) this.#finish(verdict)
    else this.#connection.abort(new Error('ended'))
  }

  /** Once: what comes later belongs to nobody, and the cancellation may have its next listener by then. */
  #finish(verdict: Verdict): void {
    if (this.#finished) return
    this.#finished = true
    clearTimeout(this.#timer)
    this.#cancellation.listen(undefined)
    // Of an answer that never ended, nothing is believed.
    this.#resolve({ verdict, reported: verdict.status === 0 ? undefined : this.#reported })
  }
}

function unanswered(reason: string, cause: 'connect' | 'unconnected' | 'connection' | 'timeout'): Verdict {
  return { kind: 'unreachable', status: 0, reason, retryAfterMs: undefined, cause, written: NOTHING }
}

/** A name has several addresses, and each may have failed; the first says enough. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return code === '' || error.message.includes(code)
    ? error.message || error.name
    : `${error.message} (${code})`
}
