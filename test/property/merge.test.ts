import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canMerge, mergeBodies } from '../../src/remote-write/merge.ts'
import { mergeByReference } from '../../src/remote-write/reference/merge-requests.ts'
import type { SplitShare } from '../../src/remote-write/split.ts'
import { decodedPush, someRules } from '../support/arbitraries.ts'
import { decodeMessage, unsnappy } from '../support/decode.ts'
import { freshKernel, freshMerge } from '../support/kernel.ts'
import { push } from '../support/messages.ts'
import { done } from '../support/split.ts'

it('split then merge loses nothing: several pushes give each tenant the bytes that its shares hold', () => {
  const kernel = freshKernel()
  fc.assert(
    fc.property(fc.array(decodedPush('1.0'), { maxLength: 5 }), someRules, (pushes, rules) => {
      const shares = pushes.flatMap(bytes => done(kernel(push('1.0', bytes), rules)).shares)
      const batches: [SplitShare, ...SplitShare[]][] = []
      for (const share of shares) {
        const batch = batches.find(([first]) => canMerge(first, share))
        if (batch === undefined) batches.push([share])
        else batch.push(share)
      }
      for (const batch of batches) {
        const together = Buffer.concat(batch.map(it => unsnappy(it.body)))
        expect(Buffer.compare(unsnappy(mergeBodies(batch)), together)).toBe(0)
      }
    }),
    { numRuns: 300 },
  )
})

it('2.0: a merged message has the series of its parts, one behind the other, and each string once', () => {
  const kernel = freshKernel()
  const merge = freshMerge()
  fc.assert(
    fc.property(fc.array(decodedPush('2.0'), { maxLength: 4 }), someRules, (pushes, rules) => {
      const shares = pushes.flatMap(bytes => done(kernel(push('2.0', bytes), rules)).shares)
      for (const tenant of new Set(shares.map(share => share.tenant))) {
        const bodies = shares.filter(share => share.tenant === tenant).map(share => share.body)
        // One alone stays as it is, so that a push could be it as it came; an empty message takes nothing from that.
        if (bodies.length === 1) bodies.push(Uint8Array.of(0))
        const compression = rules.compression === 'none' ? 'none' : 'fast'
        const merged = unsnappy(merge(bodies, compression))
        expect(Buffer.compare(merged, unsnappy(mergeByReference(bodies, compression)))).toBe(0)
        const parts = bodies.map(body => decodeMessage('2.0', unsnappy(body)))
        const whole = decodeMessage('2.0', merged)
        expect(whole.series).toEqual(parts.flatMap(part => part.series))
        expect(whole.options).toBe(
          parts
            .map(part => part.options)
            .filter(Boolean)
            .join(' '),
        )
        expect(whole.symbols[0]).toBe('')
        expect(new Set(whole.symbols).size).toBe(whole.symbols.length)
      }
    }),
    { numRuns: 400 },
  )
})
