import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import { decodeMessage, unsnappy } from '../../../support/decode.ts'
import { message, push, rules, series } from '../../../support/messages.ts'
import { done, expectFault, seen, splitSeries } from '../../../support/split.ts'
import { concat, varint } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'
import { PROTOCOLS } from './protocols.ts'

/** A body from hex; spaces are for the reader. */
function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

export function snappyCases(check: Case, split: Split): void {
  const corrupt: readonly (readonly [title: string, body: string, at: number])[] = [
    ['a body of no bytes', '', 0],
    ['a length that is cut off', '80 80', 0],
    ['a length of six bytes', '80 80 80 80 80 00', 0],
    ['a length of 2^32', '80 80 80 80 10', 0],
    ['the framed format', 'ff 06 00 00 73 4e 61 50 70 59 01 05 00 00 00 00 00 00 61', 0],
    ['a message shorter than claimed', '0a 00 61', 3],
    ['a message that is missing', '01', 1],
    ['a message longer than claimed', '01 00 61 00 62', 3],
    ['bytes behind an empty message', '00 00 61', 1],
    ['a literal past the end', '05 10 61 62', 1],
    ['a literal length that is cut off', '05 f4 00', 1],
    ['a literal of 4 GiB', '05 fc ff ff ff ff', 1],
    ['a literal longer than claimed', '01 04 61 62', 1],
    ['a copy from before the start', '08 04 61 62 09 03', 4],
    ['a copy of nothing before it', '04 01 01', 1],
    ['a copy with offset 0', '08 00 61 09 00', 3],
    ['a copy longer than claimed', '04 00 61 05 01', 3],
    ['a one-byte copy that is cut off', '05 00 61 01', 3],
    ['a two-byte copy that is cut off', '05 00 61 0e 01', 3],
    ['a four-byte copy that is cut off', '05 00 61 0f 01 00 00', 3],
    ['a four-byte copy from 2 GiB back', '05 00 61 0f 00 00 00 80', 3],
  ]
  for (const [title, body, at] of corrupt) {
    check(`${title} is corrupt at byte ${at}`, () => {
      expectFault(
        split({ body: hex(body), encoding: 'snappy', protocol: '1.0' }, rules()),
        'snappy_corrupt',
        at,
      )
    })
  }

  check('a claim over the limit is refused before anything is allocated', () => {
    const body = concat(varint(0xffff_ffff), hex('00 61'))
    expectFault(split({ body, encoding: 'snappy', protocol: '1.0' }, rules()), 'decoded_too_large', 0)
  })

  check('a message exactly as large as the limit is taken', () => {
    const decoded = message('1.0', [series({ tenant: 'a' })])
    expect(split(push('1.0', decoded), rules({ maxDecodedBytes: decoded.length })).ok).toBe(true)
    const less = split(push('1.0', decoded), rules({ maxDecodedBytes: decoded.length - 1 }))
    expectFault(less, 'decoded_too_large', 0)
  })

  check('an empty message is a result without shares', () => {
    for (const protocol of PROTOCOLS) {
      const result = done(split({ body: hex('00'), encoding: 'snappy', protocol }, rules()))
      expect(result.shares).toEqual([])
      expect(result.refusals).toEqual([])
      expect(result.received).toEqual({ series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 0 })
      expect(result.decodedBytes).toBe(0)
    }
  })

  check('odd but valid elements are read: long claims, explicit short literals, each kind of copy', () => {
    // 0a 16 0a 14 0a 06 "tenant" 12 0a "aaaaaaaaaa", where the run of a's is made of overlapping copies.
    const start = '0a 16 0a 14 0a 06 74 65 6e 61 6e 74 12 0a 61'
    const bodies = [
      `98 80 00 | f0 0e ${start} | 15 01`,
      `18 | f4 0e 00 ${start} | 22 01 00`,
      `18 | f8 0e 00 00 ${start} | 23 01 00 00 00`,
      `18 | fc 0d 00 00 00 ${start.slice(0, -3)} | f0 00 61 | 22 01 00`,
    ]
    for (const body of bodies) {
      const parsed = hex(body.replaceAll('|', ''))
      expect(decodeMessage('1.0', unsnappy(parsed)).series, body).toHaveLength(1)
      const result = done(split({ body: parsed, encoding: 'snappy', protocol: '1.0' }, rules()))
      expect(Object.keys(seen(result, '1.0')), body).toEqual(['aaaaaaaaaa'])
    }
  })

  check('compression none writes literals only', () => {
    const long = 'v'.repeat(70_000)
    const list = [series({ tenant: 'a', long }), series({ tenant: 'b', long: 'short' })]
    const result = splitSeries(split, '1.0', list, { compression: 'none' })
    expect(result.shares.map(share => share.tenant)).toEqual(['a', 'b'])
    const [a, b] = result.shares.map(share => decodeMessage('1.0', unsnappy(share.body)))
    expect(a?.series[0]?.labels[1]).toEqual(['long', long])
    expect(b?.series[0]?.labels[1]).toEqual(['long', 'short'])
    for (const share of result.shares) expect(share.body.length).toBeGreaterThan(share.decodedBytes)
  })

  check('a share owns its memory, also where it is the push as it came', () => {
    const pushed = push('1.0', message('1.0', [series({ tenant: 'a' })]))
    const body = Buffer.concat([Buffer.alloc(8), pushed.body]).subarray(8)
    const untouched = done(split({ ...pushed, body }, rules())).shares[0]
    expect(untouched?.body).toEqual(new Uint8Array(pushed.body))
    expect(untouched?.body.buffer).not.toBe(body.buffer)
    const stripped = done(split({ ...pushed, body }, rules({ strip: true }))).shares[0]
    for (const share of [untouched, stripped]) expect(share?.body.buffer.byteLength).toBe(share?.body.length)
  })
}
