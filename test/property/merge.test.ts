import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canMerge, mergeBodies } from '../../src/split/merge.ts'
import type { Share } from '../../src/split/split.ts'
import { decodedPush, someRules } from '../support/arbitraries.ts'
import { unsnappy } from '../support/decode.ts'
import { freshKernel } from '../support/kernel.ts'
import { push } from '../support/messages.ts'
import { done } from '../support/split.ts'

it('split then merge loses nothing: several pushes give each tenant the bytes that its shares hold', () => {
  const kernel = freshKernel()
  fc.assert(
    fc.property(fc.array(decodedPush('1.0'), { maxLength: 5 }), someRules, (pushes, rules) => {
      const shares = pushes.flatMap(bytes => done(kernel(push('1.0', bytes), rules)).shares)
      const batches: [Share, ...Share[]][] = []
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
