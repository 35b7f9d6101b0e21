/** Messages of both protocols from one description of their series. */
import { compress } from 'snappyjs'
import type { Protocol, Push, SplitRules } from '../../src/remote-write/split.ts'
import { bytesOf, concat, double, len, type Text, varint, varintField } from './wire.ts'

export interface SeriesText {
  readonly labels: readonly (readonly [Text, Text])[]
  /** Contents of Sample messages; one sample where nothing is said. */
  readonly samples?: readonly Uint8Array[]
  readonly histograms?: readonly Uint8Array[]
  readonly exemplars?: readonly ExemplarText[]
  /** 2.0 only. */
  readonly metadata?: { readonly type: number; readonly help: Text; readonly unit: Text }
  /** Whole records that stand at the end of the TimeSeries. */
  readonly more?: readonly Uint8Array[]
}

interface ExemplarText {
  readonly labels: readonly (readonly [Text, Text])[]
  readonly rest: Uint8Array
}

/** Contents of a Sample. */
export function sample(value: number, timestamp: number | bigint): Uint8Array {
  return concat(double(1, value), varintField(2, timestamp))
}

/** A series with these labels and one sample. */
export function series(labels: Readonly<Record<string, string>>, more: Partial<SeriesText> = {}): SeriesText {
  return { labels: Object.entries(labels), ...more }
}

export function message(protocol: Protocol, list: readonly SeriesText[]): Uint8Array {
  return protocol === '1.0' ? concat(...list.map(timeSeries)) : request(list)
}

/** A record of WriteRequest.timeseries. */
export function timeSeries(text: SeriesText): Uint8Array {
  return len(
    1,
    concat(
      ...text.labels.map(([name, value]) => label(name, value)),
      ...(text.samples ?? [sample(1, 1000)]).map(it => len(2, it)),
      ...(text.exemplars ?? []).map(it => {
        return len(3, concat(...it.labels.map(([name, value]) => label(name, value)), it.rest))
      }),
      ...(text.histograms ?? []).map(it => len(4, it)),
      ...(text.more ?? []),
    ),
  )
}

/** A record of TimeSeries.labels or Exemplar.labels (1.0). */
export function label(name: Text, value: Text): Uint8Array {
  return len(1, concat(len(1, name), len(2, value)))
}

/** A record of WriteRequest.metadata. */
export function metadata(family: string, help: string): Uint8Array {
  return len(3, concat(varintField(1, 1), len(2, family), len(4, help)))
}

/** The strings of a 2.0 request, in order of first use. */
export class SymbolTable {
  readonly #index = new Map<string, number>([['', 0]])
  readonly strings: Uint8Array[] = [new Uint8Array(0)]

  ref(text: Text): number {
    const bytes = bytesOf(text)
    const key = Buffer.from(bytes).toString('latin1')
    const known = this.#index.get(key)
    if (known !== undefined) return known
    this.#index.set(key, this.strings.length)
    return this.strings.push(bytes) - 1
  }

  /** Records of Request.symbols. */
  records(): Uint8Array {
    return concat(...this.strings.map(string => len(4, string)))
  }
}

function request(list: readonly SeriesText[]): Uint8Array {
  const symbols = new SymbolTable()
  const records = list.map(text => timeSeriesV2(text, symbols))
  return concat(symbols.records(), ...records)
}

/** A record of Request.timeseries. */
export function timeSeriesV2(text: SeriesText, symbols: SymbolTable): Uint8Array {
  const metadata = text.metadata
  return len(
    5,
    concat(
      refs(text.labels, symbols),
      ...(text.samples ?? [sample(1, 1000)]).map(it => len(2, it)),
      ...(text.histograms ?? []).map(it => len(3, it)),
      ...(text.exemplars ?? []).map(it => len(4, concat(refs(it.labels, symbols), it.rest))),
      metadata === undefined
        ? new Uint8Array(0)
        : len(
            5,
            concat(
              varintField(1, metadata.type),
              varintField(3, symbols.ref(metadata.help)),
              varintField(4, symbols.ref(metadata.unit)),
            ),
          ),
      ...(text.more ?? []),
    ),
  )
}

function refs(labels: SeriesText['labels'], symbols: SymbolTable): Uint8Array {
  if (labels.length === 0) return new Uint8Array(0)
  return packed(labels.flatMap(([name, value]) => [symbols.ref(name), symbols.ref(value)]))
}

/** A packed record of labels_refs. */
export function packed(refs: readonly number[]): Uint8Array {
  return len(1, concat(...refs.map(ref => varint(ref))))
}

export function push(protocol: Protocol, decoded: Uint8Array): Push {
  return { body: compress(new Uint8Array(decoded)), encoding: 'snappy', protocol }
}

/** Label `tenant`, nothing removed, nothing forgiven, limits out of the way. */
export function rules(changes: Partial<SplitRules> = {}): SplitRules {
  return {
    labels: ['tenant'],
    precedence: 'config',
    strip: false,
    prefix: '',
    defaultTenant: '',
    missing: 'reject',
    invalid: 'reject',
    format: 'mimir',
    output: 'same',
    metadata: 'drop',
    families: 'none',
    haLabels: ['cluster', '__replica__'],
    compression: 'fast',
    maxDecodedBytes: 32 * 1024 * 1024,
    maxOutputBytes: 64 * 1024 * 1024,
    maxTenants: 1000,
    maxSeries: 100_000,
    ...changes,
  }
}
