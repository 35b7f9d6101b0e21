/** The HTTP surface: which path takes which method, and what a push's head must say before its body is looked at. */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, SluiceError } from '../errors.ts'
import { type Answer, answerOfError, toSluiceError } from '../push/answer.ts'
import type { Pipeline } from '../push/pipeline.ts'
import { negotiate } from '../remote-write/negotiate.ts'
import type { Encoding } from '../remote-write/split.ts'
import { printable } from '../text.ts'
import { contentLengthOf, expectsContinue, hasBody, readBody } from './body.ts'
import type { Connection } from './connection.ts'
import { lingerBeforeClose } from './linger.ts'
import { type PassOnOptions, passedOn } from './passed-on.ts'

const PUSH_PATHS: readonly string[] = [
  '/push', // cortex-tenant
  '/api/v1/push', // Mimir, Cortex
  '/api/v1/write', // Prometheus, VictoriaMetrics
  '/api/prom/push', // Cortex
  '/api/v1/receive', // Thanos
  '/prometheus/api/v1/write', // VictoriaMetrics
  '/prometheus/api/v1/push',
  // VictoriaMetrics cluster. Of accounts only 0, its first: another number would name a tenant, and labels name it here.
  ...['multitenant', '0'].flatMap(account => [
    `/insert/${account}/prometheus`,
    `/insert/${account}/prometheus/`,
    `/insert/${account}/prometheus/api/v1/write`,
    `/insert/${account}/prometheus/api/v1/push`,
  ]),
]

/** An unread rest up to this is read and dropped, so that the connection can go on; of more, closing is cheaper. */
const DRAIN_BYTES = 1024 * 1024

export interface RoutesOptions {
  readonly pipeline: Pipeline
  readonly encodings: readonly Encoding[]
  readonly maxBodyBytes: number
  readonly timeoutMs: number
  /** Header whose value stands before every tenant of the push, in lower case; undefined where senders may not choose. */
  readonly prefixHeader: string | undefined
  readonly passOn: PassOnOptions
  /** Counts and logs a request that never became a push. */
  readonly refused: (code: ErrorCode, message: string) => void
  readonly health: Health
  readonly connectionOf: (socket: Socket) => Connection
  /** Aborts when the drain is over: what is still in flight ends now, as `stopping`. */
  readonly halt: AbortSignal
}

/** What the three health paths answer by. */
interface Health {
  /** Listening and not stopping; never whether the store is well: that would take all replicas away at once. */
  ready(): boolean
  stopping(): boolean
}

export function registerRoutes(server: FastifyInstance, options: RoutesOptions): void {
  const {
    pipeline,
    encodings,
    maxBodyBytes,
    timeoutMs,
    prefixHeader,
    passOn,
    refused,
    health,
    halt,
    connectionOf,
  } = options
  // Bodies are read by the push route alone, and only after the gate has admitted them.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, _payload, done) => done(null))
  // Fastify refuses an empty type; for us it is a missing one.
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    if (raw.headers['content-type']?.trim() === '') delete raw.headers['content-type']
    done()
  })
  // A connection that merely stays open after its answer would make stopping wait for drain_timeout.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (health.stopping()) reply.header('connection', 'close')
    done()
  })

  async function push(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { raw } = request
    const head = attempt(() => negotiate(raw.headers, encodings))
    if (head instanceof SluiceError) return refuse(reply, head)

    const cancel = new AbortController()
    const halted = () =>
      cancel.abort(new SluiceError('stopping', 'this process ended before the push was delivered'))
    halt.addEventListener('abort', halted)
    reply.raw.once('close', () => {
      halt.removeEventListener('abort', halted)
      if (!reply.raw.writableFinished)
        cancel.abort(new SluiceError('client_gone', 'the sender closed the connection'))
    })
    const accepted = () => {
      if (expectsContinue(raw)) reply.raw.writeContinue()
    }
    const connection = connectionOf(raw.socket)
    const prefix = prefixHeader === undefined ? undefined : raw.headers[prefixHeader]
    const answer = await pipeline({
      ...head,
      contentLength: contentLengthOf(raw),
      read: () => readBody(raw, { maxBytes: maxBodyBytes, timeoutMs, accepted }),
      prefix: typeof prefix === 'string' && prefix !== '' ? `${prefix}-` : undefined,
      ...passedOn(raw, passOn),
      sender: connection.sender,
      address: raw.socket.remoteAddress ?? '',
      cancelled: cancel.signal,
    })
    if (connection.isOld(performance.now())) reply.header('connection', 'close')
    return send(reply, answer)
  }

  function refuse(reply: FastifyReply, error: SluiceError): FastifyReply {
    refused(error.code, error.message)
    return send(reply, answerOfError(error))
  }

  const known = new Map<string, string>()
  for (const path of PUSH_PATHS) {
    server.post(path, push)
    known.set(path, 'POST')
  }
  server.post('/loki/push', (_request, reply) =>
    refuse(reply, new SluiceError('not_implemented', 'Loki streams are not split here')),
  )
  known.set('/loki/push', 'POST')

  // The peer answers any method here, and so do load balancers ask.
  server.all('/alive', (_request, reply) => status(reply, !health.stopping()))
  server.get('/-/healthy', (_request, reply) => status(reply, true))
  server.get('/-/ready', (_request, reply) => status(reply, health.ready()))
  for (const path of ['/-/healthy', '/-/ready']) known.set(path, 'GET, HEAD')

  for (const [path, allow] of known) {
    server.route({
      url: path,
      method: server.supportedMethods.filter(method => !allow.split(', ').includes(method)),
      handler: (request, reply) => {
        const error = new SluiceError('method_not_allowed', `${request.method} is not allowed on ${path}`)
        return refuse(reply.header('allow', allow), error)
      },
    })
  }
  server.setNotFoundHandler((request, reply) =>
    refuse(reply, new SluiceError('not_found', `there is nothing at ${printable(request.url, 100)}`)),
  )
  server.setErrorHandler((error, request, reply) => refuse(reply, ofFastify(error, request, encodings)))
}

/** What Fastify refuses before a route is asked is the sender's fault, not ours: a 500 would make it try for ever. */
function ofFastify(error: unknown, { raw }: FastifyRequest, encodings: readonly Encoding[]): SluiceError {
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const head = attempt(() => negotiate(raw.headers, encodings))
    if (head instanceof SluiceError) return head
  }
  const refused = code?.startsWith('FST_') === true && statusCode !== undefined && statusCode < 500
  return refused ? new SluiceError('bad_request', printable(message ?? code, 100)) : toSluiceError(error)
}

function attempt<T>(work: () => T): T | SluiceError {
  try {
    return work()
  } catch (error) {
    return toSluiceError(error)
  }
}

function status(reply: FastifyReply, good: boolean): FastifyReply {
  return reply.code(good ? 200 : 503).send()
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const { raw } = reply.request
  if (!raw.complete && hasBody(raw)) {
    const left = contentLengthOf(raw)
    // Otherwise Node reads a refused body to its end, however long, to save the connection.
    if (left === undefined || left > DRAIN_BYTES || answer.code === 'slow_request') {
      reply.header('connection', 'close')
      lingerBeforeClose(raw)
    } else raw.resume()
  }
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', String(answer.retryAfterSeconds))
  if (answer.written !== undefined) {
    const { samples, histograms, exemplars } = answer.written
    reply.header('x-prometheus-remote-write-samples-written', String(samples))
    reply.header('x-prometheus-remote-write-histograms-written', String(histograms))
    reply.header('x-prometheus-remote-write-exemplars-written', String(exemplars))
  }
  if (answer.body === '') return reply.code(answer.status).send()
  return reply.code(answer.status).type('text/plain; charset=utf-8').send(answer.body)
}
