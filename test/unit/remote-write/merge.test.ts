import { expect, it } from 'vitest'
import { canMerge, mergeBodies, mergeKeyOf } from '../../../src/remote-write/merge.ts'
import { splitByReference } from '../../../src/remote-write/reference/engine.ts'
import { mergeByReference } from '../../../src/remote-write/reference/merge-requests.ts'
import type { SplitShare } from '../../../src/remote-write/split.ts'
import { decodeMessage, unsnappy } from '../../support/decode.ts'
import { freshMerge } from '../../support/kernel.ts'
import { sample, series } from '../../support/messages.ts'
import { splitSeries } from '../../support/split.ts'
import { mergeRequestsCases } from './cases/merge-requests.ts'

mergeRequestsCases('the kernel', freshMerge)
mergeRequestsCases('the reference', () => mergeByReference)

/** The one share of a push with a series for each of these labels. */
function share(...labels: Record<string, string>[]): SplitShare {
  const list = labels.map(it => series({ tenant: 'a', ...it }))
  return splitSeries(splitByReference, '1.0', list).shares[0] as SplitShare
}

it('merged shares decode to their messages, one behind the other', () => {
  const shares = [share({ n: '1' }, { n: '2' }), share({ n: '3' }), share({ n: '4' })]
  const message = unsnappy(mergeBodies(shares))
  expect(message).toEqual(new Uint8Array(Buffer.concat(shares.map(it => unsnappy(it.body)))))
  const seen = decodeMessage('1.0', message).series.map(it => Object.fromEntries(it.labels).n)
  expect(seen).toEqual(['1', '2', '3', '4'])
})

it('the claimed length is right where its varint gets longer', () => {
  const one = series({ tenant: 'a' }, { samples: new Array(40).fill(sample(1, 2)) })
  const [long] = splitSeries(splitByReference, '1.0', [one, one, one]).shares as [SplitShare]
  for (const shares of [[share({})], [share({}), share({ n: 'x'.repeat(99) })], new Array(20).fill(long)]) {
    const length = shares.reduce((sum: number, it: SplitShare) => sum + it.decodedBytes, 0)
    expect(unsnappy(mergeBodies(shares)).length).toBe(length)
  }
})

it('a length that is longer than it needs to be, as a sender may write it, is no part of what is merged', () => {
  /** A message that is a literal of two bytes. */
  const tiny = { ...share({}), decodedBytes: 2, body: Uint8Array.of(2, 4, 10, 0) }
  for (const one of [share({ n: '1' }), tiny]) {
    const [length = 0] = one.body
    expect(length).toBeLessThan(128)
    const longer = { ...one, body: Uint8Array.of(length | 128, 128, 128, 128, 0, ...one.body.subarray(1)) }
    for (const shares of [[longer], [longer, longer], [one, longer, one, longer], [longer, one, one]]) {
      const message = unsnappy(mergeBodies(shares))
      expect(message).toEqual(new Uint8Array(Buffer.concat(shares.map(() => unsnappy(one.body)))))
    }
  }
})

it('a share alone is merged to itself, in memory of its own', () => {
  const one = share({ n: '1' })
  const body = mergeBodies([one])
  expect(body).toEqual(one.body)
  expect(body.buffer).not.toBe(one.body.buffer)
})

it('only shares of one tenant, one protocol and one replica merge, and none that travels alone', () => {
  const one = share({ cluster: 'c', __replica__: 'r1' })
  expect(canMerge(one, share({ cluster: 'c', __replica__: 'r1', n: '2' }))).toBe(true)
  expect(canMerge(one, share({ cluster: 'c', __replica__: 'r2' }))).toBe(false)
  expect(canMerge(one, share({ cluster: 'c' }))).toBe(false)
  const keyed = (changes: Partial<SplitShare>) => ({ ...one, mergeKey: mergeKeyOf({ ...one, ...changes }) })
  expect(canMerge(one, keyed({}))).toBe(true)
  expect(canMerge(one, keyed({ ha: [] }))).toBe(false)
  expect(canMerge(one, keyed({ protocol: '2.0' }))).toBe(false)
  expect(canMerge(one, share({ tenant: 'b', cluster: 'c', __replica__: 'r1' }))).toBe(false)
  const mixed = share({ cluster: 'c' }, { cluster: 'd' })
  expect(mixed.alone).toBe(true)
  expect(canMerge(mixed, mixed)).toBe(false)
  expect(canMerge(share({}), mixed)).toBe(false)
})

it('shares that are longer together than a block can claim do not merge', () => {
  const huge = { ...share({}), decodedBytes: 2 ** 31 }
  expect(canMerge(huge, huge)).toBe(false)
  expect(canMerge(huge, { ...huge, decodedBytes: 2 ** 31 - 1 })).toBe(true)
  expect(() => mergeBodies([huge, huge])).toThrow('BUG')
})
