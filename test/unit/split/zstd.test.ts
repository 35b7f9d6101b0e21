import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/split/fault.ts'
import { decodeZstd } from '../../../src/split/zstd.ts'

const MESSAGE = Buffer.from('series of series of series '.repeat(40))
const FRAME = zstdCompressSync(MESSAGE)
const MIB = 2 ** 20

function fault(body: Uint8Array, maxDecodedBytes = MIB): string {
  try {
    decodeZstd(body, maxDecodedBytes)
  } catch (error) {
    if (error instanceof Fault) return `${error.code} at ${error.at}`
    throw error
  }
  return 'none'
}

describe('zstd', () => {
  it('is decoded, and frames that follow each other are one message', () => {
    expect(decodeZstd(FRAME, MIB)).toEqual(MESSAGE)
    expect(decodeZstd(Buffer.concat([FRAME, FRAME]), MIB)).toEqual(Buffer.concat([MESSAGE, MESSAGE]))
    expect(decodeZstd(zstdCompressSync(Buffer.alloc(0)), MIB)).toHaveLength(0)
  })

  it('is taken up to the limit and no byte further', () => {
    expect(fault(FRAME, MESSAGE.length)).toBe('none')
    expect(fault(FRAME, MESSAGE.length - 1)).toBe('decoded_too_large at 0')
    expect(fault(FRAME, 0)).toBe('decoded_too_large at 0')
    expect(fault(zstdCompressSync(Buffer.from('a')), 0)).toBe('decoded_too_large at 0')
    expect(fault(zstdCompressSync(Buffer.alloc(0)), 0)).toBe('none')
  })

  it('is bounded while decoding: a bomb of a gigabyte takes no more memory than the limit', () => {
    // Frames of 128 MiB of zeros each, eight of them in about 100 KB.
    const frame = zstdCompressSync(Buffer.alloc(128 * MIB))
    const bomb = Buffer.concat(Array(8).fill(frame))
    const before = process.memoryUsage().rss
    expect(fault(bomb, 32 * MIB)).toBe('decoded_too_large at 0')
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * MIB)
  })

  it('may ask for a window of 8 MiB whatever the limit, and for none larger than the largest message', () => {
    // Magic, a header with nothing but the window, one raw block of one byte. RFC 8878, 3.1.1.
    const asking = (log: number) =>
      Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, 9, 0, 0, 0x61)
    expect(decodeZstd(asking(10), MIB)).toEqual(Buffer.from('a'))
    expect(fault(asking(23), 1000)).toBe('none')
    expect(fault(asking(24), 1000)).toBe('zstd_corrupt at 0')
    expect(fault(asking(25), 32 * MIB)).toBe('none')
    expect(fault(asking(26), 32 * MIB)).toBe('zstd_corrupt at 0')
    expect(fault(asking(28), 2 ** 30)).toBe('zstd_corrupt at 0')
  })

  it('that is no complete frame is corrupt', () => {
    expect(fault(new Uint8Array(0))).toBe('zstd_corrupt at 0')
    expect(fault(Buffer.from('hello'))).toBe('zstd_corrupt at 0')
    for (const length of [1, 4, 5, FRAME.length >> 1, FRAME.length - 1]) {
      expect(fault(FRAME.subarray(0, length)), `${length} bytes`).toBe('zstd_corrupt at 0')
    }
    expect(fault(Buffer.concat([FRAME, FRAME.subarray(0, 9)]))).toBe('zstd_corrupt at 0')
  })

  it('with bytes behind the frame is corrupt', () => {
    expect(fault(Buffer.concat([FRAME, Buffer.from('x')]))).toBe('zstd_corrupt at 0')
    expect(fault(Buffer.concat([FRAME, new Uint8Array(64)]))).toBe('zstd_corrupt at 0')
  })
})
