/**
 * Native histograms as a store keeps them, by remote read: the query interface shows where buckets lie and what they
 * count, and neither the schema nor the spans.
 */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { compressSync, uncompressSync } from 'snappy'
import { identity, type QueryApi } from './query-api.ts'

// https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto; the series are those of remote write 1.0.
const MESSAGES = `
message ReadRequest { repeated Query queries = 1; }
message Query { int64 start_timestamp_ms = 1; int64 end_timestamp_ms = 2; repeated LabelMatcher matchers = 3; }
message LabelMatcher { int32 type = 1; string name = 2; string value = 3; }
message ReadResponse { repeated QueryResult results = 1; }
message QueryResult { repeated TimeSeries timeseries = 1; }
`
const SERIES = readFileSync(new URL('../../../proto/write_request.proto', import.meta.url), 'utf8')
const { root } = protobuf.parse(`${SERIES}${MESSAGES}`, { keepCase: true })
const ReadRequest = root.lookupType('prometheus.ReadRequest')
const ReadResponse = root.lookupType('prometheus.ReadResponse')

interface Answered {
  readonly results: readonly {
    readonly timeseries: readonly {
      readonly labels: readonly { readonly name: string; readonly value: string }[]
      readonly histograms: readonly NativeHistogram[]
    }[]
  }[]
}

interface NativeHistogram {
  readonly reset_hint: unknown
  readonly schema: number
}

/** Of every series with these labels, all native histograms between the two instants, a text each. */
export async function nativeHistograms(
  api: QueryApi,
  labels: Readonly<Record<string, string>>,
  from: number,
  to: number,
): Promise<Map<string, string>> {
  const matchers = Object.entries(labels).map(([name, value]) => ({ type: 0, name, value }))
  const query = {
    start_timestamp_ms: Math.round(from * 1000),
    end_timestamp_ms: Math.round(to * 1000),
    matchers,
  }
  const body = compressSync(
    Buffer.from(ReadRequest.encode(ReadRequest.fromObject({ queries: [query] })).finish()),
  )
  const url = `${api.url}/api/v1/read`
  const headers = {
    ...api.headers,
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-read-version': '0.1.0',
  }
  const response = await fetch(url, { method: 'POST', headers, body })
  if (!response.ok)
    throw new Error(`POST ${url}: ${response.status} ${(await response.text()).slice(0, 500)}`)
  const message = uncompressSync(new Uint8Array(await response.arrayBuffer())) as Buffer
  const { results } = ReadResponse.toObject(ReadResponse.decode(message), {
    longs: String,
    defaults: true,
    oneofs: true,
  }) as Answered
  return new Map(
    results.flatMap(({ timeseries }) =>
      timeseries.map(one => {
        const own = Object.fromEntries(one.labels.map(({ name, value }) => [name, value]))
        return [identity(own), JSON.stringify(one.histograms.map(shape))] as const
      }),
    ),
  )
}

/** Everything but the hint whether a counter was reset, which each store finds out for itself. */
function shape({ reset_hint, ...rest }: NativeHistogram): object {
  return rest
}
