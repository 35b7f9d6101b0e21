/**
 * A decoder of its own for assertions: it shares no code with the engines. It knows the schemas, keeps values and
 * timestamps as the bytes they were, resolves 2.0 references, and shows strings byte by byte (latin1), so that nothing
 * that differs looks equal.
 */
import type { Protocol } from '../../src/remote-write/split.ts'

/** Name and value, and the fields of the label that the schema does not name, if there are any. */
type LabelSeen = readonly [name: string, value: string, unknown?: string]

/** Equal to any other in a comparison: the numbers are in a private field. */
class Refs {
  readonly #list: readonly string[]

  constructor(list: readonly string[]) {
    this.#list = list
  }

  list(): readonly string[] {
    return this.#list
  }
}

export interface SeriesSeen {
  readonly labels: readonly LabelSeen[]
  /** Contents of each Sample, in hex; so are the others. */
  readonly samples: readonly string[]
  readonly histograms: readonly string[]
  readonly exemplars: readonly { labels: readonly LabelSeen[]; rest: string }[]
  /** 2.0: the contents of each Metadata, its references resolved. */
  readonly metadata: readonly { help: string; unit: string; rest: string }[]
  /** Fields that the schema does not name. */
  readonly unknown: string
  /** 2.0: the references of its labels, as numbers. Of equal labels they may differ, so nothing compares them. */
  readonly refs: Refs
  /** 2.0: a reference leads nowhere, or there is an odd number of them; labels, exemplars and metadata are not shown. */
  readonly hasBadReference?: true
  /** How many exemplars there are, also where they are not shown. */
  readonly exemplarCount: number
}

export interface MessageSeen {
  /** Series and metadata in wire order. */
  readonly entries: readonly (SeriesSeen | string)[]
  readonly series: readonly SeriesSeen[]
  /** 1.0: contents of each MetricMetadata. */
  readonly metadata: readonly string[]
  /** Fields beside the entries. */
  readonly options: string
  /** 2.0. */
  readonly symbols: readonly string[]
}

/** Reads a snappy block or throws. Plain and strict. */
export function unsnappy(block: Uint8Array): Uint8Array {
  const { value: length, end: start } = varintAt(block, 0)
  // No element makes more than 64 bytes of one; a claim beyond that is not believed.
  const out = new Uint8Array(Math.min(Number(length), 64 * block.length))
  let end = 0
  const put = (byte: number) => {
    if (end === out.length) throw new Error(`claims ${length} bytes, holds more`)
    out[end++] = byte
  }
  let at = start
  while (at < block.length) {
    const tag = block[at++] as number
    const kind = tag & 3
    let size = (tag >> 2) + 1
    if (kind === 0) {
      if (size > 60) {
        const width = size - 60
        size = 1 + little(block, at, width)
        at += width
      }
      if (at + size > block.length) throw new Error('literal past the end')
      for (let i = 0; i < size; i++) put(block[at + i] as number)
      at += size
      continue
    }
    const width = kind === 3 ? 4 : kind
    let offset = little(block, at, width)
    if (kind === 1) {
      offset += (tag >> 5) << 8
      size = 4 + ((tag >> 2) & 7)
    }
    at += width
    if (offset === 0 || offset > end) throw new Error('copy from nowhere')
    for (let i = 0; i < size; i++) put(out[end - offset] as number)
  }
  if (BigInt(end) !== length) throw new Error(`claims ${length} bytes, holds ${end}`)
  return out
}

export function decodeMessage(protocol: Protocol, bytes: Uint8Array): MessageSeen {
  return protocol === '1.0' ? decodeV1(bytes) : decodeV2(bytes)
}

function decodeV1(bytes: Uint8Array): MessageSeen {
  const records = recordsOf(bytes)
  const entries = records
    .filter(it => it.number === 1 || it.number === 3)
    .map(it => (it.number === 1 ? seriesV1(it.value) : hex(it.value)))
  return {
    entries,
    series: entries.filter(it => typeof it !== 'string'),
    metadata: entries.filter(it => typeof it === 'string'),
    options: rest(records, 1, 3),
    symbols: [],
  }
}

function seriesV1(bytes: Uint8Array): SeriesSeen {
  const records = recordsOf(bytes)
  const contents = (number: number) => records.filter(it => it.number === number).map(it => it.value)
  return {
    labels: contents(1).map(labelV1),
    samples: contents(2).map(hex),
    // Not opened: nothing in them is rewritten.
    exemplars: contents(3).map(value => ({ labels: [], rest: hex(value) })),
    histograms: contents(4).map(hex),
    metadata: [],
    unknown: rest(records, 1, 2, 3, 4),
    refs: new Refs([]),
    exemplarCount: contents(3).length,
  }
}

/** The contents of an exemplar of 1.0. */
export function exemplarV1(bytes: Uint8Array): SeriesSeen['exemplars'][number] {
  const records = recordsOf(bytes)
  return {
    labels: records.filter(it => it.number === 1).map(it => labelV1(it.value)),
    rest: rest(records, 1),
  }
}

function labelV1(bytes: Uint8Array): LabelSeen {
  const records = recordsOf(bytes)
  const last = (number: number) =>
    text(records.findLast(it => it.number === number)?.value ?? new Uint8Array(0))
  const unknown = rest(records, 1, 2)
  return unknown === '' ? [last(1), last(2)] : [last(1), last(2), unknown]
}

function decodeV2(bytes: Uint8Array): MessageSeen {
  const records = recordsOf(bytes)
  const symbols = records.filter(it => it.number === 4).map(it => text(it.value))
  const series = records.filter(it => it.number === 5).map(it => seriesV2(it.value, symbols))
  return {
    entries: series,
    series,
    metadata: [],
    options: rest(records, 4, 5),
    symbols,
  }
}

function seriesV2(bytes: Uint8Array, symbols: readonly string[]): SeriesSeen {
  const records = recordsOf(bytes)
  const contents = (number: number) => records.filter(it => it.number === number).map(it => it.value)
  const plain = {
    samples: contents(2).map(hex),
    histograms: contents(3).map(hex),
    unknown: rest(records, 1, 2, 3, 4, 5),
    refs: new Refs(refsOf(records).map(ref => `${BigInt.asUintN(32, ref)}`)),
    exemplarCount: contents(4).length,
  }
  try {
    return {
      ...plain,
      labels: labelsV2(records, symbols),
      exemplars: contents(4).map(value => {
        const inner = recordsOf(value)
        return { labels: labelsV2(inner, symbols), rest: rest(inner, 1) }
      }),
      metadata: contents(5).map(value => {
        const inner = recordsOf(value)
        const spelt = inner
          .filter(it => it.number === 3 || it.number === 4)
          .map(it => [it.number, symbol(symbols, varintAt(it.value, 0).value)] as const)
        const last = (number: number) => spelt.findLast(([field]) => field === number)?.[1] ?? ''
        return { help: last(3), unit: last(4), rest: rest(inner, 3, 4) }
      }),
    }
  } catch (error) {
    if (!(error instanceof BadReference)) throw error
    return { ...plain, labels: [], exemplars: [], metadata: [], hasBadReference: true }
  }
}

class BadReference extends Error {}

function refsOf(records: readonly Record[]): bigint[] {
  const refs: bigint[] = []
  for (const record of records.filter(it => it.number === 1)) {
    for (let at = 0; at < record.value.length; ) {
      const { value, end } = varintAt(record.value, at)
      refs.push(value)
      at = end
    }
  }
  return refs
}

function labelsV2(records: readonly Record[], symbols: readonly string[]): LabelSeen[] {
  const refs = refsOf(records)
  if (refs.length % 2 === 1) throw new BadReference('odd number of references')
  return Array.from({ length: refs.length / 2 }, (_, i) => {
    return [symbol(symbols, refs[2 * i] as bigint), symbol(symbols, refs[2 * i + 1] as bigint)] as const
  })
}

function symbol(symbols: readonly string[], ref: bigint): string {
  const found = symbols[Number(BigInt.asUintN(32, ref))]
  if (found === undefined) throw new BadReference(`no symbol ${ref}`)
  return found
}

interface Record {
  readonly number: number
  readonly raw: Uint8Array
  readonly value: Uint8Array
}

/** The fields of a message; throws where they can't be told apart. */
export function recordsOf(bytes: Uint8Array): Record[] {
  const records: Record[] = []
  for (let at = 0; at < bytes.length; ) {
    const { value: tag, end: tagEnd } = varintAt(bytes, at)
    let start = tagEnd
    let end: number
    switch (Number(tag & 7n)) {
      case 0:
        end = varintAt(bytes, start).end
        break
      case 1:
        end = start + 8
        break
      case 2: {
        const length = varintAt(bytes, start)
        start = length.end
        end = start + Number(length.value)
        break
      }
      case 5:
        end = start + 4
        break
      default:
        throw new Error(`wire type ${tag & 7n} at ${at}`)
    }
    if (end > bytes.length || tag < 8n) throw new Error(`no field at ${at}`)
    records.push({
      number: Number(tag >> 3n),
      raw: bytes.subarray(at, end),
      value: bytes.subarray(start, end),
    })
    at = end
  }
  return records
}

function rest(records: readonly Record[], ...known: readonly number[]): string {
  return records
    .filter(it => !known.includes(it.number))
    .map(it => hex(it.raw))
    .join(' ')
}

export function varintAt(bytes: Uint8Array, at: number): { value: bigint; end: number } {
  const first = bytes[at]
  if (first !== undefined && first < 0x80) return { value: BigInt(first), end: at + 1 }
  let value = 0n
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) break
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return { value, end: at + i + 1 }
  }
  throw new Error(`no varint at ${at}`)
}

function little(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw new Error('element past the end')
  let value = 0
  for (let i = 0; i < width; i++) value += (bytes[at + i] as number) * 256 ** i
  return value
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
