/** Stores for tests that differ in what they make of remote write 2.0, and remember what they have really read. */
import type { Protocol } from '../../src/remote-write/split.ts'
import { decodeMessage, unsnappy } from './decode.ts'
import type { Respond } from './receiver.ts'

export type StoreKind =
  | 'knows 2.0'
  | 'answers 415'
  /** Prometheus 2.42: reads each body as 1.0, in which one of 2.0 has no series. */
  | 'ignores the type'
  | 'answers 400'
  /** OTel Collector. */
  | 'knows only 2.0'

export interface ProtocolStore {
  readonly respond: Respond
  /** `tenant: series series`, one for each request from which it has stored any, with its protocol. */
  readonly stored: string[]
  /** Protocols of all requests, in their order. */
  readonly asked: Protocol[]
}

export function storeThat(kind: StoreKind): ProtocolStore {
  const stored: string[] = []
  const asked: Protocol[] = []
  return {
    stored,
    asked,
    respond({ headers, body }, response) {
      const protocol = protocolOf(headers['content-type'])
      asked.push(protocol)
      const knows = kind === 'knows 2.0' || kind === 'knows only 2.0'
      if (protocol === '2.0' && kind === 'answers 415') return void response.writeHead(415).end('no 2.0 here')
      if (protocol === '2.0' && kind === 'answers 400')
        return void response.writeHead(400).end('no such type')
      if (protocol === '1.0' && kind === 'knows only 2.0') return void response.writeHead(415).end('only 2.0')
      const reads = knows ? protocol : '1.0'
      const { series } = decodeMessage(reads, unsnappy(body))
      const names = series.map(({ labels }) => labels.find(([name]) => name === '__name__')?.[1])
      if (names.length > 0) stored.push(`${protocol} ${headers['x-scope-orgid']}: ${names.join(' ')}`)
      const sum = (of: 'samples' | 'histograms' | 'exemplars') =>
        String(series.reduce((sum, one) => sum + one[of].length, 0))
      const counts = {
        'x-prometheus-remote-write-samples-written': sum('samples'),
        'x-prometheus-remote-write-histograms-written': sum('histograms'),
        'x-prometheus-remote-write-exemplars-written': sum('exemplars'),
      }
      response.writeHead(204, protocol === '2.0' && knows ? counts : {}).end()
    },
  }
}

export function protocolOf(contentType: string | undefined): Protocol {
  return contentType === 'application/x-protobuf;proto=io.prometheus.write.v2.Request' ? '2.0' : '1.0'
}
