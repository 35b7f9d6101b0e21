import { expect, test } from 'vitest'
import { printable } from '../../src/text.ts'

test.each([
  ['plain', 10, 'plain'],
  ['a\r\nb', 20, 'a\\x0d\\x0ab'],
  ['a\\b', 20, 'a\\x5cb'],
  ['é', 20, '\\xc3\\xa9'],
  ['\x1b[31m', 20, '\\x1b[31m'],
  ['abcdef', 3, 'abc…'],
  ['ab\n', 4, 'ab…'],
])('%j in at most %d characters is %j', (text, max, expected) => {
  expect(printable(text, max)).toBe(expected)
})
