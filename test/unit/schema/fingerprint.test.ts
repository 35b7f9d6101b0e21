import { describe, expect, test } from 'vitest'
import { areSame, fingerprintOf } from '../../../src/schema/fingerprint.ts'
import { FollowedFile } from '../../../src/schema/followed-file.ts'
import { Secret } from '../../../src/schema/secret.ts'

const values: readonly unknown[] = [
  ...[undefined, null, '', '0', 0, false, [], {}, [[]], ['a'], ['a', 'b'], ['a,b'], 'a'],
  ...[{ a: 1 }, { a: '1' }, { a: undefined }, { b: 1 }, { a: { b: 1 } }],
  ...[new Secret('a'), new Secret('b'), new Secret(''), 'secret "a"'],
  ...[new FollowedFile('k', '/a', 'password'), new FollowedFile('k', '/b', 'password')],
]

describe('a fingerprint', () => {
  test('is another for every other value', () => {
    expect(new Set(values.map(fingerprintOf)).size).toBe(values.length)
    values.forEach((a, i) => {
      values.forEach((b, j) => {
        expect(areSame(a, b)).toBe(i === j)
      })
    })
  })

  test('is the same for equal ones, whatever the order of their names', () => {
    expect(fingerprintOf({ a: 1, b: [new Secret('x')] })).toBe(fingerprintOf({ b: [new Secret('x')], a: 1 }))
  })

  test('of a file goes by its path and not by what it holds', () => {
    const [one, other] = ['x', 'y'].map(text => new FollowedFile('k', '/a', 'password', text))
    expect(fingerprintOf(one)).toBe(fingerprintOf(other))
  })
})
