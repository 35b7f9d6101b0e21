/**
 * Pushes at random, well-formed in every way that a protobuf decoder accepts, and in few that an honest sender would
 * choose: fields in any order, names and values repeated, long varints, unknown fields on each level, lengths on both
 * sides of a varint's width, strings that are no UTF-8, NaN payloads, the ends of int64.
 */
import fc from 'fast-check'
import type { Protocol, SplitRules } from '../../src/split/split.ts'
import { rules } from './messages.ts'
import {
  bytesOf,
  concat,
  fixed32,
  fixed64,
  len,
  type Text,
  tag,
  varint,
  varintField,
  type Widths,
} from './wire.ts'

/** Names that the rules look for, and neighbours of these. */
const names = fc.constantFrom('tenant', 'x', 'cluster', '__replica__', '__name__', 'tenan', 'tenants', '')
const tenants = fc.constantFrom(
  'a',
  'b',
  'c',
  '',
  '7',
  '007',
  '7:0',
  '.',
  'a|b',
  'a%b',
  '__mimir_cluster',
  'v'.repeat(151),
)
const oddText: fc.Arbitrary<Text> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 126, 127, 128, 16_383, 16_384).map(length => 'l'.repeat(length)),
  },
)
const text: fc.Arbitrary<Text> = fc.oneof(tenants, oddText)

const bits = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  // Stale marker, another NaN, the ends of int64, zero.
  fc.constantFrom(0x7ff0000000000002n, 0x7ff8000000000001n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 0n),
)

const widths: fc.Arbitrary<Widths> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record({
      tag: fc.integer({ min: 1, max: 10 }),
      length: fc.integer({ min: 1, max: 10 }),
      value: fc.integer({ min: 1, max: 10 }),
    }),
  },
)

/** A record that no schema knows. `above`: the largest field number that one does. */
function unknown(above: number): fc.Arbitrary<Uint8Array> {
  const number = fc.oneof(fc.integer({ min: above + 1, max: 20 }), fc.constantFrom(2047, 2048, 2 ** 29 - 1))
  return fc.oneof(
    fc.tuple(number, bits, widths).map(([field, value, wide]) => varintField(field, value, wide)),
    fc.tuple(number, oddText, widths).map(([field, value, wide]) => len(field, value, wide)),
    fc.tuple(number, bits).map(([field, value]) => fixed64(field, value)),
    fc.tuple(number, fc.nat()).map(([field, value]) => fixed32(field, value)),
  )
}

function shuffled(records: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .shuffledSubarray([...records], { minLength: records.length })
    .map(shuffledRecords => concat(...shuffledRecords))
}

const sample = fc
  .tuple(bits, bits, fc.array(unknown(3), { maxLength: 1 }))
  .chain(([value, time, more]) => shuffled([fixed64(1, value), varintField(2, time), ...more]))

/** A record that holds what is not opened: a sample or a histogram. */
function sealed(number: number): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.oneof(sample, fc.uint8Array({ maxLength: 20 })), widths)
    .map(([contents, wide]) => len(number, contents, wide))
}

const label: fc.Arbitrary<Uint8Array> = fc
  .record({
    name: fc.oneof({ weight: 3, arbitrary: names }, { weight: 1, arbitrary: oddText }),
    value: text,
    decoys: fc.array(fc.tuple(fc.constantFrom(1, 2), text, widths), { maxLength: 1 }),
    more: fc.array(unknown(2), { maxLength: 1 }),
    valueFirst: fc.boolean(),
    wide: widths,
  })
  .map(({ name, value, decoys, more, valueFirst, wide }) => {
    const both = [len(1, name, wide), len(2, value, wide)]
    const before = decoys.map(([number, decoy, decoyWide]) => len(number, decoy, decoyWide))
    return len(1, concat(...before, ...(valueFirst ? both.toReversed() : both), ...more), wide)
  })

const seriesV1: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.array(label, { maxLength: 5 }),
    fc.array(fc.oneof(sealed(2), sealed(3), sealed(4), unknown(4)), { maxLength: 3 }),
  )
  .chain(([labels, others]) => shuffled([...labels, ...others]))

export const writeRequest: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.tuple(seriesV1, widths).map(([contents, wide]) => len(1, contents, wide)) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.uint8Array({ maxLength: 9 }), widths).map(([it, wide]) => len(3, it, wide)),
      },
      {
        weight: 1,
        arbitrary: fc.oneof(
          unknown(5),
          fc.tuple(bits, widths).map(([it, wide]) => varintField(2, it, wide)),
        ),
      },
    ),
    { maxLength: 8 },
  )
  .map(records => concat(...records))

/** Records of labels_refs, packed and single, that together hold `list`. */
function refRecords(list: readonly number[]): fc.Arbitrary<Uint8Array[]> {
  const cuts = fc.array(fc.tuple(fc.nat({ max: list.length }), fc.boolean(), widths), { maxLength: 3 })
  return fc.tuple(cuts, widths).map(([chosen, wide]) => {
    const records: Uint8Array[] = []
    let from = 0
    for (const [to, single, cutWide] of [
      ...chosen.toSorted(([a], [b]) => a - b),
      [list.length, false, wide] as const,
    ]) {
      const part = list.slice(from, to)
      from = to
      if (single) records.push(...part.map(ref => varintField(1, ref, cutWide)))
      else records.push(len(1, concat(...part.map(ref => varint(ref, cutWide.value))), cutWide))
    }
    return records
  })
}

/** Pairs of references into a table of `symbols` strings; now and then one beyond it, or one too many. */
function refs(symbols: number, maxPairs: number): fc.Arbitrary<number[]> {
  const ref = fc.oneof(
    { weight: 60, arbitrary: fc.nat({ max: symbols - 1 }) },
    { weight: 1, arbitrary: fc.nat() },
  )
  // The first names of every table are those that the rules look for.
  const name = fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: ref },
  )
  return fc
    .tuple(fc.array(fc.tuple(name, ref), { maxLength: maxPairs }), fc.nat({ max: 40 }))
    .map(([pairs, odd]) => (odd === 0 ? [...pairs.flat(), 1] : pairs.flat()))
}

/** Records in any order, but those of labels_refs in their own. */
function seriesLike(list: readonly number[], others: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return refRecords(list).chain(records => {
    return fc
      .array(fc.nat({ max: records.length }), { minLength: others.length, maxLength: others.length })
      .map(places => {
        const ordered = [...others.entries()].toSorted(
          ([i], [j]) => (places[i] as number) - (places[j] as number),
        )
        const at = (place: number) => ordered.filter(([i]) => places[i] === place).map(([, record]) => record)
        return concat(...records.flatMap((record, i) => [...at(i), record]), ...at(records.length))
      })
  })
}

function seriesV2(symbols: number): fc.Arbitrary<Uint8Array> {
  const exemplar = fc
    .tuple(refs(symbols, 2), fc.array(unknown(1), { maxLength: 2 }), widths)
    .chain(([list, more, wide]) => seriesLike(list, more).map(contents => len(4, contents, wide)))
  const ref = fc.oneof(
    { weight: 30, arbitrary: fc.nat({ max: symbols - 1 }) },
    { weight: 1, arbitrary: fc.nat() },
  )
  const metadata = fc
    .tuple(
      fc.array(
        fc.tuple(fc.constantFrom(3, 4), ref, widths).map(([field, it, wide]) => varintField(field, it, wide)),
        {
          maxLength: 3,
        },
      ),
      fc.array(
        fc.oneof(
          unknown(4),
          fc.nat({ max: 9 }).map(type => varintField(1, type)),
        ),
        { maxLength: 2 },
      ),
    )
    .chain(([own, others]) => shuffled([...own, ...others]))
    .map(contents => len(5, contents))
  const others = fc.array(fc.oneof(sealed(2), sealed(3), exemplar, metadata, unknown(5)), { maxLength: 4 })
  return fc.tuple(refs(symbols, 5), others).chain(([list, more]) => seriesLike(list, more))
}

export const request: fc.Arbitrary<Uint8Array> = fc
  .record({
    first: fc.oneof({ weight: 9, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text }),
    more: fc.array(fc.oneof(names, text, tenants), { maxLength: 12 }),
  })
  .chain(({ first, more }) => {
    const strings = [first, 'tenant', 'x', 'cluster', 'tenant', 'a', 'b', ...more]
    const series = fc
      .tuple(seriesV2(strings.length), widths)
      .map(([contents, wide]) => len(5, contents, wide))
    const others = fc.array(
      fc.oneof({ weight: 8, arbitrary: series }, { weight: 1, arbitrary: unknown(5) }),
      {
        maxLength: 6,
      },
    )
    const symbolWidths = fc.array(widths, { minLength: strings.length, maxLength: strings.length })
    return fc
      .tuple(others, symbolWidths, fc.infiniteStream(fc.boolean()))
      .map(([records, wide, symbolNext]) => {
        const symbols = strings.map((string, i) => len(4, string, wide[i]))
        const mixed: Uint8Array[] = []
        while (symbols.length > 0 || records.length > 0) {
          const next = symbolNext.next().value ? symbols : records
          const record = (next.length > 0 ? next : symbols.length > 0 ? symbols : records).shift()
          mixed.push(record as Uint8Array)
        }
        return concat(...mixed)
      })
  })

export function decodedPush(protocol: Protocol): fc.Arbitrary<Uint8Array> {
  return protocol === '1.0' ? writeRequest : request
}

export const someRules: fc.Arbitrary<SplitRules> = fc
  .record({
    labels: fc.shuffledSubarray(['tenant', 'x', 'nowhere'], { minLength: 1 }),
    precedence: fc.constantFrom('config', 'series_first', 'series_last'),
    strip: fc.boolean(),
    prefix: fc.constantFrom('', '', 'p-', '7'),
    defaultTenant: fc.constantFrom('', 'd', 'a', '7', 'no good'),
    missing: fc.constantFrom('reject', 'drop', 'default'),
    invalid: fc.constantFrom('reject', 'drop', 'default'),
    format: fc.constantFrom('mimir', 'mimir', 'thanos', 'thanos-path', 'victoriametrics'),
    metadata: fc.constantFrom('drop', 'default'),
    compression: fc.constantFrom('fast', 'none'),
    maxTenants: fc.constantFrom(1, 2, 1000),
  })
  .map(changes => rules(changes))

/** Bytes after an accident or an attack: some changed, cut out, put in, or cut off. */
export function mutated(source: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    kind: fc.constantFrom('set', 'insert', 'remove', 'cut', 'tag'),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
  })
  return fc.tuple(source, fc.array(change, { minLength: 1, maxLength: 4 })).map(([bytes, changes]) => {
    return changes.reduce((before, { kind, at, bytes: with_ }) => {
      const place = before.length === 0 ? 0 : at % (before.length + 1)
      const head = before.subarray(0, place)
      if (kind === 'cut') return head
      if (kind === 'insert') return concat(head, with_, before.subarray(place))
      if (kind === 'tag') return concat(head, tag((at % 6) + 1, at % 8), before.subarray(place))
      const rest = before.subarray(place + with_.length)
      return kind === 'set' ? concat(head, with_, rest) : concat(head, rest)
    }, bytesOf(bytes))
  })
}
