import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseShedRule } from '../../../src/schema/shed-rule.ts'
import { matcherOf } from '../../../src/text.ts'

describe('a shed rule', () => {
  test.each([
    ['dev-*=5m', 'dev-*', 300_000],
    ['*=1h', '*', 3_600_000],
    [' a = 10s ', 'a', 10_000],
    ['a=b=1s', 'a=b', 1000],
    ['x=0s', 'x', 0],
  ])('%j is a pattern and a time', (text, pattern, afterMs) => {
    expect(parseShedRule(text)).toEqual({ pattern, afterMs })
  })

  test.each(['', 'dev-*', '=5m', 'dev-*=', 'dev-*=soon', 'dev *=5m', 'dév=5m', `${'x'.repeat(151)}=5m`])(
    '%j is none',
    text => {
      expect(parseShedRule(text)).toBeUndefined()
    },
  )
})

describe('its pattern', () => {
  test.each([
    ['dev', 'dev', true],
    ['dev', 'dev-1', false],
    ['dev', 'a-dev', false],
    ['dev-*', 'dev-1', true],
    ['dev-*', 'dev-', true],
    ['dev-*', 'dev', false],
    ['*-dev', 'team-dev', true],
    ['*', 'anything', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-c-b-c', true],
    ['a*b*c', 'acb', false],
    ['a.c', 'abc', false],
    ['a.c', 'a.c', true],
    ["x(1)*'!", "x(1)-'!", true],
    ['[a]*', 'a', false],
    ['Dev-*', 'dev-1', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['a**b', 'ab', true],
    ['a*b*b', 'ab', false],
    ['*a*', 'bab', true],
    ['*', '', true],
  ])('%j and %j: %s', (pattern, tenant, matches) => {
    expect(matcherOf(pattern)(tenant)).toBe(matches)
  })

  test('takes each star for any number of characters, and all else for itself', () => {
    const piece = fc.string({ unit: fc.constantFrom(..."ab.*()$^'!-_"), maxLength: 6 })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), fc.array(piece), (parts, fillers) => {
        const literal = parts.map(part => part.replaceAll('*', ''))
        const tenant = literal
          .map((part, i) => part + (i < literal.length - 1 ? (fillers[i] ?? '') : ''))
          .join('')
        expect(matcherOf(literal.join('*'))(tenant)).toBe(true)
      }),
    )
  })

  test('with many stars is decided at once', () => {
    const matches = matcherOf(`${'a*'.repeat(12)}b`)
    expect(matches('a'.repeat(60))).toBe(false)
    expect(matcherOf(`${'*'.repeat(149)}b`)('a'.repeat(150))).toBe(false)
  })
})
