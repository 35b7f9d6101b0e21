/** The HTTP surface: which path takes which method, and what a push's head must say before its body is looked at. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Identity } from '../auth/identity.ts'
import { NOBODY } from '../auth/principal.ts'
import { type ErrorCode, SluiceError } from '../errors.ts'
import { answerOfError, toSluiceError } from '../push/answer.ts'
import type { Door } from '../push/pipeline.ts'
import { PUSH_PATHS } from '../routes/paths.ts'
import { printable } from '../text.ts'
import { contentLengthOf, expectsContinue, readBody } from './body.ts'
import type { Connection } from './connection.ts'
import { type PassOnOptions, passedOn } from './passed-on.ts'
import { type Reload, registerReload } from './reload.ts'
import { sendAnswer } from './reply.ts'

/** What one configuration says of pushes at the door. */
export interface IngressPolicy {
  readonly maxBodyBytes: number
  readonly timeoutMs: number
  /** Header whose value stands before every tenant of the push, in lower case; undefined where senders may not choose. */
  readonly prefixHeader: string | undefined
  readonly passOn: PassOnOptions
  /** By path. */
  readonly doors: ReadonlyMap<string, Door>
}

/** The configuration in force, held until it is given back. */
export interface Lease {
  readonly ingress: IngressPolicy
  release(): void
}

export interface RoutesOptions {
  /** Taken when a head has arrived; what a push began with stays its own to its end. */
  readonly take: () => Lease
  /** Counts and logs a request that never became a push. */
  readonly refused: (code: ErrorCode, message: string) => void
  readonly readiness: Readiness
  readonly connectionOf: (socket: Socket) => Connection
  /** Aborts when the drain is over: what is still in flight ends now, as `stopping`. */
  readonly halt: AbortSignal
  readonly reload: Reload
}

/** What the three health paths answer by. */
interface Readiness {
  /** Listening and not stopping; never whether the store is well: that would take all replicas away at once. */
  ready(): boolean
  stopping(): boolean
}

export function registerRoutes(server: FastifyInstance, options: RoutesOptions): void {
  const { take, refused, readiness, halt, connectionOf, reload } = options
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
    if (readiness.stopping()) reply.header('connection', 'close')
    done()
  })

  async function push(request: FastifyRequest, reply: FastifyReply, path: string): Promise<FastifyReply> {
    const lease = take()
    try {
      return await pushBy(lease.ingress, request.raw, reply, path)
    } finally {
      lease.release()
    }
  }

  async function pushBy(
    { maxBodyBytes, timeoutMs, prefixHeader, passOn, doors }: IngressPolicy,
    raw: IncomingMessage,
    reply: FastifyReply,
    path: string,
  ): Promise<FastifyReply> {
    const enter = doors.get(path)?.(raw.headers) ?? nothingAt(path)
    if (enter instanceof SluiceError) return refuse(reply, enter)

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
    const chosen = prefixHeader === undefined ? undefined : raw.headers[prefixHeader]
    const prefix = typeof chosen === 'string' && chosen !== '' ? `${chosen}-` : undefined
    const { headers, forwarded } = passedOn(raw, passOn)
    const answer = await enter({
      identity: new Identity({
        principal: NOBODY,
        address: raw.socket.remoteAddress ?? '',
        route: path,
        prefix,
        forwarded,
        quarantine: connection.quarantine,
      }),
      contentLength: contentLengthOf(raw),
      read: () => readBody(raw, { maxBytes: maxBodyBytes, timeoutMs, accepted }),
      prefix,
      headers,
      cancelled: cancel.signal,
    })
    if (connection.isOld(performance.now())) reply.header('connection', 'close')
    return sendAnswer(reply, answer)
  }

  function refuse(reply: FastifyReply, error: SluiceError): FastifyReply {
    refused(error.code, error.message)
    return sendAnswer(reply, answerOfError(error))
  }

  const known = new Map<string, string>()
  for (const path of PUSH_PATHS) {
    server.post(path, (request, reply) => push(request, reply, path))
    known.set(path, 'POST')
  }
  server.post('/loki/push', (_request, reply) =>
    refuse(reply, new SluiceError('not_implemented', 'Loki streams are not split here')),
  )
  known.set('/loki/push', 'POST')

  // The peer answers any method here, and so do load balancers ask.
  server.all('/alive', (_request, reply) => status(reply, !readiness.stopping()))
  server.get('/-/healthy', (_request, reply) => status(reply, true))
  server.get('/-/ready', (_request, reply) => status(reply, readiness.ready()))
  for (const path of ['/-/healthy', '/-/ready']) known.set(path, 'GET, HEAD')
  registerReload(server, reload, refused)

  for (const [path, allow] of known) {
    server.route({
      url: path,
      method: server.supportedMethods.filter(method => !allow.split(', ').includes(method)),
      handler: (request, reply) => notAllowed(request, reply, path, allow),
    })
  }

  function notAllowed(
    request: FastifyRequest,
    reply: FastifyReply,
    path: string,
    allow: string,
  ): FastifyReply {
    const error = new SluiceError('method_not_allowed', `${request.method} is not allowed on ${path}`)
    return refuse(reply.header('allow', allow), error)
  }

  // Paths that only the configuration knows are looked up when nothing else was found.
  server.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    const lease = take()
    const isPush = lease.ingress.doors.has(path)
    lease.release()
    if (!isPush) return refuse(reply, nothingAt(request.url))
    return request.method === 'POST' ? push(request, reply, path) : notAllowed(request, reply, path, 'POST')
  })
  server.setErrorHandler((error, request, reply) => {
    const lease = take()
    const refusal = ofFastify(error, request, lease.ingress.doors)
    lease.release()
    return refuse(reply, refusal)
  })
}

function nothingAt(url: string): SluiceError {
  return new SluiceError('not_found', `there is nothing at ${printable(url, 100)}`)
}

/**
 * As the router has it: without the query, a run of slashes as one, and decoded, but for the slash, which would make other
 * segments. What is malformed stays as it is, and is no path of ours.
 */
function pathOf(url: string): string {
  const path = url.replace(/[?#].*$/s, '').replace(/\/{2,}/g, '/')
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path.replace(/%2f/gi, '%252F'))
  } catch {
    return path
  }
}

/** What Fastify refuses before a route is asked is the sender's fault, not ours: a 500 would make it try for ever. */
function ofFastify(
  error: unknown,
  { raw, url }: FastifyRequest,
  doors: ReadonlyMap<string, Door>,
): SluiceError {
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const head = doors.get(pathOf(url))?.(raw.headers)
    if (head instanceof SluiceError) return head
  }
  const refused = code?.startsWith('FST_') === true && statusCode !== undefined && statusCode < 500
  return refused ? new SluiceError('bad_request', printable(message ?? code, 100)) : toSluiceError(error)
}

function status(reply: FastifyReply, good: boolean): FastifyReply {
  return reply.code(good ? 200 : 503).send()
}
