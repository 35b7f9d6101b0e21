import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Patterns } from '../../../src/routes/patterns.ts'
import { matcherOf } from '../../../src/text.ts'

const rowsOf = (texts: readonly string[]) => texts.map((text, row) => ({ row, text }))

/** As many tries as `names` cost, all of them together. */
function triesOf(texts: readonly string[], names: readonly string[]): number {
  let tries = 0
  const patterns = new Patterns(rowsOf(texts), text => {
    const matches = matcherOf(text)
    return name => {
      tries++
      return matches(name)
    }
  })
  for (const name of names) patterns.firstOf(name, texts.length)
  return tries
}

test('the first row is the one that trying them all in turn would find', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 })
  const pattern = fc
    .string({ unit: fc.constantFrom('a', 'b', 'c', '*'), minLength: 1, maxLength: 8 })
    .filter(pattern => pattern.includes('*') && /[abc]/.test(pattern))
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), fc.array(text), (texts, names) => {
      const patterns = new Patterns(rowsOf(texts))
      for (const name of names) {
        const found = texts.findIndex(text => matcherOf(text)(name))
        expect(patterns.firstOf(name, texts.length)).toBe(found < 0 ? texts.length : found)
      }
    }),
    { numRuns: 1000 },
  )
})

test('rows from the end on are not looked at', () => {
  const patterns = new Patterns(rowsOf(['a*', '*b']))
  expect(patterns.firstOf('xb', 1)).toBe(1)
  expect(patterns.firstOf('ab', 0)).toBe(0)
})

describe('of a thousand patterns, most are not tried', () => {
  const thousand = (of: (n: number) => string) => Array.from({ length: 1000 }, (_, n) => of(n))

  test.each([
    ['*-N-*', (n: number) => `*-${n}-*`],
    ['team-N-*', (n: number) => `team-${n}-*`],
    ['*-team-N', (n: number) => `*-team-${n}-`],
    ['prod-*-N-', (n: number) => `prod-*-${n}-`],
  ])('%s', (_, of) => {
    const made = Array.from({ length: 2000 }, (_, n) => `team-x${n}-store`)
    expect(triesOf(thousand(of), made)).toBe(0)
    expect(triesOf(thousand(of), ['prod-team-42-'])).toBeLessThanOrEqual(2)
  })

  test('and none twice for one name, however often it holds the piece', () => {
    expect(triesOf(['*a', 'b*a*b'], ['a'.repeat(150)])).toBe(1)
    expect(triesOf(['c*a*', 'b*a*b', '*a*d'], ['a'.repeat(150)])).toBe(0)
    expect(triesOf(['*aa*b', '*a*c', '*a*d'], ['a'.repeat(150)])).toBeLessThanOrEqual(3)
  })
})
