/**
 * The parts of random pushes: well-formed in every way that a protobuf decoder accepts, and in few that an honest
 * sender would choose. Long varints, lengths on both sides of a varint's width, strings that are no UTF-8, NaN
 * payloads, the ends of int64, fields that no schema knows.
 */
import fc from 'fast-check'
import type { Protocol } from '../../src/remote-write/split.ts'
import { concat, fixed32, fixed64, len, type Text, varint, varintField, type Widths } from './wire.ts'

/** Names that the rules look for, and neighbours of these. */
export const names = fc.constantFrom(
  'tenant',
  'x',
  'cluster',
  '__replica__',
  '__name__',
  'tenan',
  'tenants',
  '',
)
/** Series of few families. */
export const metricNames = fc.constantFrom('up', 'h_bucket', 'h_sum', 'h_count', 'g_gsum', '_sum')
export const goodTenants = fc.constantFrom('a', 'b', 'c', 'd', '7')
export const tenants = fc.constantFrom(
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
export const oddText: fc.Arbitrary<Text> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 126, 127, 128, 16_383, 16_384).map(length => 'l'.repeat(length)),
  },
)
export const text: fc.Arbitrary<Text> = fc.oneof(tenants, oddText)

export const bits = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  // Stale marker, another NaN, the ends of int64, zero.
  fc.constantFrom(0x7ff0000000000002n, 0x7ff8000000000001n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 0n),
)

export const widths: fc.Arbitrary<Widths> = fc.oneof(
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
export function unknown(above: number): fc.Arbitrary<Uint8Array> {
  const number = fc.oneof(fc.integer({ min: above + 1, max: 20 }), fc.constantFrom(2047, 2048, 2 ** 29 - 1))
  return fc.oneof(
    fc.tuple(number, bits, widths).map(([field, value, wide]) => varintField(field, value, wide)),
    fc.tuple(number, oddText, widths).map(([field, value, wide]) => len(field, value, wide)),
    fc.tuple(number, bits).map(([field, value]) => fixed64(field, value)),
    fc.tuple(number, fc.nat()).map(([field, value]) => fixed32(field, value)),
  )
}

export function shuffled(records: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .shuffledSubarray([...records], { minLength: records.length })
    .map(shuffledRecords => concat(...shuffledRecords))
}

const sample = fc
  .tuple(bits, bits, fc.array(unknown(3), { maxLength: 1 }))
  .chain(([value, time, more]) => shuffled([fixed64(1, value), varintField(2, time), ...more]))

/**
 * Whether samples, histograms and exemplars hold what their schema says: what is converted is opened. `any`: what is
 * only carried may hold anything.
 */
export type Contents = 'any' | 'sound'

function sampleRecord(contents: Contents, protocol: Protocol): fc.Arbitrary<Uint8Array> {
  if (contents === 'any') return sealed(2)
  const start = protocol === '2.0' ? [startTimestamp(3)] : []
  return fc
    .tuple(bits, bits, fc.array(fc.oneof(unknown(3), ...start), { maxLength: 2 }), widths)
    .chain(([value, time, more, wide]) => {
      return shuffled([fixed64(1, value), varintField(2, time), ...more]).map(it => len(2, it, wide))
    })
}

/** Schema -53. */
const CUSTOM_BUCKETS = 105

function histogramRecord(contents: Contents, protocol: Protocol): fc.Arbitrary<Uint8Array> {
  const number = protocol === '1.0' ? 4 : 3
  if (contents === 'any') return sealed(number)
  const varints = fc.array(bits, { maxLength: 3 }).map(list => concat(...list.map(it => varint(it))))
  const span = fc.tuple(bits, bits).map(([offset, length]) => {
    return concat(varintField(1, offset), varintField(2, length))
  })
  const field = fc.oneof(
    fc
      .tuple(fc.constantFrom(4, 14, 15), bits, widths)
      .map(([it, value, wide]) => varintField(it, value, wide)),
    widths.map(wide => varintField(4, CUSTOM_BUCKETS, wide)),
    fc.tuple(fc.constantFrom(3, 5), bits).map(([it, value]) => fixed64(it, value)),
    fc.tuple(fc.constantFrom(8, 11), span, widths).map(([it, value, wide]) => len(it, value, wide)),
    fc.tuple(fc.constantFrom(9, 12), varints).map(([it, value]) => len(it, value)),
    fc
      .tuple(fc.constantFrom(10, 13, 16), fc.uint8Array({ minLength: 16, maxLength: 16 }))
      .map(([it, value]) => len(it, value)),
    unknown(17),
    ...(protocol === '2.0' ? [startTimestamp(17)] : []),
  )
  const count = fc.oneof(
    bits.map(value => [varintField(1, value), varintField(6, value)]),
    bits.map(value => [fixed64(2, value), fixed64(7, value)]),
  )
  return fc
    .tuple(count, fc.array(field, { maxLength: 6 }), widths)
    .chain(([own, more, wide]) => shuffled([...own, ...more]).map(it => len(number, it, wide)))
}

/** Mostly one that is not 0. */
export function startTimestamp(number: number): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bits, widths).map(([time, wide]) => varintField(number, time, wide))
}

/** The fields of an exemplar beside its labels. */
export function exemplarFields(contents: Contents): fc.Arbitrary<Uint8Array[]> {
  if (contents === 'any') return fc.array(unknown(1), { maxLength: 2 })
  return fc.tuple(bits, bits, fc.array(unknown(3), { maxLength: 1 })).map(([value, time, more]) => {
    return [fixed64(2, value), varintField(3, time), ...more]
  })
}

/**
 * The fields of a series beside its labels; `more` are those that not both protocols have. In a sound series, exemplars
 * have a sample or a histogram beside them: without one they travel on ways of their own.
 */
export function seriesFields(
  contents: Contents,
  protocol: Protocol,
  exemplar: fc.Arbitrary<Uint8Array>,
  ...more: fc.Arbitrary<Uint8Array>[]
): fc.Arbitrary<Uint8Array[]> {
  const carrier = fc.oneof(sampleRecord(contents, protocol), histogramRecord(contents, protocol))
  const plain = [carrier, carrier, ...more]
  const some = { maxLength: 4, size: 'max' } as const
  if (contents === 'any') return fc.array(fc.oneof(...plain, exemplar), some)
  return fc.oneof(
    fc.array(fc.oneof(...plain), some),
    fc
      .tuple(carrier, fc.array(fc.oneof(...plain, exemplar), some))
      .map(([first, others]) => [first, ...others]),
  )
}

/** A record that holds what is not opened: a sample or a histogram. */
export function sealed(number: number): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.oneof(sample, fc.uint8Array({ maxLength: 20 })), widths)
    .map(([contents, wide]) => len(number, contents, wide))
}
