/**
 * The parts of random pushes: well-formed in every way that a protobuf decoder accepts, and in few that an honest
 * sender would choose. Long varints, lengths on both sides of a varint's width, strings that are no UTF-8, NaN
 * payloads, the ends of int64, fields that no schema knows.
 */
import fc from 'fast-check'
import { concat, fixed32, fixed64, len, type Text, varintField, type Widths } from './wire.ts'

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

/** A record that holds what is not opened: a sample or a histogram. */
export function sealed(number: number): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.oneof(sample, fc.uint8Array({ maxLength: 20 })), widths)
    .map(([contents, wide]) => len(number, contents, wide))
}
