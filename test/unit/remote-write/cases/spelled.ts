/** Pushes of 2.0 that go out as 1.0, where they are long, odd, hostile, or would be let through as they are. */
import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import { label, message, packed, push, rules, sample, series } from '../../../support/messages.ts'
import { decodedShare, expectFault, labelsSeen, splitBytes, splitSeries } from '../../../support/split.ts'
import { concat, double, fixed32, len, type Text, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'

/** More than the encoder takes as one block. */
const LONG = 70_000

function symbols(...strings: readonly Text[]): Uint8Array {
  return concat(...['', ...strings].map(string => len(4, string)))
}

export function spelledCases(check: Case, split: Split): void {
  check('2.0 as 1.0: a push that would go out as it came does not', () => {
    const list = [series({ tenant: 'a' })]
    const [share] = splitSeries(split, '2.0', list, { output: '1.0' }).shares
    expect(share).toMatchObject({ protocol: '1.0', series: 1, samples: 1 })
    expect(decodedShare(share!)).toEqual(message('1.0', list))
    const [same] = splitSeries(split, '2.0', list, { output: '2.0' }).shares
    expect(same).toEqual(splitSeries(split, '2.0', list).shares[0])
  })

  check('2.0 as 1.0: each tenant gets its own series, in their order, of its own replica', () => {
    const list = ['a', 'b', 'a', 'b'].map((tenant, i) => {
      return series({ n: `${i}`, cluster: tenant === 'a' ? 'x' : `${i}`, tenant })
    })
    const result = splitSeries(split, '2.0', list, { output: '1.0', strip: true })
    expect(labelsSeen(result, '1.0')).toEqual({
      a: ['n=0,cluster=x', 'n=2,cluster=x'],
      b: ['n=1,cluster=1', 'n=3,cluster=3'],
    })
    expect(result.shares).toMatchObject([
      { ha: ['x', ''], alone: false },
      { ha: ['1', ''], alone: true },
    ])
  })

  check('2.0 as 1.0: series that are longer than a block of the encoder, by each of their parts', () => {
    const long = Buffer.alloc(LONG, 'long text ').toString()
    const time = varintField(3, 5)
    const samples = [sample(1, 1), concat(len(9, long), time), sample(2, 2)]
    const kept = [sample(1, 1), len(9, long), sample(2, 2)]
    const exemplars = [
      {
        labels: [
          ['trace', long],
          ['span', long],
        ] as const,
        rest: double(2, 1),
      },
    ]
    const many = Array.from({ length: 5000 }, (_, i) => sample(i, i))
    const parts = [
      { labels: { tenant: 'a' }, given: { samples: many }, expected: { samples: many } },
      { labels: { tenant: 'a', x: long, y: long }, given: {}, expected: {} },
      { labels: { tenant: 'a' }, given: { samples }, expected: { samples: kept } },
      { labels: { tenant: 'a' }, given: { exemplars }, expected: { exemplars } },
      {
        labels: { tenant: 'a' },
        given: { histograms: [concat(len(99, long), varintField(17, 1))] },
        expected: { histograms: [len(99, long)] },
      },
      { labels: { tenant: 'a' }, given: { more: [len(44, long)] }, expected: { more: [len(44, long)] } },
    ]
    const all = message(
      '1.0',
      parts.map(({ labels, expected }) => series(labels, expected)),
    )
    for (const compression of ['fast', 'none'] as const) {
      const list = parts.map(({ labels, given }) => series(labels, given))
      const [share] = splitSeries(split, '2.0', list, { output: '1.0', compression }).shares
      expect(Buffer.from(decodedShare(share!)).equals(all)).toBe(true)
    }
  })

  check('2.0 as 1.0: labels that were in the series before, at the same place, at another, and not', () => {
    const list = [
      { n: '1', tenant: 'a', x: 'y' },
      { n: '1', tenant: 'a', x: 'y' },
      { n: '2', tenant: 'a', x: 'y' },
      { tenant: 'a', x: 'y' },
      { n: '2', tenant: 'a', x: 'y', z: 'longer' },
      { n: '2', tenant: 'a' },
      { n: '2', tenant: 'a', x: 'z', z: 'longer' },
      { n: '2', tenant: 'a', x: 'y', z: 'longer' },
      {},
    ]
    const names = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, 'v']))
    // As many as are remembered, and more; so many series that blocks of the encoder end in the middle of one.
    const counts = [999, 999, 1000, 1001, 1001, 5000, 1000, 10]
    const many = counts.map(count => ({ tenant: 'a', ...names(count) }))
    const long = Array.from({ length: 300 }, (_, i) => ({
      ...names(30),
      tenant: 'a',
      i: `${i % 3}`,
      x: 'y'.repeat(i),
    }))
    const all = [...list, ...many, ...long].map(labels => series(labels))
    const result = splitSeries(split, '2.0', all, { output: '1.0', missing: 'default', defaultTenant: 'a' })
    expect(Buffer.from(decodedShare(result.shares[0]!)).equals(message('1.0', all))).toBe(true)
  })

  check('2.0 as 1.0: samples with any of their fields, in any order, as they came but for the time', () => {
    const times = [0, 1, 127, 128, 2 ** 31, 2n ** 49n - 1n, 2n ** 49n, 2n ** 56n, 2n ** 63n, -1]
    const samples = [
      ...times.map(time => sample(1, time)),
      ...times.map(time => varintField(2, time)),
      ...times.map(time => varintField(2, time, { value: 9 })),
      double(1, 1),
      new Uint8Array(0),
      concat(varintField(2, 7), double(1, 1)),
      concat(sample(1, 7), fixed32(9, 1)),
      concat(sample(1, 7), Uint8Array.of(0x10, 1)),
    ]
    const odd = samples.map(it => concat(it, varintField(3, 0, { value: 4 })))
    for (const given of [samples, odd]) {
      const [share] = splitSeries(split, '2.0', [series({ tenant: 'a' }, { samples: given })], {
        output: '1.0',
      }).shares
      expect(decodedShare(share!)).toEqual(message('1.0', [series({ tenant: 'a' }, { samples })]))
    }
  })

  check('2.0 as 1.0: references of exemplars may be packed, single and torn apart', () => {
    const table = symbols('tenant', 'a', 't', 'v', 'w')
    const rest = double(2, 1)
    const spellings = [
      packed([3, 4, 3, 5]),
      concat(packed([3]), rest, packed([4, 3]), varintField(1, 5)),
      concat(...[3, 4, 3, 5].map(ref => varintField(1, ref)), rest),
    ]
    for (const spelling of spellings) {
      const bytes = concat(table, len(5, concat(packed([1, 2]), len(4, spelling))))
      const [share] = splitBytes(split, '2.0', bytes, { output: '1.0' }).shares
      const labels = concat(label('t', 'v'), label('t', 'w'))
      const hasRest = spelling.length > packed([3, 4, 3, 5]).length
      const exemplar = len(3, hasRest ? concat(labels, rest) : labels)
      expect(decodedShare(share!)).toEqual(len(1, concat(label('tenant', 'a'), exemplar)))
    }
  })

  check('2.0 as 1.0: of several faults in a series the first is found, whatever its references', () => {
    const table = symbols('tenant', 'a')
    const broken = len(2, Uint8Array.of(0x80))
    const wrong = varintField(2, 1)
    const created = len(6, 'x')
    const cutOff = len(4, Uint8Array.of(0x80))
    for (const refs of [packed([1, 2]), varintField(1, 1), packed([9, 9])]) {
      for (const [first, second, at] of [
        [broken, cutOff, 2],
        [cutOff, broken, 2],
        [created, broken, 0],
        [broken, wrong, 2],
        [wrong, created, 0],
      ] as const) {
        const bytes = concat(table, len(5, concat(refs, first, second)))
        const place = bytes.length - first.length - second.length + at
        expectFault(split(push('2.0', bytes), rules({ output: '1.0' })), 'protobuf_malformed', place)
      }
    }
  })

  check('2.0 as 1.0: what would take more than any memory is refused before it is built', () => {
    // 2,048 labels of 2 MiB: a sum of 32 bits would be small again.
    const refs = len(1, concat(Uint8Array.of(1, 2), new Uint8Array(4096).fill(3)))
    const table = symbols('tenant', 'a', 'l'.repeat(2 ** 20))
    const rest = [refs, concat(packed([1, 2]), len(4, refs))]
    for (const contents of rest) {
      const pushed = push('2.0', concat(table, len(5, contents)))
      expectFault(split(pushed, rules({ output: '1.0' })), 'split_output_too_large', 0)
    }
    const many = concat(table, ...new Array<Uint8Array>(2048).fill(len(5, packed([1, 2, 3, 3]))))
    expectFault(split(push('2.0', many), rules({ output: '1.0' })), 'split_output_too_large', 0)
  })
}
