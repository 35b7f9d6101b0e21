import { constants, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/wire/fault.ts'
import { decodeZstd } from '../../../src/wire/zstd.ts'
import { zstdClaim } from '../../../src/wire/zstd-claim.ts'

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

/** Magic, then these. RFC 8878, 3.1.1. */
const frame = (...bytes: readonly number[]) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...bytes)
const SINGLE = 0x20
/** The last block: raw, of so many bytes. */
const raw = (...bytes: readonly number[]) => [1 | (bytes.length << 3), 0, 0, ...bytes]

describe('what zstd claims', () => {
  it.each([0, 1, 255, 256, 257, 65_791, 65_792, 3 * MIB])(
    'is the length of a message of %d bytes',
    length => {
      const message = Buffer.alloc(length, 'ab\n')
      for (const checksum of [0, 1]) {
        const body = zstdCompressSync(message, { params: { [constants.ZSTD_c_checksumFlag]: checksum } })
        expect(zstdClaim(body)).toBe(length)
        expect(decodeZstd(body, 4 * MIB)).toEqual(message)
      }
    },
  )

  it('is the sum of all frames, those that are skipped apart', () => {
    const skipped = Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3)
    const body = Buffer.concat([FRAME, skipped, FRAME])
    expect(zstdClaim(body)).toBe(2 * MESSAGE.length)
    expect(decodeZstd(body, MIB)).toEqual(Buffer.concat([MESSAGE, MESSAGE]))
  })

  it.each([
    ['one byte', frame(SINGLE, 2, ...raw(7, 8)), 2],
    ['two bytes, from 256 on', frame(0x40 | SINGLE, 0, 0, ...raw(7)), 256],
    ['four bytes', frame(0x80, 0x58, 1, 0, 0, 0, ...raw(7)), 1],
    ['eight bytes', frame(0xc0 | SINGLE, 0, 0, 0, 0, 1, 0, 0, 0, ...raw(7)), 2 ** 32],
    ['a dictionary beside it', frame(SINGLE | 3, 9, 9, 9, 9, 1, ...raw(7)), 1],
    ['a block of one byte repeated', frame(SINGLE, 9, 3 | (9 << 3), 0, 0, 7), 9],
  ])('may stand in %s', (_, body, expected) => {
    expect(zstdClaim(body)).toBe(expected)
  })

  it('is open where a frame does not say, is cut off, or is none', () => {
    expect(zstdClaim(frame(0, 0x58, ...raw(7)))).toBeUndefined()
    expect(zstdClaim(Buffer.concat([FRAME, frame(0, 0x58, ...raw(7))]))).toBeUndefined()
    for (let length = 1; length < 12; length++) {
      expect(
        zstdClaim(frame(0xc0, 0x58, 1, 0, 0, 0, 0, 0, 0, 0, ...raw(7)).subarray(0, length)),
      ).toBeUndefined()
    }
    expect(zstdClaim(Buffer.from('no frame'))).toBeUndefined()
    expect(zstdClaim(Buffer.concat([FRAME, Buffer.from('rest')]))).toBeUndefined()
  })

  it('is open where it would take long to find out', () => {
    const empty = [0, 0, 0]
    const blocks = (count: number) => frame(SINGLE, 1, ...Array(count).fill(empty).flat(), ...raw(7))
    expect(zstdClaim(blocks(9000))).toBe(1)
    expect(zstdClaim(blocks(10_001))).toBeUndefined()
    expect(zstdClaim(Buffer.concat(Array(10_001).fill(frame(SINGLE, 0, ...raw()))))).toBeUndefined()
  })

  it('holds: a frame of another length is corrupt, and a claim over the limit is not decoded at all', () => {
    expect(fault(frame(SINGLE, 1, ...raw(7, 8)))).toBe('zstd_corrupt at 0')
    expect(fault(frame(SINGLE, 3, ...raw(7, 8)))).toBe('zstd_corrupt at 0')
    expect(fault(frame(SINGLE, 0, ...raw(7, 8)))).toBe('zstd_corrupt at 0')
    expect(fault(frame(SINGLE, 2, ...raw(7, 8)))).toBe('none')
    expect(fault(frame(SINGLE, 200, ...raw(7, 8)), 199)).toBe('decoded_too_large at 0')
    expect(fault(frame(0xc0 | SINGLE, 0, 0, 0, 0, 1, 0, 0, 0, ...raw(7)))).toBe('decoded_too_large at 0')
  })
})
