import { expect, test } from 'vitest'
import { decodedCharge } from '../../../src/split/claim.ts'

test.each<[string, number[], number]>([
  ['nothing', [], 0],
  ['one byte', [0x05], 5],
  ['two bytes', [0x80, 0x01], 128],
  ['more bytes than it needs', [0x85, 0x80, 0x00], 5],
  ['as much as is allowed', [0xe8, 0x07], 1000],
  ['more than is allowed, which is refused before it is decoded', [0xe9, 0x07], 0],
  ['32 bits', [0xff, 0xff, 0xff, 0xff, 0x0f], 0],
  ['more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x10], 0],
  ['a length that does not end', [0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 0],
  ['a length that is cut off', [0x80], 0],
])('a snappy block that claims %s is charged so', (_what, bytes, expected) => {
  expect(decodedCharge(Uint8Array.from(bytes), 'snappy', 1000)).toBe(expected)
})

test('zstd may leave its length open, so it is charged all that is allowed', () => {
  expect(decodedCharge(Uint8Array.of(1), 'zstd', 1000)).toBe(1000)
})
