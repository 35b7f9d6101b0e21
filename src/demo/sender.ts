/**
 * The demo's own Prometheus: it scrapes targets in this process and pushes what it finds, all tenants mixed in one
 * push, with the retries of a real sender: again after a 5xx or a broken connection, never after a 4xx.
 */
import { Counter, Histogram, Registry } from 'prom-client'
import { Client } from 'undici'
import { storeSnappy } from '../wire/snappy.ts'
import { pause } from './pause.ts'
import { scrape, type Target } from './scrape.ts'
import { type SentSeries, writeRequest } from './write-request.ts'

export interface SenderOptions {
  /** Where Sluice takes pushes. */
  readonly url: string
  readonly targets: readonly Target[]
  readonly intervalMs: number
  readonly now?: () => number
  readonly random?: () => number
}

export interface SenderStats {
  readonly delivered: number
  /** Answers and broken connections after which a push was sent again. */
  readonly retried: number
  /** Pushes given up after a 4xx. */
  readonly dropped: number
  /** What went wrong last, or empty. */
  readonly lastError: string
}

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5_000
const TIMEOUT_MS = 10_000

export class Sender {
  /** What the sender knows about itself; it can be a target as well. */
  readonly registry = new Registry()
  readonly #url: URL
  readonly #targets: readonly Target[]
  readonly #intervalMs: number
  readonly #now: () => number
  readonly #random: () => number
  readonly #client: Client
  readonly #duration: Histogram
  readonly #pushes: Counter<'result'>
  #stats: SenderStats = { delivered: 0, retried: 0, dropped: 0, lastError: '' }
  /** The series of the last scrape, by their labels: those that are gone get a stale marker. */
  #previous = new Map<string, SentSeries>()

  constructor({ url, targets, intervalMs, now = Date.now, random = Math.random }: SenderOptions) {
    this.#url = new URL(url)
    this.#client = new Client(this.#url.origin, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS })
    this.#intervalMs = intervalMs
    this.#now = now
    this.#random = random
    this.#pushes = new Counter({
      name: 'demo_sender_attempts_total',
      help: 'Attempts to push, by result.',
      labelNames: ['result'],
      registers: [this.registry],
    })
    this.#duration = new Histogram({
      name: 'demo_sender_attempt_duration_seconds',
      help: 'Time from the start of an attempt to its answer.',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
      registers: [this.registry],
    })
    const self: Target = {
      labels: { job: 'demo-sender', instance: `pid-${process.pid}` },
      registry: this.registry,
      keeps: () => true,
    }
    this.#targets = [...targets, self]
  }

  get stats(): SenderStats {
    return this.#stats
  }

  /** Scrapes and pushes until `signal`; what is in flight then is finished, or given up after the timeout. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = this.#now() + this.#intervalMs
      await this.#push(signal)
      await pause(next - this.#now(), signal)
    }
    await this.#client.close()
  }

  async #push(signal: AbortSignal): Promise<void> {
    const time = this.#now()
    const scraped = (await Promise.all(this.#targets.map(scrape))).flat()
    const current = new Map(scraped.map(series => [JSON.stringify(series.labels), series]))
    const gone = [...this.#previous].filter(([key]) => !current.has(key)).map(([, series]) => series)
    const stale = gone.map(({ labels }) => ({ labels, value: undefined }))
    this.#previous = current
    await this.#deliver(storeSnappy(writeRequest([...scraped, ...stale], time)), signal)
  }

  async #deliver(body: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const { status, text, retryAfterMs } = await this.#attempt(body, attempt)
      if (status >= 200 && status < 300) {
        this.#stats = { ...this.#stats, delivered: this.#stats.delivered + 1 }
        return
      }
      const lastError = `${status === 0 ? 'no answer' : status}: ${text}`
      if (status >= 400 && status < 500) {
        this.#stats = { ...this.#stats, dropped: this.#stats.dropped + 1, lastError }
        return
      }
      this.#stats = { ...this.#stats, retried: this.#stats.retried + 1, lastError }
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** attempt, MAX_BACKOFF_MS) * (0.5 + this.#random() / 2)
      await pause(Math.min(retryAfterMs ?? backoff, MAX_BACKOFF_MS), signal)
      if (signal.aborted) return
    }
  }

  /** Status 0 where there was no answer. */
  async #attempt(
    body: Uint8Array,
    attempt: number,
  ): Promise<{ status: number; text: string; retryAfterMs?: number }> {
    const headers = attempt === 0 ? HEADERS : { ...HEADERS, 'retry-attempt': String(attempt) }
    const done = this.#duration.startTimer()
    try {
      const path = this.#url.pathname + this.#url.search
      const answer = await this.#client.request({ method: 'POST', path, headers, body })
      const text = oneLine(await answer.body.text())
      this.#pushes.inc({ result: String(answer.statusCode) })
      const seconds = Number(answer.headers['retry-after'])
      return { status: answer.statusCode, text, ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}) }
    } catch (error) {
      this.#pushes.inc({ result: 'no_answer' })
      return { status: 0, text: oneLine((error as Error).message) }
    } finally {
      done()
    }
  }
}

const HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
  'user-agent': 'sluice-demo',
} as const

/** Safe on a terminal, too. */
function oneLine(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200)
}
