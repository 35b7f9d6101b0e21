/** The HTTP server around the routes: sockets, their deadlines, TLS. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { CATALOGUE, type ErrorCode, SluiceError } from '../errors.ts'
import { answerOfError } from '../push/answer.ts'
import { printable } from '../text.ts'
import { sendAnswer } from './reply.ts'

/** Numbers that may change while it serves. */
export interface ServerLimits {
  readonly idleTimeoutMs: number
  readonly timeoutMs: number
  readonly maxConnections: number
}

export interface ServerOptions extends ServerLimits {
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Told of requests that were no HTTP, or too slow to become a request. */
  readonly refused: (code: ErrorCode, message: string) => void
}

export function createServer(options: ServerOptions): FastifyInstance {
  const { timeoutMs, tls, refused } = options
  const http = { connectionsCheckingInterval: Math.max(50, Math.min(1000, timeoutMs / 4)) }
  const clientErrorHandler = (error: ConnectionError, socket: Socket) => {
    const code = codeOf(error)
    refused(code, error.code ?? error.message)
    if (socket.writable && !socket.destroyed) socket.write(rawAnswer(code))
    socket.destroySoon()
  }
  // Of a path with a malformed escape, which no route is asked about.
  const frameworkErrors = (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
    const refusal = new SluiceError('bad_request', printable(error.message, 100))
    refused(refusal.code, refusal.message)
    sendAnswer(reply, answerOfError(refusal))
  }
  const server = Fastify({
    logger: false,
    // Stopping waits for pushes in flight, not for connections that merely stay open.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: false, caseSensitive: true },
    clientErrorHandler,
    // Without these fastify loads ajv, and no route has a schema.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors,
    ...(tls === undefined ? { http } : { https: { ...http, ...tls } }),
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  limitServer(server, options)
  // Node would say "100 Continue" by itself, to a body that is refused a moment later too; the route says it.
  server.server.on('checkContinue', (request, response) => server.routing(request, response))
  return server
}

/** From the next request on. */
export function limitServer({ server }: FastifyInstance, limits: ServerLimits): void {
  const { idleTimeoutMs, timeoutMs, maxConnections } = limits
  server.keepAliveTimeout = idleTimeoutMs
  server.headersTimeout = timeoutMs
  // The body has a deadline of its own, counted from when it is asked for; this one only backs it.
  server.requestTimeout = 2 * timeoutMs + 1000
  // Beyond it Node closes a connection at once; every sender takes that as "send it again".
  server.maxConnections = maxConnections
}

function noSchemas(): never {
  throw new Error('BUG: a route with a schema')
}

type ConnectionError = Error & { readonly code?: string }

function codeOf(error: ConnectionError): ErrorCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'slow_request' : 'bad_request'
}

/** There is no request to answer, so the answer is written by hand. */
function rawAnswer(code: ErrorCode): string {
  const { status, advice } = CATALOGUE[code]
  const body = `${advice}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
