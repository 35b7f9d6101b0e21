/**
 * The store: makes one attempt to write one share and says how it ended. No retry and no queue here.
 *
 * Every request is built from scratch: validated tenant, our own headers, a computed Content-Length. Host and scheme are
 * those of the configuration, whatever the data says. Redirects are not followed: they would carry credentials elsewhere.
 */
import { Pool } from 'undici'
import type { Target } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import type { TenantId } from '../tenant.ts'
import { printable } from '../text.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { Verdict } from './verdict.ts'

export interface UpstreamOptions {
  readonly target: Target
  /** Empty where the path carries the tenant. */
  readonly tenantHeader: string
  readonly username: string
  readonly password: Secret | undefined
  /** PEM certificates that may have signed the store's own; undefined trusts those of the system. */
  readonly ca: string | undefined
  readonly connections: number
  /** One attempt, from connecting to the end of the answer. */
  readonly timeoutMs: number
  /** 0 keeps connections for ever. */
  readonly maxConnectionDurationMs: number
  readonly ipv6: boolean
  readonly now?: () => number
}

export interface Attempt {
  readonly tenant: TenantId
  /** Borrowed until the attempt ends. */
  readonly body: Uint8Array
  /** What goes along beside our own headers; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** Of the store's answer only so much is read: enough for its reason, too little to fill memory. */
const ANSWER_BYTES = 4096
const REASON_CHARACTERS = 200

export class Upstream {
  readonly #options: UpstreamOptions
  readonly #pool: Pool
  readonly #headers: Readonly<Record<string, string>>
  readonly #now: () => number

  constructor(options: UpstreamOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#pool = new Pool(options.target.origin, {
      connections: options.connections,
      pipelining: 1,
      // undici 8 offers h2 by default; remote write is HTTP/1.1 everywhere, and one connection would carry everybody.
      allowH2: false,
      clientTtl: options.maxConnectionDurationMs > 0 ? options.maxConnectionDurationMs : null,
      // The attempt has one deadline of its own, so undici's are off, but for connecting, which it alone can see.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: options.timeoutMs,
        ...(options.ipv6 ? {} : { family: 4 }),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    })
    this.#headers = {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
      ...(options.password === undefined
        ? {}
        : {
            authorization: `Basic ${Buffer.from(`${options.username}:${options.password.reveal()}`).toString('base64')}`,
          }),
    }
  }

  /** Never rejects: whatever happens is a verdict. `signal` ends the attempt when there is no use in it any more; its reason says why. */
  async attempt(attempt: Attempt, signal: AbortSignal): Promise<Verdict> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), this.#options.timeoutMs)
    const giveUp = () => deadline.abort()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      signal.throwIfAborted()
      const { tenantHeader } = this.#options
      const answer = await this.#pool.request({
        method: 'POST',
        path: this.#path(attempt.tenant),
        headers: {
          ...attempt.headers,
          ...this.#headers,
          ...(tenantHeader === '' ? {} : { [tenantHeader]: attempt.tenant }),
        },
        body: attempt.body,
        signal: deadline.signal,
      })
      const text = await readSome(answer.body)
      const retryAfter = answer.headers['retry-after']
      return verdictOf(
        answer.statusCode,
        printable(firstLine(text), REASON_CHARACTERS),
        parseRetryAfter(typeof retryAfter === 'string' ? retryAfter : undefined, this.#now()),
      )
    } catch (error) {
      const reason = signal.aborted
        ? printable(describe(signal.reason), REASON_CHARACTERS)
        : deadline.signal.aborted
          ? `no answer within timeout (${this.#options.timeoutMs / 1000} s)`
          : printable(describe(error), REASON_CHARACTERS)
      return { kind: 'unreachable', status: 0, reason, retryAfterMs: undefined }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** Ends idle connections and waits for busy ones. */
  async close(): Promise<void> {
    await this.#pool.close()
  }

  /** Ends every connection now. */
  async destroy(): Promise<void> {
    await this.#pool.destroy()
  }

  /** A tenant passed its allow-list, so only bytes that are no path characters (RFC 3986, 3.3) are left to encode. */
  #path(tenant: TenantId): string {
    const parts = this.#options.target.pathParts
    return parts.length === 1
      ? (parts[0] as string)
      : parts.join(tenant.replace(NOT_PCHAR, encodeURIComponent))
  }
}

const NOT_PCHAR = /[^A-Za-z0-9\-._~!$&'()*+,;=:@]/g

/** The table of design, "From the store's status to a verdict". The common case is first. */
export function verdictOf(status: number, reason: string, retryAfterMs: number | undefined): Verdict {
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  if (status === 429) return { kind: 'throttled', status, reason, retryAfterMs }
  if (status >= 400 && status < 500 && status !== 408) {
    return { kind: 'rejected', status, reason, refusal: OUR_CONFIGURATION.has(status) }
  }
  return { kind: 'unreachable', status, reason, retryAfterMs }
}

const OUR_CONFIGURATION: ReadonlySet<number> = new Set([401, 403, 404, 405, 415])

type AnswerBody = Awaited<ReturnType<Pool['request']>>['body']

/** Reads at most `ANSWER_BYTES`; a longer answer costs its connection, which is cheaper than reading it. */
async function readSome(body: AnswerBody): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length >= ANSWER_BYTES) break
  }
  return Buffer.concat(chunks, Math.min(length, ANSWER_BYTES))
}

function firstLine(text: Buffer): Buffer {
  const end = text.indexOf(0x0a)
  return end < 0 ? text : text.subarray(0, end)
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
