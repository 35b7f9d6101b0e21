import { describe, expect, test } from 'vitest'
import { halve } from '../../../src/remote-write/halve.ts'
import { splitByReference } from '../../../src/remote-write/reference/engine.ts'
import { mergeByReference } from '../../../src/remote-write/reference/merge-requests.ts'
import type { Protocol, SplitShare } from '../../../src/remote-write/split.ts'
import { decodeMessage, unsnappy } from '../../support/decode.ts'
import { message, metadata, series } from '../../support/messages.ts'
import { share } from '../../support/shares.ts'
import { concat, len } from '../../support/wire.ts'

const engine = { split: splitByReference, mergeRequests: mergeByReference }

const list = (count: number) =>
  Array.from({ length: count }, (_, i) => series({ __name__: `s${i}`, job: 'x' }))
const namesOf = ({ body, protocol }: SplitShare) =>
  decodeMessage(protocol, unsnappy(body)).series.map(({ labels }) => labels[0]?.[1])

describe.each<Protocol>(['1.0', '2.0'])('a share of %s', protocol => {
  const halves = (bytes: Uint8Array) => {
    const both = halve(engine, share('t', bytes, { protocol }))
    if (both === undefined) throw new Error('no halves')
    return both
  }

  test.each([
    [2, ['s0'], ['s1']],
    [3, ['s0', 's1'], ['s2']],
    [6, ['s0', 's1', 's2'], ['s3', 's4', 's5']],
  ])('of %d series becomes two, in order, the first not the smaller', (count, first, second) => {
    const both = halves(message(protocol, list(count)))
    expect(both.map(namesOf)).toEqual([first, second])
  })

  test('keeps every byte of its series', () => {
    const whole = message(protocol, list(5))
    const before = decodeMessage(protocol, whole).series
    const after = halves(whole).flatMap(half => decodeMessage(protocol, unsnappy(half.body)).series)
    expect(after).toEqual(before)
  })

  test('counts what is in each half', () => {
    const more = { histograms: [new Uint8Array(0)], exemplars: [{ labels: [], rest: new Uint8Array(0) }] }
    const both = halves(message(protocol, [...list(2), series({ a: 'b' }, { ...more, samples: [] })]))
    expect(both).toMatchObject([
      { tenant: 't', series: 2, samples: 2, histograms: 0, exemplars: 0 },
      { tenant: 't', series: 1, samples: 0, histograms: 1, exemplars: 1 },
    ])
    for (const { body, decodedBytes } of both) expect(unsnappy(body)).toHaveLength(decodedBytes)
  })

  test.each([0, 1])('of %d series can’t be halved', count => {
    expect(halve(engine, share('t', message(protocol, list(count)), { protocol }))).toBeUndefined()
  })

  test('keeps fields beside its entries in both halves', () => {
    const option = len(1000, 'option')
    const both = halves(concat(message(protocol, list(2)), option))
    for (const half of both) expect(decodeMessage(protocol, unsnappy(half.body)).options).not.toBe('')
  })
})

test('metadata of 1.0 is halved with the series, of which there may be none', () => {
  const both = halve(engine, share('t', concat(metadata('a', 'A'), metadata('b', 'B'), metadata('c', 'C'))))
  expect(both?.map(half => decodeMessage('1.0', unsnappy(half.body)).metadata.length)).toEqual([2, 1])
  expect(both?.map(half => [half.series, half.metadata])).toEqual([
    [0, 2],
    [0, 1],
  ])
})

test('a half of 2.0 has the symbols that its series refer to', () => {
  const list = ['a', 'b', 'c', 'd'].map(name =>
    series(
      { __name__: name, job: 'x' },
      { exemplars: [{ labels: [['id', name]], rest: new Uint8Array(0) }] },
    ),
  )
  const both = halve(engine, share('t', message('2.0', list), { protocol: '2.0' }))
  expect(both?.map(({ body }) => decodeMessage('2.0', unsnappy(body)).symbols)).toEqual([
    ['', '__name__', 'a', 'job', 'x', 'id', 'b'],
    ['', '__name__', 'c', 'job', 'x', 'id', 'd'],
  ])
})
