import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Protocol, SplitResult } from '../../../src/remote-write/split.ts'
import { label, packed, push, rules } from '../../support/messages.ts'
import { concat, len } from '../../support/wire.ts'

const MIB = 2 ** 20
/**
 * What the reference may take for a message of 1 MiB: its positions. An object for each of the half million
 * fields that fit in there takes several times as much.
 */
const HEAP_MIB = 40

function repeated(unit: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.alloc(Math.floor((MIB - 64) / unit.length) * unit.length, unit))
}

async function splitInSmallHeap(protocol: Protocol, message: Uint8Array): Promise<SplitResult> {
  const worker = new Worker(new URL('../../support/split-worker.ts', import.meta.url), {
    workerData: { push: push(protocol, message), rules: rules({ strip: true, maxDecodedBytes: MIB }) },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: 8 },
  })
  // An `error`, out of memory above all, rejects.
  const [result] = await once(worker, 'message')
  await worker.terminate()
  return result as SplitResult
}

describe('a push made of the smallest fields takes memory by its size and not by their number', () => {
  const NONE = Uint8Array.of(0x0a, 0x00)
  const UNKNOWN = Uint8Array.of(0x78, 0x00)
  const SYMBOLS = concat(len(4, ''), len(4, 'tenant'), len(4, 'a'))
  const cases: readonly (readonly [title: string, Protocol, Uint8Array, shares: number])[] = [
    ['labels without name', '1.0', len(1, repeated(NONE)), 0],
    ['tenant labels', '1.0', len(1, repeated(label('tenant', 'a'))), 0],
    ['unknown fields in a series', '1.0', len(1, concat(label('tenant', 'a'), repeated(UNKNOWN))), 1],
    ['unknown fields beside the series', '1.0', concat(len(1, label('tenant', 'a')), repeated(UNKNOWN)), 1],
    ['symbols', '2.0', repeated(Uint8Array.of(0x22, 0x00)), 0],
    ['unknown fields among symbols', '2.0', repeated(Uint8Array.of(0x22, 0x00, 0x78, 0x00)), 0],
    [
      'packed references',
      '2.0',
      concat(SYMBOLS, len(5, len(1, concat(Uint8Array.of(1, 2), repeated(new Uint8Array(2)))))),
      1,
    ],
    [
      'single references',
      '2.0',
      concat(SYMBOLS, len(5, concat(packed([1, 2]), repeated(Uint8Array.of(8, 0))))),
      1,
    ],
    [
      'exemplars',
      '2.0',
      concat(SYMBOLS, len(5, concat(packed([1, 2]), repeated(Uint8Array.of(0x22, 0))))),
      1,
    ],
  ]
  for (const [title, protocol, message, shares] of cases) {
    it(title, async () => {
      const result = await splitInSmallHeap(protocol, message)
      expect(result).toMatchObject({ ok: true, decodedBytes: message.length })
      expect(result.ok && result.shares).toHaveLength(shares)
    })
  }

  it('series: their number is limited', async () => {
    const result = await splitInSmallHeap('1.0', repeated(NONE))
    expect(result).toMatchObject({ ok: false, code: 'too_many_series', at: 2 * 100_000 })
  })
})
