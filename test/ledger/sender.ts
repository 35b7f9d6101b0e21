/**
 * One shard of a Prometheus, as far as delivery goes: one push at a time; the same bytes again after 5xx, a broken
 * connection or its own timeout, until they are delivered; dropped after any 4xx, 429 included.
 */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodePush, PUSH_HEADERS } from '../support/remote-write.ts'
import type { Book } from './book.ts'

export interface SenderOptions {
  readonly url: URL
  readonly protocol: '1.0' | '2.0'
  /** Rest between two pushes. */
  readonly intervalMs: number
  /** How long it waits for an answer; Prometheus: 30 s. */
  readonly timeoutMs: number
  readonly minBackoffMs: number
  readonly maxBackoffMs: number
  /** Prometheus obeys any Retry-After; a short run can't. */
  readonly maxRetryAfterMs: number
}

/** `open`: the run ended before anybody could know. */
export interface PushOutcome {
  readonly end: 'acknowledged' | 'refused' | 'open'
  readonly attempts: number
  /** By `performance.now()`. */
  readonly span?: readonly [begun: number, ended: number]
  /** Of a 2.0 push: samples that answers say were written. */
  readonly claimed?: Claims
}

interface Claims {
  /** By one answer at most. */
  readonly largest: number
  /** By the answers to all attempts together. */
  readonly total: number
}

interface Answer {
  /** `network` for none. */
  readonly status: string
  readonly retryAfterMs: number | undefined
  readonly claimed: number
}

const NO_ANSWER: Answer = { status: 'network', retryAfterMs: undefined, claimed: 0 }

export class LedgerSender {
  /** Of each push, in order. */
  readonly outcomes: PushOutcome[] = []
  /** Answers by status; `network` for none. */
  readonly statuses: Record<string, number> = {}
  readonly #book: Book
  readonly #number: number
  readonly #options: SenderOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(book: Book, number: number, options: SenderOptions) {
    this.#book = book
    this.#number = number
    this.#options = options
  }

  /** Sends until `finish`, then finishes the push it is at; `stop` ends that too. */
  async run(finish: AbortSignal, stop: AbortSignal): Promise<void> {
    while (!finish.aborted) {
      const series = this.#book.push(this.#number, this.outcomes.length)
      const body = encodePush(series, this.#options.protocol)
      const begun = performance.now()
      const outcome = await this.#push(body, stop)
      this.outcomes.push({ ...outcome, span: [begun, performance.now()] })
      await rest(this.#options.intervalMs, finish)
    }
    this.#agent.destroy()
  }

  async #push(body: Uint8Array, stop: AbortSignal): Promise<PushOutcome> {
    let backoff = this.#options.minBackoffMs
    let claims: Claims = { largest: 0, total: 0 }
    const outcome = (end: PushOutcome['end'], attempts: number): PushOutcome =>
      this.#options.protocol === '2.0' ? { end, attempts, claimed: claims } : { end, attempts }
    for (let attempts = 1; ; attempts++) {
      const { status, retryAfterMs, claimed } = await this.#attempt(body, attempts, stop)
      if (stop.aborted) return outcome('open', attempts)
      this.statuses[status] = (this.statuses[status] ?? 0) + 1
      claims = { largest: Math.max(claims.largest, claimed), total: claims.total + claimed }
      if (status.startsWith('2')) return outcome('acknowledged', attempts)
      if (status.startsWith('4')) return outcome('refused', attempts)
      await rest(retryAfterMs ?? backoff, stop)
      backoff = Math.min(backoff * 2, this.#options.maxBackoffMs)
    }
  }

  #attempt(body: Uint8Array, attempt: number, stop: AbortSignal): Promise<Answer> {
    const { url, protocol, timeoutMs, maxRetryAfterMs } = this.#options
    return new Promise(resolve => {
      const broken = () => resolve(NO_ANSWER)
      const headers = {
        ...PUSH_HEADERS[protocol],
        'content-length': body.length,
        ...(attempt > 1 ? { 'retry-attempt': attempt - 1 } : {}),
      }
      const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)])
      const pushing = request(url, { method: 'POST', agent: this.#agent, headers, signal }, answer => {
        const seconds = Number(answer.headers['retry-after'] ?? Number.NaN)
        const retryAfterMs = Number.isNaN(seconds) ? undefined : Math.min(seconds * 1_000, maxRetryAfterMs)
        const claimed = Number(answer.headers['x-prometheus-remote-write-samples-written'] ?? 0)
        answer.on('end', () => resolve({ status: `${answer.statusCode}`, retryAfterMs, claimed }))
        answer.on('error', broken).on('close', broken).resume()
      })
      pushing.on('error', broken).on('close', broken).end(body)
    })
  }
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
