import { readFileSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { splitCharge } from '../../../src/remote-write/charge.ts'
import type { Encoding, Protocol } from '../../../src/remote-write/split.ts'

const LIMIT = 1000

/** What the decoded message is taken to be. */
function claimed(body: Uint8Array, encoding: Encoding, maxDecodedBytes = LIMIT): number {
  const { fixedBytes } = splitCharge({ body, encoding, protocol: '1.0' }, { output: 'same', maxDecodedBytes })
  return (fixedBytes - 2 * body.length) / (encoding === 'zstd' ? 3 : 1)
}

describe('a body is charged twice, for its copy, and for the message that it claims:', () => {
  test.each<[string, number[], number]>([
    ['nothing', [], 0],
    ['one byte', [0x05], 5],
    ['two bytes', [0x80, 0x01], 128],
    ['more bytes than it needs', [0x85, 0x80, 0x00], 5],
    ['as much as is allowed', [0xe8, 0x07], LIMIT],
    ['more than is allowed, which is refused before it is decoded', [0xe9, 0x07], 0],
    ['32 bits', [0xff, 0xff, 0xff, 0xff, 0x0f], 0],
    ['more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x10], 0],
    ['a length that does not end', [0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 0],
    ['a length that is cut off', [0x80], 0],
  ])('a snappy block that claims %s', (_what, bytes, expected) => {
    expect(claimed(Uint8Array.from(bytes), 'snappy')).toBe(expected)
  })

  test('zstd that tells its length, and all that is allowed for zstd that does not', () => {
    expect(claimed(zstdCompressSync(Buffer.alloc(900)), 'zstd')).toBe(900)
    expect(claimed(zstdCompressSync(Buffer.alloc(1001)), 'zstd')).toBe(0)
    expect(claimed(Uint8Array.of(1), 'zstd')).toBe(LIMIT)
  })

  test('the recorded zstd pushes of vmagent, a tenth of a MiB and not 32', () => {
    for (const name of ['015', '022']) {
      const body = readFileSync(new URL(`../../fixtures/vmagent-1.150/zstd/${name}.bin`, import.meta.url))
      expect(claimed(body, 'zstd', 32 * 2 ** 20)).toBe(60_851)
    }
  })
})

describe('the work of a split', () => {
  const body = Uint8Array.of(0xe8, 0x07)
  const work = (protocol: Protocol, output: Protocol | 'same') =>
    splitCharge({ body, encoding: 'snappy', protocol }, { output, maxDecodedBytes: LIMIT }).workBytes

  test('is more wherever 2.0 comes in or goes out', () => {
    expect(work('1.0', '1.0')).toBe(work('1.0', 'same'))
    expect(work('2.0', '2.0')).toBe(work('2.0', 'same'))
    expect(work('2.0', 'same')).toBeGreaterThan(work('1.0', 'same'))
    expect(work('2.0', '1.0')).toBe(work('2.0', 'same'))
    expect(work('1.0', '2.0')).toBe(work('2.0', '1.0'))
  })

  test('of a recorded push of 2,000 series in 2.0 is charged about a MiB, also where it goes out as 1.0', () => {
    const at = new URL('../../fixtures/prometheus-3.14/rw2/001.bin', import.meta.url)
    const push = { body: readFileSync(at), encoding: 'snappy', protocol: '2.0' } as const
    for (const output of ['same', '1.0'] as const) {
      const { fixedBytes, workBytes } = splitCharge(push, { output, maxDecodedBytes: 32 * 2 ** 20 })
      expect(fixedBytes + workBytes).toBeLessThan(1.5 * 2 ** 20)
    }
  })
})
