import { describe, expect, test } from 'vitest'
import { DURATION_PATTERN, parseDuration } from '../../../src/schema/duration.ts'

describe('a duration', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['10s', 10_000],
    ['100ms', 100],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['5.s', 5000],
    ['+10s', 10_000],
    ['1h1m1s1ms', 3_661_001],
    ['0.1s0.2s', 300],
    ['1.1s', 1100],
    ['596h', 2_145_600_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
    if (!text.startsWith('+')) expect(text).toMatch(new RegExp(DURATION_PATTERN, 'u'))
  })

  test.each(['1ns', '1us', '1µs', '1μs', '999999ns', '0.5ms'])('%s is rounded up to 1 ms', text => {
    expect(parseDuration(text)).toBe(1)
  })

  test.each([
    ...[
      '',
      '10',
      '00',
      '-5s',
      '-0',
      '1d',
      '1 s',
      '1s ',
      's',
      '.s',
      '1..5s',
      '1S',
      '1h30',
      '1,5s',
      '1e3s',
      'ten',
    ],
    ...['597h', '99999999999h', `${'9'.repeat(70)}h`],
  ])('%j is refused', text => {
    expect(parseDuration(text)).toBeUndefined()
  })
})
