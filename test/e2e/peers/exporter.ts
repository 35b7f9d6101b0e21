/**
 * A scrape target of the test's own, whose series are known in advance: odd floats, a label value beyond ASCII, series
 * that bring a tenant label themselves, an exemplar, and a native histogram, which only the protobuf form can carry.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import protobuf from 'protobufjs'

/** https://github.com/prometheus/client_model, as far as it is used here. */
const SCHEMA = `
syntax = "proto2";
message LabelPair { optional string name = 1; optional string value = 2; }
message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
message Gauge { optional double value = 1; }
message Counter { optional double value = 1; optional Exemplar exemplar = 2; }
message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
message Histogram {
  optional uint64 sample_count = 1;
  optional double sample_sum = 2;
  optional sint32 schema = 5;
  optional double zero_threshold = 6;
  optional uint64 zero_count = 7;
  repeated BucketSpan negative_span = 9;
  repeated sint64 negative_delta = 10 [packed = false];
  repeated BucketSpan positive_span = 12;
  repeated sint64 positive_delta = 13 [packed = false];
}
message Metric {
  repeated LabelPair label = 1;
  optional Gauge gauge = 2;
  optional Counter counter = 3;
  optional Histogram histogram = 7;
}
enum MetricType { COUNTER = 0; GAUGE = 1; HISTOGRAM = 4; }
message MetricFamily {
  optional string name = 1;
  optional string help = 2;
  optional MetricType type = 3;
  repeated Metric metric = 4;
}
`
const MetricFamily = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('MetricFamily')
const MEDIA_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'

// No negative zero: a Prometheus already sends that as zero.
const ODD_FLOATS = {
  not_a_number: Number.NaN,
  infinite: Number.POSITIVE_INFINITY,
  negative_infinite: Number.NEGATIVE_INFINITY,
  smallest: Number.MIN_VALUE,
  largest: Number.MAX_VALUE,
  // One above the integers that a double counts without gaps, and a sum that is not what it seems.
  large_integer: 2 ** 53 + 2,
  inexact: 0.1 + 0.2,
} as const

export class Exporter {
  readonly address: string
  readonly #server: Server

  static async start(): Promise<Exporter> {
    let scrapes = 0
    const server = createServer((_, response) => {
      scrapes++
      response.setHeader('content-type', MEDIA_TYPE)
      response.end(exposition(scrapes))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new Exporter(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

function exposition(scrapes: number): Buffer {
  const families = [
    {
      name: 'e2e_odd_float',
      help: 'Doubles that a careless copy changes.',
      type: 1,
      metric: Object.entries(ODD_FLOATS).map(([kind, value]) => ({
        label: pairs({ kind }),
        gauge: { value },
      })),
    },
    {
      name: 'e2e_own_tenant',
      help: 'Series that name their tenant.',
      type: 1,
      // `other_tenant` stands before `tenant` in a sorted label set.
      metric: [
        { label: pairs({ tenant: 'team-a', note: 'naïve ☕' }), gauge: { value: scrapes } },
        { label: pairs({ tenant: 'team-b', note: 'plain' }), gauge: { value: scrapes + 0.5 } },
        { label: pairs({ other_tenant: 'team-d', tenant: 'team-b' }), gauge: { value: scrapes } },
      ],
    },
    {
      name: 'e2e_scrapes_total',
      help: 'How often this was asked for, with an exemplar.',
      type: 0,
      metric: [
        {
          counter: {
            value: scrapes,
            exemplar: {
              label: pairs({ trace_id: `trace-${scrapes}` }),
              value: scrapes,
              timestamp: { seconds: Math.floor(Date.now() / 1000), nanos: 0 },
            },
          },
        },
      ],
    },
    {
      name: 'e2e_native_seconds',
      help: 'A native histogram.',
      type: 4,
      metric: [{ histogram: nativeHistogram(scrapes) }],
    },
  ]
  return Buffer.concat(
    families.map(family => MetricFamily.encodeDelimited(MetricFamily.fromObject(family)).finish()),
  )
}

/** Buckets on both sides of zero, a gap between two spans, and counts that grow with every scrape. */
function nativeHistogram(scrapes: number): object {
  return {
    sample_count: 7 * scrapes,
    sample_sum: 1.5 * scrapes,
    schema: 3,
    zero_threshold: 1e-9,
    zero_count: scrapes,
    negative_span: [{ offset: -2, length: 1 }],
    negative_delta: [scrapes],
    positive_span: [
      { offset: 1, length: 2 },
      { offset: 3, length: 1 },
    ],
    // Counts n, 3n, n: each written as the difference from the one before.
    positive_delta: [scrapes, 2 * scrapes, -2 * scrapes],
  }
}

function pairs(labels: Readonly<Record<string, string>>): object[] {
  return Object.entries(labels).map(([name, value]) => ({ name, value }))
}
