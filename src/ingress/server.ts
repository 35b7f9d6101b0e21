/** The HTTP server around the routes: sockets, their deadlines, TLS. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { CATALOGUE, type ErrorCode } from '../errors.ts'

export interface ServerOptions {
  readonly idleTimeoutMs: number
  readonly timeoutMs: number
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly maxConnections: number
  /** Told of requests that were no HTTP, or too slow to become a request. */
  readonly refused: (code: ErrorCode, message: string) => void
}

export function createServer(options: ServerOptions): FastifyInstance {
  const { idleTimeoutMs, timeoutMs, tls, maxConnections, refused } = options
  const http = {
    headersTimeout: timeoutMs,
    // The body has a deadline of its own, counted from when it is asked for; this one only backs it.
    requestTimeout: 2 * timeoutMs + 1000,
    connectionsCheckingInterval: Math.max(50, Math.min(1000, timeoutMs / 4)),
  }
  const clientErrorHandler = (error: ConnectionError, socket: Socket) => {
    const code = codeOf(error)
    refused(code, error.code ?? error.message)
    if (socket.writable && !socket.destroyed) socket.write(rawAnswer(code))
    socket.destroySoon()
  }
  const server = Fastify({
    logger: false,
    keepAliveTimeout: idleTimeoutMs,
    // Stopping waits for pushes in flight, not for connections that merely stay open.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: false, caseSensitive: true },
    clientErrorHandler,
    ...(tls === undefined ? { http } : { https: { ...http, ...tls } }),
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  // Beyond it Node closes a connection at once; every sender takes that as "send it again".
  server.server.maxConnections = maxConnections
  // Node would say "100 Continue" by itself, to a body that is refused a moment later too; the route says it.
  server.server.on('checkContinue', (request, response) => server.routing(request, response))
  return server
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
