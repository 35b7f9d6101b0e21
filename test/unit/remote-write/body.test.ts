import { describe, expect, test } from 'vitest'
import { createBodyOf } from '../../../src/remote-write/body.ts'
import { createEngine } from '../../../src/remote-write/engine.ts'
import type { Protocol, SplitRules, SplitShare } from '../../../src/remote-write/split.ts'
import { unsnappy } from '../../support/decode.ts'
import { message, push, rules, series } from '../../support/messages.ts'
import { done } from '../../support/split.ts'

const { split, mergeRequests } = createEngine('wasm')
const list = (count: number) =>
  Array.from({ length: count }, (_, i) => series({ tenant: 'a', host: 'host-with-a-long-name', i: `${i}` }))
/** What a push of so many series for one tenant, and one of another, is split into. */
const shareOf = (
  count: number,
  compression: SplitRules['compression'],
  protocol: Protocol = '2.0',
): SplitShare => {
  const both = push(protocol, message(protocol, [...list(count), series({ tenant: 'b' })]))
  return done(split(both, rules({ strip: true, compression }))).shares[0] as SplitShare
}

describe('the body of a request', () => {
  const bodyOf = createBodyOf(mergeRequests, 'fast')

  test('is compressed now where a share of 2.0 was left as literals', () => {
    const late = shareOf(50, 'late')
    const body = bodyOf('2.0', [late])
    expect(late.body.length).toBeGreaterThan(late.decodedBytes)
    expect(body.length).toBeLessThan(late.body.length / 2)
    expect(Buffer.compare(unsnappy(body), unsnappy(late.body))).toBe(0)
  })

  test.each<[string, SplitShare]>([
    ['compressed', shareOf(50, 'fast')],
    ['of 1.0', shareOf(50, 'late', '1.0')],
    ['of many series, which does not wait for others', shareOf(2000, 'late')],
  ])('is the share’s own where it is %s', (_, share) => {
    expect(share.body.length).toBeLessThan(share.decodedBytes)
    expect(bodyOf(share.protocol, [share])).toBe(share.body)
  })

  test('is never compressed where egress.compression is none', () => {
    const share = shareOf(50, 'none')
    expect(createBodyOf(mergeRequests, 'none')('2.0', [share])).toBe(share.body)
    const merged = createBodyOf(mergeRequests, 'none')('2.0', [share, share])
    expect(merged.length).toBeGreaterThan(unsnappy(merged).length)
  })

  test('of several shares is one message, whichever of them was compressed before', () => {
    const alike = [shareOf(20, 'late'), shareOf(20, 'fast')]
    const body = bodyOf('2.0', alike)
    const same = bodyOf('2.0', [shareOf(20, 'fast'), shareOf(20, 'fast')])
    expect(Buffer.compare(unsnappy(body), unsnappy(same))).toBe(0)
    expect(body.length).toBeLessThan(unsnappy(body).length / 2)
  })
})
