/** A store that only writes down what reaches it: paths, headers and every sample, bit by bit. */
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import protobuf from 'protobufjs'
import { unsnappy } from '../../support/decode.ts'
import { startReceiver, type Receiver as TestStore } from '../../support/receiver.ts'
import type { Labels } from './query-api.ts'

/** A stale marker, as `Sample.bits` shows it. Any other NaN is a value. */
export const STALE_BITS = '7ff0000000000002'

export interface Sample {
  readonly labels: Labels
  /** Milliseconds. */
  readonly at: number
  /** The double in hexadecimal, or a native histogram as JSON: equal texts are equal values, NaNs included. */
  readonly bits: string
}

export interface RecordedPush {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly samples: readonly Sample[]
  readonly exemplars: number
}

// As a JS number, a stale marker would be any NaN: here doubles are decoded as the 64 bits that they are.
const SCHEMA = readFileSync(new URL('../../../proto/write_request.proto', import.meta.url), 'utf8')
const WriteRequest = protobuf
  .parse(SCHEMA.replaceAll(/\bdouble /g, 'fixed64 '), { keepCase: true })
  .root.lookupType('prometheus.WriteRequest')

interface Decoded {
  readonly timeseries: readonly {
    readonly labels: readonly { readonly name: string; readonly value: string }[]
    readonly samples: readonly { readonly value: string; readonly timestamp: string }[]
    readonly exemplars: readonly object[]
    readonly histograms: readonly { readonly timestamp: string }[]
  }[]
}

export class Receiver {
  readonly url: string
  readonly pushes: RecordedPush[] = []
  /** What could not be read as remote write 1.0, and why; a test expects it to stay empty. */
  readonly unreadable: string[] = []
  readonly #store: TestStore

  static async start(): Promise<Receiver> {
    return new Receiver(await startReceiver())
  }

  private constructor(store: TestStore) {
    this.#store = store
    this.url = store.url
    store.respond = ({ path, headers, body }, response) => {
      try {
        this.pushes.push({ path, headers, ...decode(body) })
      } catch (error) {
        this.unreadable.push(`${path}: ${error}`)
      }
      response.writeHead(204).end()
    }
  }

  /** Samples by tenant, where `tenantOf` says whom a push was for. A text per sample: labels, time and bits. */
  byTenant(
    tenantOf: (push: RecordedPush) => string,
    keep: (sample: Sample) => boolean = () => true,
  ): Map<string, Set<string>> {
    const tenants = new Map<string, Set<string>>()
    for (const push of this.pushes) {
      const tenant = tenantOf(push)
      const samples = tenants.get(tenant) ?? new Set()
      tenants.set(tenant, samples)
      for (const sample of push.samples.filter(keep)) {
        samples.add(`${JSON.stringify(sample.labels)} ${sample.at} ${sample.bits}`)
      }
    }
    return tenants
  }

  async stop(): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }
}

function decode(body: Uint8Array): Pick<RecordedPush, 'samples' | 'exemplars'> {
  const message = WriteRequest.decode(unsnappy(body))
  const { timeseries } = WriteRequest.toObject(message, { longs: String, defaults: true }) as Decoded
  const samples: Sample[] = []
  let exemplars = 0
  for (const series of timeseries) {
    const labels = Object.fromEntries(series.labels.map(({ name, value }) => [name, value]))
    exemplars += series.exemplars.length
    for (const { value, timestamp } of series.samples) {
      const bits = BigInt(value).toString(16).padStart(16, '0')
      samples.push({ labels, at: Number(timestamp), bits })
    }
    for (const { timestamp, ...histogram } of series.histograms) {
      samples.push({ labels, at: Number(timestamp), bits: JSON.stringify(histogram) })
    }
  }
  return { samples, exemplars }
}
