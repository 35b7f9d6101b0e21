import { expect, test } from 'vitest'
import type { Compared } from '../../../../bench/compare/compared.ts'
import { pairLines, tableLines, verdictLine } from '../../../../bench/compare/table.ts'

const CPU: Compared = {
  name: 'CPU-s per million samples',
  tree: 1.2345,
  base: 1.2,
  pairs: [1.02, 1.04],
  ratio: { median: 1.03, low: 1.02, high: 1.04 },
  aaPairs: [0.99, 1.01],
  aa: { median: 1, low: 0.99, high: 1.01 },
}
const SPEED: Compared = { ...CPU, name: 'samples/s', tree: 987_654.3, base: 1_000_000 }
const withoutAa = (it: Compared): Compared => ({ ...it, aa: undefined, aaPairs: undefined })

test('the table has a line per figure, with the A/A run beside the comparison', () => {
  expect(tableLines('2 pairs', [CPU, SPEED]).join('\n')).toBe(
    `
2 pairs                       base    tree   ratio         95 %     A/A         95 %
CPU-s per million samples    1.200   1.234  1.030×  1.020–1.040  1.000×  0.990–1.010
samples/s                  1000000  987654  1.030×  1.020–1.040  1.000×  0.990–1.010
`.trim(),
  )
})

test('the table leaves out the columns of an A/A run that there was not', () => {
  expect(tableLines('2 pairs', [withoutAa(CPU)]).join('\n')).toBe(
    `
2 pairs                     base   tree   ratio         95 %
CPU-s per million samples  1.200  1.234  1.030×  1.020–1.040
`.trim(),
  )
})

test('pairs have a line each, the A/A run in brackets', () => {
  expect(pairLines([CPU, withoutAa(SPEED)]).join('\n')).toBe(
    `
pair  CPU-s per million samples  samples/s
1                 1.020 (0.990)      1.020
2                 1.040 (1.010)      1.040
`.trim(),
  )
})

test.each([
  [1.05, 'passes'],
  [1.03, 'undecided, measure longer'],
  [1.01, 'FAILS'],
])('the verdict by %d says what was found and what was asked', (bound, verdict) => {
  expect(verdictLine(CPU, bound)).toBe(
    `CPU-s per million samples: 1.030×, between 1.020 and 1.040; at most ${bound} is asked: ${verdict}`,
  )
})
