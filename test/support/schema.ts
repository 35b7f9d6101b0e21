/**
 * The published schemas as protobufjs reads them, for assertions only. Every double is declared as fixed64: a decoder
 * that makes a number of it changes the bits of a stale marker.
 */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import type { Protocol } from '../../src/remote-write/split.ts'

const MESSAGES = {
  '1.0': schema('write_request', 'prometheus.WriteRequest'),
  '2.0': schema('request_v2', 'io.prometheus.write.v2.Request'),
} as const satisfies Record<Protocol, protobuf.Type>

function schema(file: string, name: string): protobuf.Type {
  const source = readFileSync(new URL(`../../proto/${file}.proto`, import.meta.url), 'utf8')
  return protobuf.parse(source.replaceAll(' double ', ' fixed64 ')).root.lookupType(name)
}

/**
 * protobufjs refuses tags and lengths of more than five bytes, and text that is no UTF-8; other decoders, and we, take
 * these. Text is shown byte by byte.
 */
class PatientReader extends protobuf.Reader {
  override tag(): number {
    return Number(this.uint64())
  }

  override size(): number {
    return Number(this.uint64())
  }

  override stringVerify(): string {
    return Buffer.from(this.bytes()).toString('latin1')
  }
}

export type Plain = Readonly<Record<string, unknown>>

/** A series as a plain object: labels as pairs, all else as the schema has it, references spelt out, 64 bits as text. */
export function seriesBySchema(protocol: Protocol, bytes: Uint8Array): Plain[] {
  const type = MESSAGES[protocol]
  const message = type.toObject(type.decode(new PatientReader(bytes)), { longs: String, bytes: String }) as {
    readonly symbols?: readonly string[]
    readonly timeseries?: readonly Plain[]
  }
  return (message.timeseries ?? []).map(series => spelt(series, message.symbols ?? []))
}

/** Replaces references by what they spell. In 1.0 there are none, and labels only change their form. */
function spelt(part: Plain, symbols: readonly string[]): Plain {
  return Object.fromEntries(
    Object.entries(part).map(([key, value]): [string, unknown] => {
      if (key === 'labelsRefs') {
        const words = (value as readonly number[]).map(ref => symbols[ref])
        return ['labels', words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]]] : []))]
      }
      if (key === 'labels') {
        const labels = value as readonly { readonly name?: string; readonly value?: string }[]
        return ['labels', labels.map(label => [label.name ?? '', label.value ?? ''])]
      }
      if (key === 'helpRef' || key === 'unitRef') return [key.slice(0, 4), symbols[value as number]]
      if (key === 'exemplars') return [key, (value as readonly Plain[]).map(it => spelt(it, symbols))]
      if (key === 'metadata') return [key, spelt(value as Plain, symbols)]
      return [key, value]
    }),
  )
}
