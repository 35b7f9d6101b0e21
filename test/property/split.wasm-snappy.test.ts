/** The kernel's snappy against Google's algorithm in native code. */
import fc from 'fast-check'
import { compressSync, uncompressSync } from 'snappy'
import { expect, it } from 'vitest'
import { loadKernel, startKernel } from '../../src/remote-write/wasm/kernel.ts'
import * as abi from '../../workers/kernel/abi.ts'
import { mutated } from '../support/arbitraries.ts'
import { unsnappy } from '../support/decode.ts'
import { concat } from '../support/wire.ts'

const module = loadKernel()
if (module === undefined) throw new Error('this machine has no SIMD for WASM')
const { call, memory } = startKernel(module)

const LIMIT = 2 ** 20

function encode(message: Uint8Array, literalsOnly: number): Uint8Array {
  memory.reserve({ message: message.length, output: message.length + Math.ceil(message.length / 6) + 64 })
  memory.bytes.set(message, memory.word(abi.MESSAGE))
  const length = call.encode(message.length, literalsOnly)
  return memory.bytes.slice(memory.word(abi.OUTPUT), memory.word(abi.OUTPUT) + length)
}

/** The message, or where the block is corrupt. */
function decode(block: Uint8Array): Uint8Array | number {
  memory.reserve({ input: block.length })
  memory.bytes.set(block, memory.word(abi.INPUT))
  const claimed = call.claim(block.length)
  if (claimed === abi.FAULT || claimed > LIMIT) return 0
  memory.reserve({ message: claimed })
  if (call.decode(block.length, claimed) === abi.FAULT) return memory.word(abi.FAULT_AT)
  return memory.bytes.slice(memory.word(abi.MESSAGE), memory.word(abi.MESSAGE) + claimed)
}

/** Long enough for each kind of element, with repeats near and far, and what can't be compressed. */
const messages: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 70 }),
      fc.uint8Array({ minLength: 200, maxLength: 400, size: 'max' }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 90 }))
        .map(([piece, n]) => {
          return concat(...new Array<Uint8Array>(n).fill(piece))
        }),
      fc.constantFrom('tenant', 'a', 'instance="localhost:9090"').map(text => Buffer.from(text.repeat(9))),
      fc.constantFrom(255, 256, 257, 2048, 65_535, 65_536, 65_537).map(n => new Uint8Array(n).fill(7)),
    ),
    { maxLength: 40 },
  )
  .map(pieces => concat(...pieces))

it('what the kernel encodes is decoded to the same by every decoder', () => {
  fc.assert(
    fc.property(messages, fc.constantFrom(0, 1), (message, literalsOnly) => {
      const block = encode(message, literalsOnly)
      expect(Buffer.compare(uncompressSync(block) as Buffer, message)).toBe(0)
      expect(Buffer.compare(unsnappy(block), message)).toBe(0)
      expect(decode(block)).toEqual(message)
    }),
    { numRuns: 400 },
  )
})

it('what Google encodes is decoded by the kernel', () => {
  fc.assert(
    fc.property(messages, message => {
      expect(decode(compressSync(message))).toEqual(message)
    }),
    { numRuns: 400 },
  )
})

it('a block that was tampered with is taken or refused as native snappy does', () => {
  const blocks = fc.oneof(
    mutated(messages.map(message => new Uint8Array(compressSync(message)))),
    fc.uint8Array({ minLength: 1, maxLength: 60 }),
  )
  fc.assert(
    fc.property(blocks, block => {
      const result = decode(block)
      if (typeof result === 'number') expect(result).toBeLessThanOrEqual(block.length)
      if (isKnownDifference(block)) return
      expect(typeof result === 'number' ? 'refused' : Buffer.from(result)).toEqual(native(block))
    }),
    { numRuns: 4000 },
  )
})

function native(block: Uint8Array): Buffer | 'refused' {
  try {
    return uncompressSync(block) as Buffer
  } catch {
    return 'refused'
  }
}

/**
 * Where the native package, which is written in Rust, differs from Google's own code, and we do as that does: a claim
 * of more than five bytes, which it takes; and the last four bytes of a block, where it refuses a literal with its
 * length behind the tag. A claim over the limit is refused here before anything is decoded.
 */
function isKnownDifference(block: Uint8Array): boolean {
  const end = block.findIndex(byte => byte < 0x80)
  if (end < 0 || end > 4) return true
  const claimed = block.subarray(0, end + 1).reduce((sum, byte, i) => sum + (byte & 0x7f) * 2 ** (7 * i), 0)
  if (claimed > LIMIT) return true
  return block.subarray(-4).some(byte => (byte & 3) === 0 && byte >> 2 >= 60)
}
