import { expect, expectTypeOf, test } from 'vitest'
import { FollowedFile } from '../../../src/schema/followed-file.ts'
import { type Frozen, frozen } from '../../../src/schema/frozen.ts'
import { Secret } from '../../../src/schema/secret.ts'

test('a frozen value can’t be changed anywhere, and its type says so', () => {
  const value = frozen({ a: { b: [{ c: 1 }] }, d: undefined, e: null, f: new Secret('x') })
  expect(Object.isFrozen(value.a.b[0])).toBe(true)
  expect(Object.isFrozen(value.a.b)).toBe(true)
  expectTypeOf<Frozen<{ a: { b: { c: number }[] } }>>().toEqualTypeOf<{
    readonly a: { readonly b: readonly { readonly c: number }[] }
  }>()
  expectTypeOf<Frozen<{ f: Secret }>>().toEqualTypeOf<{ readonly f: Secret }>()
})

test('a followed file in a frozen value is followed all the same', async () => {
  const file = new FollowedFile('k', new URL(import.meta.url).pathname, 'password', 'old')
  frozen({ file })
  expect(await file.refresh()).toBe(true)
  expect(file.text).toContain('is followed all the same')
})
