/**
 * The recording store, a process of its own: writes what it gets to its journal, then answers 204, to 2.0 with how much it
 * has written.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { writtenHeaders } from '../../bench/load/written.ts'
import { answerCalls, childOptions } from '../support/child.ts'
import { NUMBER_HEADER } from '../support/fault-proxy.ts'
import { decodePush } from '../support/remote-write.ts'
import { hashLabels } from './book.ts'
import { Journal } from './journal.ts'

export interface StoreOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly journal: string
}

export interface StoreState {
  readonly port: number
  /** Requests that could not be read; they got a 400. */
  readonly unreadable: number
}

const options = childOptions<StoreOptions>()
const journal = new Journal(options.journal)
let unreadable = 0

const server = createServer(async (request, response) => {
  try {
    const body = await readAll(request)
    const protocol = request.headers['content-type']?.includes('write.v2') ? '2.0' : '1.0'
    const samples = decodePush(body, protocol).map(({ labels, value, timestamp }) => ({
      value,
      timestamp,
      labelsHash: hashLabels(labels),
    }))
    const tenant = request.headers['x-scope-orgid']
    journal.append({
      request: Number(request.headers[NUMBER_HEADER] ?? 0),
      // `/push` is one store, and `/push/NAME` another.
      store: (request.url ?? '').split('/')[2] ?? '',
      tenant: typeof tenant === 'string' ? tenant : '',
      samples,
    })
    const written = { samples: samples.length, histograms: 0, exemplars: 0 }
    response.writeHead(204, protocol === '2.0' ? writtenHeaders(written) : {}).end()
  } catch (error) {
    if (request.destroyed && !request.complete) return
    unreadable++
    const text = `${error}`
    response.writeHead(400, { 'content-length': Buffer.byteLength(text) }).end(text)
  }
})
server.listen(options.port, '127.0.0.1', () => {
  answerCalls<'state', StoreState>(() => ({ port: (server.address() as { port: number }).port, unreadable }))
})

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
