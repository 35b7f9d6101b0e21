import { expect, test } from 'vitest'
import { parseRetryAfter } from '../../../src/upstream/retry-after.ts'

const now = Date.parse('2026-11-22T12:00:00Z')

test.each([
  ['5', 5000],
  [' 0 ', 0],
  ['999999999', 999_999_999_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  [undefined, undefined],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['9999999999', undefined],
  ['soon', undefined],
  ['Sun, not a date', undefined],
])('Retry-After %j is %j ms', (header, expected) => {
  expect(parseRetryAfter(header, now)).toBe(expected)
})
