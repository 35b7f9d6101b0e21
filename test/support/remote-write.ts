/**
 * Pushes as a sender makes them and as a store reads them, from the .proto files. It shares no code with src/, so that
 * a mistake there can't be made twice and cancel out.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

export type Labels = readonly (readonly [name: string, value: string])[]

export interface Series {
  readonly labels: Labels
  readonly value: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

type Protocol = '1.0' | '2.0'

/** Headers that go with a push of that protocol. */
export const PUSH_HEADERS: Readonly<Record<Protocol, Readonly<Record<string, string>>>> = {
  '1.0': {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  },
  '2.0': {
    'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '2.0.0',
  },
}

/** One sample per series, compressed. Returns fresh. */
export function encodePush(series: readonly Series[], protocol: Protocol): Uint8Array {
  return snappy.compress(protocol === '1.0' ? encode10(series) : encode20(series))
}

/** The opposite of `encodePush`; several samples of one series become several entries. Throws where the body is no push. */
export function decodePush(body: Uint8Array, protocol: Protocol): Series[] {
  const message = snappy.uncompress(body, MAX_DECODED)
  return protocol === '1.0' ? decode10(message) : decode20(message)
}

function encode10(series: readonly Series[]): Uint8Array {
  const timeseries = series.map(one => ({
    labels: one.labels.map(([name, value]) => ({ name, value })),
    samples: [{ value: one.value, timestamp: one.timestamp }],
  }))
  return WriteRequest.encode({ timeseries }).finish()
}

function encode20(series: readonly Series[]): Uint8Array {
  const symbols = new Map([['', 0]])
  const ref = (text: string): number => {
    const known = symbols.get(text)
    if (known !== undefined) return known
    symbols.set(text, symbols.size)
    return symbols.size - 1
  }
  const timeseries = series.map(one => ({
    labelsRefs: one.labels.flatMap(([name, value]) => [ref(name), ref(value)]),
    samples: [{ value: one.value, timestamp: one.timestamp }],
  }))
  return Request.encode({ symbols: [...symbols.keys()], timeseries }).finish()
}

interface Decoded10 {
  readonly timeseries: readonly {
    readonly labels: readonly { readonly name: string; readonly value: string }[]
    readonly samples: readonly Decoded[]
  }[]
}

interface Decoded20 {
  readonly symbols: readonly string[]
  readonly timeseries: readonly {
    readonly labelsRefs: readonly number[]
    readonly samples: readonly Decoded[]
  }[]
}

interface Decoded {
  readonly value: number
  /** A Long where protobufjs finds the package `long`, else a number; `Number` takes both. */
  readonly timestamp: unknown
}

function decode10(message: Uint8Array): Series[] {
  const { timeseries } = WriteRequest.decode(message) as unknown as Decoded10
  return timeseries.flatMap(({ labels, samples }) => {
    const pairs = labels.map(({ name, value }) => [name, value] as const)
    return samples.map(({ value, timestamp }) => ({ labels: pairs, value, timestamp: Number(timestamp) }))
  })
}

function decode20(message: Uint8Array): Series[] {
  const { symbols, timeseries } = Request.decode(message) as unknown as Decoded20
  const symbol = (ref: number | undefined): string => {
    const text = symbols[ref ?? -1]
    if (text === undefined) throw new Error(`reference ${ref} of ${symbols.length} symbols`)
    return text
  }
  return timeseries.flatMap(({ labelsRefs, samples }) => {
    const labels: [string, string][] = []
    for (let i = 0; i < labelsRefs.length; i += 2)
      labels.push([symbol(labelsRefs[i]), symbol(labelsRefs[i + 1])])
    return samples.map(({ value, timestamp }) => ({ labels, value, timestamp: Number(timestamp) }))
  })
}

const MAX_DECODED = 128 * 1024 * 1024

const type = (file: string, name: string): protobuf.Type =>
  protobuf.loadSync(fileURLToPath(new URL(`../../proto/${file}`, import.meta.url))).lookupType(name)
const WriteRequest = type('write_request.proto', 'prometheus.WriteRequest')
const Request = type('request_v2.proto', 'io.prometheus.write.v2.Request')

// The package has no types.
const snappy = createRequire(import.meta.url)('snappyjs') as {
  compress(bytes: Uint8Array): Uint8Array
  uncompress(bytes: Uint8Array, maxLength: number): Uint8Array
}
