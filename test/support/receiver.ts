/** A store for tests: a real HTTP server that records every request and answers as it is told. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type Respond = (received: Received, response: ServerResponse, request: IncomingMessage) => void

export interface Receiver extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** What later requests are answered with; 204 at first. */
  respond: Respond
}

/** Listens on a free loopback port; with TLS where there is a certificate. */
export async function startReceiver(
  respond: Respond = answerWith(204),
  tls?: { readonly cert: string; readonly key: string },
): Promise<Receiver> {
  const received: Received[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return // the other side left
    }
    const one = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks),
    }
    received.push(one)
    receiver.respond(one, response, request)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    received,
    respond,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return receiver
}

export function answerWith(status: number, body = '', headers: Record<string, string> = {}): Respond {
  return (_received, response) => {
    response.writeHead(status, headers).end(body)
  }
}
