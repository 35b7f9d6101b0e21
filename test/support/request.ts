/** One HTTP request as a sender makes it, and its answer. */
import { type Agent, type IncomingHttpHeaders, type RequestOptions, request as sendHttp } from 'node:http'
import { request as sendHttps } from 'node:https'
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Question {
  /** POST by default. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** A connection of its own by default. */
  readonly agent?: Agent
  /** The certificate to trust, for https. */
  readonly ca?: string
  readonly signal?: AbortSignal
}

/** Rejects where there is no answer. A URL's path goes out as it is written, double slashes and all. */
export function request(url: URL | string, question: Question = {}): Promise<Answer> {
  const { method = 'POST', headers = {}, body, agent, ca, signal } = question
  const target = new URL(url)
  const options: RequestOptions & { ca?: string } = {
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port,
    path: target.pathname + target.search,
    method,
    headers: body === undefined ? headers : { 'content-length': String(body.length), ...headers },
    agent: agent ?? false,
    ...(ca === undefined ? {} : { ca }),
    ...(signal === undefined ? {} : { signal }),
  }
  return new Promise((resolve, reject) => {
    const sent = (target.protocol === 'https:' ? sendHttps : sendHttp)(options, async response => {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer)
      } catch (error) {
        return reject(error)
      }
      const text = Buffer.concat(chunks).toString()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Writes these bytes to a socket and resolves with all that came back until the other side closed it. */
export function talk(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    socket.once('close', () => resolve(text))
    // A reset is a way to close.
    socket.once('error', error =>
      'code' in error && error.code === 'ECONNRESET' ? undefined : reject(error),
    )
  })
}
