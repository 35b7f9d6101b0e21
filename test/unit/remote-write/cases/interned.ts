/** Pushes of 1.0 that go out as 2.0, where they are long or odd, or would be let through as they are. */
import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import { label, message, push, rules, type SeriesText, sample, series } from '../../../support/messages.ts'
import { decodedShare, expectFault, seen, splitBytes, splitSeries } from '../../../support/split.ts'
import { concat, double, len, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'

const SAMPLE = len(2, sample(1, 1000))
const EXEMPLAR_REST = concat(double(2, 1), varintField(3, 5))

export function internedCases(check: Case, split: Split): void {
  /** The only share is the message that a sender of 2.0 would have made of these series. */
  const expectAs = (pushed: Uint8Array, list: readonly SeriesText[]) => {
    const { shares } = splitBytes(split, '1.0', pushed, { output: '2.0' })
    expect(shares).toMatchObject([{ tenant: 'a', protocol: '2.0', kind: 'series', series: list.length }])
    expect(Buffer.from(decodedShare(shares[0]!)).equals(message('2.0', list))).toBe(true)
  }
  const expectSame = (list: readonly SeriesText[]) => expectAs(message('1.0', list), list)

  check('1.0 as 2.0: a push that would go out as it came does not', () => {
    const list = [series({ tenant: 'a' })]
    expectSame(list)
    const [same] = splitSeries(split, '1.0', list, { output: '1.0' }).shares
    expect(same).toEqual(splitSeries(split, '1.0', list).shares[0])
  })

  check('1.0 as 2.0: each tenant has a table of its own, in order of its own first use', () => {
    const list = ['a', 'b', 'a', 'b'].map((tenant, i) => {
      return series({ __name__: `m${i % 3}`, cluster: tenant, tenant, z: 'm0' })
    })
    const result = splitSeries(split, '1.0', list, { output: '2.0', strip: true })
    const shares = seen(result, '2.0')
    expect(shares.a?.symbols).toEqual(['', '__name__', 'm0', 'cluster', 'a', 'z', 'm2'])
    expect(shares.b?.symbols).toEqual(['', '__name__', 'm1', 'cluster', 'b', 'z', 'm0'])
    expect(result.shares).toMatchObject([
      { ha: ['a', ''], alone: false },
      { ha: ['b', ''], alone: false },
    ])
  })

  check('1.0 as 2.0: labels that look like the one at their place in the series before', () => {
    const tenant = ['tenant', 'a'] as const
    expectSame([
      { labels: [['name', 'value'], tenant] },
      { labels: [['name', 'value'], tenant] },
      { labels: [['name', 'other'], tenant] },
      { labels: [['nama', 'value'], tenant] },
      { labels: [['name', 'longer value'], tenant] },
      { labels: [['na', 'me-value'], tenant] },
      { labels: [['', ''], tenant] },
      { labels: [['', 'value'], tenant] },
      { labels: [tenant, ['name', 'value']] },
    ])
  })

  check('1.0 as 2.0: a label that is written as nobody does, beside one that is', () => {
    const plain = label('name', 'value')
    const odd = [
      len(1, concat(len(1, 'name'), len(2, 'value'), len(1, 'other'))),
      len(1, concat(len(1, 'name'), len(1, 'other'), len(2, 'value'))),
      len(1, concat(len(2, 'value'), len(1, 'other'))),
      len(1, concat(len(1, 'other', { length: 2 }), len(2, 'value'))),
      len(1, concat(len(1, 'other'), len(2, 'value', { tag: 2 }))),
      len(1, concat(len(1, 'other'), len(2, 'value')), { length: 3 }),
    ]
    const tenant = label('tenant', 'a')
    const records = odd.flatMap(it => [it, plain, it]).map(it => len(1, concat(it, tenant, SAMPLE)))
    const list = odd
      .flatMap(() => ['other', 'name', 'other'])
      .map(name => series({ [name]: 'value', tenant: 'a' }))
    expectAs(concat(...records), list)
    const nothing = [len(1, new Uint8Array(0)), len(1, len(1, 'only')), len(1, len(2, 'only'))]
    expectAs(len(1, concat(...nothing, tenant, SAMPLE)), [
      {
        labels: [
          ['', ''],
          ['only', ''],
          ['', 'only'],
          ['tenant', 'a'],
        ],
      },
    ])
  })

  check('1.0 as 2.0: names and values of any length, and more labels than are remembered', () => {
    for (const length of [1, 15, 16, 17, 63, 64, 65, 127, 128, 300, 20_000]) {
      const long = 'l'.repeat(length)
      const other = `${long.slice(1)}m`
      expectSame([
        series({ [long]: other, tenant: 'a', [`${long}x`]: long }),
        series({ [other]: other, tenant: 'a', x: long }),
        series({ [other]: long, tenant: 'a', x: long }),
      ])
    }
    const many = Array.from({ length: 600 }, (_, i) => [`n${i % 450}`, `v${i % 7}`] as const)
    const tenant = ['tenant', 'a'] as const
    expectSame([{ labels: [...many, tenant] }, { labels: [tenant, ...many] }, { labels: [...many, tenant] }])
  })

  check('1.0 as 2.0: labels behind and among the other fields come first', () => {
    const exemplar = len(3, concat(EXEMPLAR_REST, label('trace', 'x'), label('tenant', 'y')))
    const contents = concat(
      SAMPLE,
      label('n', 'v'),
      exemplar,
      label('tenant', 'a'),
      SAMPLE,
      label('x', 'trace'),
    )
    const samples = [sample(1, 1000), sample(1, 1000)]
    const labels = [
      ['n', 'v'],
      ['tenant', 'a'],
      ['x', 'trace'],
    ] as const
    const exemplars = [
      {
        labels: [
          ['trace', 'x'],
          ['tenant', 'y'],
        ],
        rest: EXEMPLAR_REST,
      },
    ] as const
    const { shares } = splitBytes(split, '1.0', len(1, contents), { output: '2.0' })
    const expected = seen(splitSeries(split, '2.0', [{ labels, samples, exemplars }]), '2.0')
    expect(seen({ ...splitBytes(split, '1.0', len(1, contents)), shares }, '2.0')).toEqual(expected)
  })

  check('1.0 as 2.0: the label that named the tenant is left out wherever it stands', () => {
    const n = label('n', 'v')
    const tenant = label('tenant', 'a')
    const long = label('l'.repeat(200), 'v')
    for (const contents of [
      concat(tenant, n, SAMPLE),
      concat(n, tenant, SAMPLE),
      concat(n, SAMPLE, tenant),
      concat(SAMPLE, tenant, n),
      concat(n, len(1, concat(len(1, 'tenant'), len(2, 'a')), { length: 3 }), SAMPLE),
    ]) {
      const twice = concat(len(1, contents), len(1, concat(long, contents)))
      const result = seen(splitBytes(split, '1.0', twice, { output: '2.0', strip: true }), '2.0')
      expect(result.a?.series.map(it => it.labels)).toEqual([
        [['n', 'v']],
        [
          ['l'.repeat(200), 'v'],
          ['n', 'v'],
        ],
      ])
      expect(result.a?.symbols).not.toContain('tenant')
    }
  })

  check(
    '1.0 as 2.0: many exemplars, with many labels and none, beside samples and histograms of any length',
    () => {
      const exemplars = [0, 1, 70, 3].map(count => ({
        labels: Array.from({ length: count }, (_, i) => [`n${i}`, `v${i % 5}`] as const),
        rest: EXEMPLAR_REST,
      }))
      const long = len(9, 'x'.repeat(300))
      expectSame([{ labels: [['tenant', 'a']], samples: [sample(1, 1), concat(sample(2, 2), long)] }])
      const text = series({ tenant: 'a' }, { samples: [], histograms: [long, sample(1, 1)], exemplars })
      const result = seen(splitSeries(split, '1.0', [text, text], { output: '2.0' }), '2.0')
      expect(result).toEqual(seen(splitSeries(split, '2.0', [text, text]), '2.0'))
    },
  )

  check('1.0 as 2.0: series of all sizes one after the other', () => {
    const sizes = [0, 200, 1, 20_000, 3, 100, 101, 0]
    expectSame(
      sizes.map(size =>
        series({ tenant: 'a' }, { samples: [concat(sample(1, 1), len(9, 'x'.repeat(size)))] }),
      ),
    )
  })

  check('1.0 as 2.0: of several faults in a series the first is found', () => {
    const broken = len(3, Uint8Array.of(0x80))
    const long = len(3, concat(len(9, 'x'.repeat(200)), Uint8Array.of(0x80)))
    const wrong = len(3, varintField(1, 1))
    const noLabel = len(1, Uint8Array.of(0x80))
    for (const [first, second, at] of [
      [broken, noLabel, 2],
      [noLabel, broken, 2],
      [wrong, broken, 2],
      [long, wrong, long.length - 1],
    ] as const) {
      const bytes = len(1, concat(label('tenant', 'a'), first, second))
      const place = bytes.length - first.length - second.length + at
      expectFault(split(push('1.0', bytes), rules({ output: '2.0' })), 'protobuf_malformed', place)
    }
  })
}
