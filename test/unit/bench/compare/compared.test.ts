import { expect, test } from 'vitest'
import { compared } from '../../../../bench/compare/compared.ts'

test('ratios are made pair by pair, so what slows a whole round is not seen', () => {
  const { tree, base, pairs, ratio, aaPairs, aa } = compared('ns', {
    tree: [11, 22, 44],
    base: [10, 20, 40],
    again: [10, 10, 40],
  })
  expect([tree, base]).toEqual([22, 20])
  expect(pairs).toEqual([1.1, 1.1, 1.1])
  expect(ratio).toEqual({ median: 1.1, low: 1.1, high: 1.1 })
  expect(aaPairs).toEqual([1, 0.5, 1])
  expect(aa).toMatchObject({ median: 1, high: 1 })
})

test('there is no A/A where the base ran once', () => {
  const { aa, aaPairs } = compared('ns', { tree: [1], base: [1], again: undefined })
  expect([aa, aaPairs]).toEqual([undefined, undefined])
})
