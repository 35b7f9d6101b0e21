import { expect, test } from 'vitest'
import { createEngine } from '../../../src/remote-write/engine.ts'
import { splitByReference } from '../../../src/remote-write/reference/engine.ts'
import type { Split } from '../../../src/remote-write/split.ts'
import { releaseShares } from '../../../src/share/release.ts'
import { release } from '../../../src/wire/release.ts'
import { message, push, rules, series } from '../../support/messages.ts'

const sharesOf = (split: Split) => {
  const list = ['a', 'b', 'a', 'c'].map(tenant => series({ tenant }))
  const result = split(push('1.0', message('1.0', list)), rules())
  if (!result.ok) throw new Error(result.detail)
  return result.shares
}
const lengths = (shares: ReturnType<typeof sharesOf>) => shares.map(({ body }) => body.length)

test('what fills its memory is empty afterwards, and may be released again', () => {
  const bytes = new Uint8Array(10)
  release(bytes)
  expect(bytes.length).toBe(0)
  release(bytes)
})

test('what is a part of some memory is left alone, because others have the rest', () => {
  const memory = new Uint8Array(10).fill(1)
  for (const part of [memory.subarray(1), memory.subarray(0, 9), Buffer.from('x')]) {
    release(part)
    expect(part.length).toBeGreaterThan(0)
  }
  expect(memory).toEqual(new Uint8Array(10).fill(1))
})

test('the shares of the kernel are released all at once', () => {
  const shares = sharesOf(createEngine('wasm').split)
  expect(shares).toHaveLength(3)
  releaseShares(shares)
  expect(lengths(shares)).toEqual([0, 0, 0])
})

test('a part of them is not, nor are shares that have memory of their own', () => {
  const [, ...some] = sharesOf(createEngine('wasm').split)
  releaseShares(some)
  expect(lengths(some)).not.toContain(0)
  const own = sharesOf(splitByReference)
  releaseShares(own)
  expect(lengths(own)).not.toContain(0)
  releaseShares([])
})
