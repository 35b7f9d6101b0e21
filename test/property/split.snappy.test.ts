/** The reference's snappy against two others: the decoder of the tests and snappyjs. */
import fc from 'fast-check'
import { compress, uncompress } from 'snappyjs'
import { expect, it } from 'vitest'
import { encodeSnappy } from '../../src/remote-write/reference/compress.ts'
import { Fault } from '../../src/wire/fault.ts'
import { decodeSnappy } from '../../src/wire/snappy.ts'
import { mutated } from '../support/arbitraries.ts'
import { unsnappy } from '../support/decode.ts'
import { concat } from '../support/wire.ts'

const LIMIT = 2 ** 20

/** Long enough for each kind of element, with repeats near and far. */
const messages: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.uint8Array({ maxLength: 70 }),
      fc.constantFrom('tenant', 'a', 'instance="localhost:9090"').map(text => Buffer.from(text.repeat(9))),
      fc
        .constantFrom(255, 256, 257, 2048, 65_535, 65_536, 65_537)
        .map(length => new Uint8Array(length).fill(7)),
    ),
    { maxLength: 12 },
  )
  .map(pieces => concat(...pieces))

it('what was encoded is decoded to the same by every decoder', () => {
  fc.assert(
    fc.property(messages, fc.constantFrom('fast', 'none'), (message, compression) => {
      const block = encodeSnappy(message, compression)
      expect(Buffer.compare(decodeSnappy(block, LIMIT), message)).toBe(0)
      expect(Buffer.compare(unsnappy(block), message)).toBe(0)
      expect(Buffer.compare(uncompress(block), message)).toBe(0)
      expect(block.buffer.byteLength).toBe(block.length)
    }),
    { numRuns: 120 },
  )
})

it('a block that was tampered with is taken or refused as the decoder of the tests does, at a position in it', () => {
  const small = messages
    .filter(message => message.length < 5000)
    .map(message => new Uint8Array(compress(message)))
  // A claim over the limit is refused before anything else is looked at, so it is kept out of this comparison.
  const blocks = fc.oneof(mutated(small), fc.uint8Array({ maxLength: 40 }))
  fc.assert(
    fc.property(blocks, block => {
      let expected: Uint8Array | undefined
      try {
        expected = unsnappy(block)
      } catch {
        // Refused.
      }
      try {
        const message = decodeSnappy(block, LIMIT)
        expect(expected === undefined ? 'refused' : Buffer.compare(message, expected)).toBe(0)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        expect(error.at).toBeLessThanOrEqual(block.length)
        if (error.code === 'snappy_corrupt') expect(expected === undefined || hasLongClaim(block)).toBe(true)
        else expect(error).toMatchObject({ code: 'decoded_too_large', at: 0 })
      }
    }),
    { numRuns: 1000 },
  )
})

/** The tests' decoder takes any varint as the claim; a block's has five bytes at most. */
function hasLongClaim(block: Uint8Array): boolean {
  return block.subarray(0, 5).every(byte => byte >= 0x80)
}
