/** A request on its way, and the answer to it. */
import type { Dispatcher } from 'undici'
import type { Reply } from '../protocol.ts'
import type { Cancellation } from '../share/cancellation.ts'
import { cancelledVerdict, NOTHING, type Verdict, verdictOf } from '../share/verdict.ts'
import { printable } from '../text.ts'
import type { Clients, StoreClient } from './clients.ts'
import { type Deadlines, Expiring } from './deadlines.ts'
import { parseRetryAfter } from './retry-after.ts'

/** Of the store's answer only so much is kept: enough for its reason, too little to fill memory. */
const ANSWER_BYTES = 4096
const REASON_CHARACTERS = 200

const NO_HEADERS: Reply['headers'] = Object.freeze({})

type Handler = Dispatcher.DispatchHandler
type Controller = Parameters<NonNullable<Handler['onRequestStart']>>[0]

/** What all exchanges with one store have in common. */
export interface Line {
  readonly now: () => number
  readonly timeoutMs: number
  readonly deadlines: Deadlines
  readonly clients: Clients
  /** Told of each 401: a store that does not know us any more may have got another password, and so may we. */
  readonly refused: () => void
}

interface ExchangeOptions {
  readonly cancellation: Cancellation
  /** Taken for it, and given back by it. */
  readonly client: StoreClient
  readonly resolve: (reply: Reply) => void
}

/** One request's answer: heard to its end, with one deadline for all of it, and made a verdict. */
export class Exchange extends Expiring implements Handler {
  readonly #line: Line
  readonly #options: ExchangeOptions
  #controller: Controller | undefined
  /** Why it was ended before the answer did; undefined where it was not. */
  #ended: Verdict | undefined
  #finished = false
  #status = 0
  #retryAfter: string | undefined
  #headers: Reply['headers'] = NO_HEADERS
  readonly #text: Buffer[] = []
  #length = 0

  constructor(line: Line, options: ExchangeOptions) {
    super()
    this.#line = line
    this.#options = options
    line.deadlines.add(this)
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
    this.#headers = headers
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
    return verdictOf(this.#status, reason, parseRetryAfter(this.#retryAfter, this.#line.now()))
  }

  /** The deadline has come. */
  expired(): void {
    const reason = `no answer within timeout (${this.#line.timeoutMs / 1000} s)`
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
    const { deadlines, clients, refused } = this.#line
    const { cancellation, client, resolve } = this.#options
    deadlines.delete(this)
    cancellation.listen(undefined)
    // Whoever did not wait for its beginning leaves a request behind that would begin later.
    if (this.#ended !== undefined && this.#controller === undefined) clients.drop(client)
    else clients.give(client)
    // Of an answer that never ended, nothing is believed.
    if (verdict.status === 401) refused()
    resolve({ verdict, headers: verdict.status === 0 ? NO_HEADERS : this.#headers })
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
