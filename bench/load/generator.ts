/**
 * The senders of the load: each has one connection and one push in flight, as a shard of a Prometheus has. A process of
 * its own on raw sockets with prebuilt bytes, because it shares the machine with what is measured and must cost little.
 */
import { connect, type Socket } from 'node:net'
import { build, type Histogram } from 'hdr-histogram-js'
import { answerCalls, childOptions } from '../../test/support/child.ts'
import { PUSH_HEADERS } from '../../test/support/remote-write.ts'
import { buildBody, type PayloadShape } from './payload.ts'

export interface GeneratorOptions extends PayloadShape {
  readonly senders: number
}

export type GeneratorCall =
  /** `pushesPerSecond`, over all senders; 0 pushes as soon as the last one is answered. */
  | { readonly kind: 'start'; readonly url: string; readonly pushesPerSecond: number }
  /** Answers with what was counted since `start` or the last `read`, and begins anew. */
  | { readonly kind: 'read' }
  | { readonly kind: 'stop' }

export interface GeneratorCounts {
  readonly seconds: number
  /** Pushes that were begun. */
  readonly sent: number
  /** Pushes by status; `error` is a connection that ended without an answer. */
  readonly statuses: Readonly<Record<string, number>>
  /** Pushes that were due and found no sender idle: the rate asked for was not reached. */
  readonly late: number
  /** Milliseconds of the pushes that were answered 2xx; all are 0 where there was none. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

const RECONNECT_MS = 20

class Sender {
  #request = Buffer.alloc(0)
  #port = 0
  #host = ''
  #socket: Socket | undefined
  #connected = false
  #sentAt = 0
  #answer = ''

  /** `request` is what each push writes, head and body. */
  prepare(url: URL, request: Buffer<ArrayBuffer>): void {
    this.#host = url.hostname
    this.#port = Number(url.port)
    this.#request = request
  }

  stop(): void {
    this.#socket?.destroy()
    this.#socket = undefined
    this.#sentAt = 0
  }

  push(): void {
    sent++
    this.#sentAt = performance.now()
    this.#answer = ''
    if (this.#socket === undefined) this.#connect()
    this.#socket?.write(this.#request)
  }

  #connect(): void {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true })
    this.#connected = false
    socket.on('connect', () => {
      this.#connected = true
    })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      if (this.#sentAt > 0) this.#done(this.#connected ? 'error' : 'not connected', false)
    })
    this.#socket = socket
  }

  #read(chunk: Buffer): void {
    // The common case is a whole answer without a body in one chunk.
    this.#answer += chunk.toString('latin1')
    const end = this.#answer.indexOf('\r\n\r\n')
    if (end < 0 || this.#sentAt === 0) return
    const head = this.#answer.slice(0, end).toLowerCase()
    const status = head.slice(9, 12)
    if (status === '100') {
      this.#answer = this.#answer.slice(end + 4)
      return
    }
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
    const body = this.#answer.length - end - 4
    const whole =
      length !== undefined ? body >= Number(length) : status === '204' || this.#answer.endsWith('0\r\n\r\n')
    if (whole) this.#done(status, head.includes('\r\nconnection: close'))
  }

  #done(status: string, closing: boolean): void {
    const now = performance.now()
    if (status.startsWith('2')) histogram.recordValue(Math.round((now - this.#sentAt) * 1_000))
    statuses[status] = (statuses[status] ?? 0) + 1
    this.#sentAt = 0
    if (closing) {
      this.#socket?.destroy()
      this.#socket = undefined
    }
    const ofRun = run
    if (status === 'not connected') setTimeout(() => free(this, ofRun), RECONNECT_MS)
    // Not from within the `data` event of the socket that is used next.
    else setImmediate(() => free(this, ofRun))
  }
}

const options = childOptions<GeneratorOptions>()
const histogram: Histogram = build({ highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: 3 })
let statuses: Record<string, number> = {}
let sent = 0
let late = 0
let since = performance.now()
/** Goes up with every start and stop, so that what an earlier run has pending ends with it. */
let run = 0
/** Of a run at a fixed rate: senders that wait for the next push to be due; undefined where nobody waits. */
let idle: Sender[] | undefined
const senders = Array.from({ length: options.senders }, () => new Sender())
/** Beyond these, senders share bodies: making them takes time, and no splitter looks. */
const bodies = Array.from(
  { length: Math.min(options.ownTenants ? Number.POSITIVE_INFINITY : 64, options.senders) },
  (_, n) => buildBody(options, n),
)

answerCalls<GeneratorCall, GeneratorCounts>(call => {
  const counts = read()
  if (call.kind === 'start') start(new URL(call.url), call.pushesPerSecond)
  if (call.kind === 'stop') stop()
  return counts
})

function start(url: URL, pushesPerSecond: number): void {
  const headers = { host: url.host, 'user-agent': 'sluice-bench', ...PUSH_HEADERS[options.protocol] }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}`
  const requests = bodies.map(body =>
    Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`, 'latin1'), body]),
  )
  senders.forEach((sender, n) => {
    sender.prepare(url, requests[n % requests.length]!)
  })
  run++
  idle = pushesPerSecond === 0 ? undefined : [...senders]
  if (idle === undefined) for (const sender of senders) sender.push()
  else pushAtRate(1_000 / pushesPerSecond, performance.now(), run)
}

function stop(): void {
  run++
  for (const sender of senders) sender.stop()
}

function free(sender: Sender, ofRun: number): void {
  if (ofRun !== run) return
  if (idle === undefined) sender.push()
  else idle.push(sender)
}

/** Pushes are due at fixed times, however long the answers take: senders out there don't wait for each other. */
function pushAtRate(intervalMs: number, from: number, ofRun: number): void {
  if (ofRun !== run) return
  let due = from
  for (const now = performance.now(); due <= now; due += intervalMs) {
    const sender = idle?.shift()
    if (sender === undefined) late++
    else sender.push()
  }
  setTimeout(() => pushAtRate(intervalMs, due, ofRun), Math.max(0, due - performance.now()))
}

function read(): GeneratorCounts {
  const now = performance.now()
  const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1_000
  const counts = {
    seconds: (now - since) / 1_000,
    sent,
    statuses,
    late,
    p50: ms(50),
    p99: ms(99),
    p999: ms(99.9),
  }
  histogram.reset()
  statuses = {}
  sent = 0
  late = 0
  since = now
  return counts
}
