import { describe, expect, test } from 'vitest'
import { estimate, median } from '../../../../bench/compare/median.ts'
import { seeded } from '../../../ledger/chaos.ts'

describe('the median', () => {
  test.each([
    [[3], 3],
    [[10, 9, 1], 9],
    [[4, 1, 3, 2], 2.5],
    [[], Number.NaN],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  test('leaves its values as they are', () => {
    const values = [2, 10, 1]
    median(values)
    expect(values).toEqual([2, 10, 1])
  })
})

describe('the interval of the median', () => {
  const values = [0.91, 0.97, 0.98, 0.99, 1, 1, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.08, 1.1, 1.4]

  test('is the same for the same values', () => {
    expect(estimate(values)).toEqual(estimate(values))
  })

  test('lies around the median, and no outlier moves it far', () => {
    const { median, low, high } = estimate(values)
    expect(median).toBe(1.02)
    expect(low).toBeGreaterThanOrEqual(0.98)
    expect(low).toBeLessThan(1.02)
    expect(high).toBeGreaterThan(1.02)
    expect(high).toBeLessThanOrEqual(1.08)
  })

  test('is a point where all values are the same', () => {
    expect(estimate([2, 2, 2])).toEqual({ median: 2, low: 2, high: 2 })
  })

  test('holds the true median about as often as it says', () => {
    const random = seeded(7)
    let held = 0
    for (let n = 0; n < 60; n++) {
      const { low, high } = estimate(Array.from({ length: 15 }, random))
      if (low <= 0.5 && high >= 0.5) held++
    }
    // 95 % of 60 are 57.
    expect(held).toBeGreaterThanOrEqual(52)
  })
})
