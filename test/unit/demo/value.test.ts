import { describe, expect, test } from 'vitest'
import { formatValue } from '../../../src/demo/value.ts'

describe('a value is written as Prometheus writes it', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [0.1, '0.1'],
    [1795333196.502, '1795333196.502'],
    [1e21, '1000000000000000000000'],
    [-1.25e22, '-12500000000000000000000'],
    [1e-7, '0.0000001'],
    [1.5e-9, '0.0000000015'],
    [-2.5e-10, '-0.00000000025'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ]
  for (const [value, text] of cases) test(text, () => expect(formatValue(value)).toBe(text))

  test('and reads back the same over the whole range', () => {
    for (let exponent = -320; exponent <= 308; exponent++) {
      const value = 1.2345678901234567 * 10 ** exponent
      expect(formatValue(value)).not.toContain('e')
      expect(Number(formatValue(value))).toBe(value)
    }
  })
})
