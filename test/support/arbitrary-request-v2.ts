import fc from 'fast-check'
import {
  type Contents,
  exemplarFields,
  names,
  seriesFields,
  shuffled,
  startTimestamp,
  tenants,
  text,
  unknown,
  widths,
} from './arbitrary-fields.ts'
import { concat, len, varint, varintField } from './wire.ts'

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
    { weight: 300, arbitrary: fc.nat({ max: symbols - 1 }) },
    { weight: 1, arbitrary: fc.nat() },
  )
  const name = fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 2, arbitrary: ref },
  )
  const pairs = fc.array(fc.tuple(name, ref), { maxLength: maxPairs, size: 'max' })
  const odd = fc.oneof({ weight: 60, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant([1]) })
  return fc.tuple(pairs, odd).map(([list, more]) => [...list.flat(), ...more])
}

/** The first strings of every table; `usualRefs` counts on their places. */
const STRINGS = [
  'tenant',
  'x',
  'cluster',
  'tenant',
  'a',
  'b',
  'c',
  '__name__',
  'up',
  'h_bucket',
  'h_sum',
] as const

const usualRefs = fc
  .tuple(
    fc.constantFrom([], [], [3, 5], [3, 6]),
    fc.constantFrom(1, 4),
    fc.constantFrom(5, 6, 7),
    fc.constantFrom(9, 10, 11),
  )
  .map(([replica, name, tenant, metric]) => [8, metric, ...replica, name, tenant])

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

function seriesV2(symbols: number, sound: Contents): fc.Arbitrary<Uint8Array> {
  const exemplar = fc
    .tuple(refs(symbols, 2), exemplarFields(sound), widths)
    .chain(([list, more, wide]) => seriesLike(list, more).map(contents => len(4, contents, wide)))
  const ref = fc.oneof(
    { weight: 100, arbitrary: fc.nat({ max: symbols - 1 }) },
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
  const others = seriesFields(sound, '2.0', exemplar, metadata, unknown(6), startTimestamp(6))
  return fc
    .tuple(fc.oneof(usualRefs, refs(symbols, 5)), others)
    .chain(([list, more]) => seriesLike(list, more))
}

/** Messages of remote write 2.0: symbols anywhere and repeated, references packed, single and torn apart. */
export function requests(contents: Contents): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      first: fc.oneof({ weight: 9, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text }),
      more: fc.array(fc.oneof(names, text, tenants), { maxLength: 12 }),
    })
    .chain(({ first, more }) => {
      const strings = [first, ...STRINGS, ...more]
      const series = fc
        .tuple(seriesV2(strings.length, contents), widths)
        .map(([series, wide]) => len(5, series, wide))
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
}
