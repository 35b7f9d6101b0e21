import { describe, expect, test } from 'vitest'
import { formatSize, parseSize, SIZE_PATTERN } from '../../../src/schema/size.ts'

describe('a size', () => {
  test.each([
    ['0', 0],
    ['1024', 1024],
    ['1024B', 1024],
    ['8MiB', 8_388_608],
    ['8 MiB', 8_388_608],
    ['32MB', 32_000_000],
    ['1kB', 1000],
    ['1KB', 1000],
    ['1KiB', 1024],
    ['1.5GiB', 1_610_612_736],
    ['2GB', 2_000_000_000],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
    expect(text).toMatch(new RegExp(SIZE_PATTERN, 'u'))
  })

  test.each([
    ...[
      '',
      '8Mi',
      '8M',
      '8mib',
      '-1',
      '+1',
      '1.5',
      '1e6',
      '0x10',
      '1_000',
      'MiB',
      '8  MiB',
      '8MiB ',
      '9'.repeat(16),
    ],
    '999999999999999GiB',
  ])('%j is refused', text => {
    expect(parseSize(text)).toBeUndefined()
  })

  test.each([
    [1023, '1023'],
    [1024, '1KiB'],
    [8_388_608, '8MiB'],
    [8_388_609, '8388609'],
    [2 ** 31, '2GiB'],
  ])('of %d bytes is written %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
    expect(parseSize(text)).toBe(bytes)
  })
})
