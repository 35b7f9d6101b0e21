import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import {
  label,
  message,
  metadata,
  push,
  rules,
  sample,
  series,
  timeSeries,
} from '../../../support/messages.ts'
import {
  decodedShare,
  done,
  expectFault,
  labelsSeen,
  refusalsSeen,
  seen,
  splitBytes,
  splitSeries,
} from '../../../support/split.ts'
import { concat, double, fixed32, fixed64, len, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'
import { PROTOCOLS } from './protocols.ts'

export function shareCases(check: Case, split: Split): void {
  for (const protocol of PROTOCOLS) {
    check(`${protocol}: counts are of shares, refusals and the push, and add up`, () => {
      const list = [
        series({ tenant: 'a' }, { samples: [sample(1, 1), sample(2, 2)] }),
        series({ tenant: 'b' }, { samples: [], histograms: [new Uint8Array(2)] }),
        series(
          { tenant: 'a' },
          { exemplars: [{ labels: [['t', '1']], rest: concat(double(2, 1), varintField(3, 1)) }] },
        ),
        series({}, { samples: [sample(1, 1)] }),
        series({ tenant: 'a' }, { samples: [] }),
      ]
      const result = splitSeries(split, protocol, list)
      expect(result.shares).toMatchObject([
        { tenant: 'a', series: 3, samples: 3, histograms: 0, exemplars: 1, metadata: 0 },
        { tenant: 'b', series: 1, samples: 0, histograms: 1, exemplars: 0, metadata: 0 },
      ])
      expect(result.refusals).toMatchObject([{ series: 1, samples: 1 }])
      expect(result.received).toEqual({ series: 5, samples: 4, histograms: 1, exemplars: 1, metadata: 0 })
      expect(result.decodedBytes).toBe(message(protocol, list).length)
    })

    check(`${protocol}: series with equal labels stay in the order in which they came`, () => {
      const list = [3, 1, 2].flatMap(value => {
        return ['a', 'b'].map(tenant => series({ m: '1', tenant }, { samples: [sample(value, value)] }))
      })
      const result = seen(splitSeries(split, protocol, list, { strip: true }), protocol)
      const expected = [3, 1, 2].map(value => Buffer.from(sample(value, value)).toString('hex'))
      for (const tenant of ['a', 'b']) {
        expect(result[tenant]?.series.flatMap(it => it.samples)).toEqual(expected)
      }
    })

    check(`${protocol}: a push of one tenant leaves untouched, unless something has to change`, () => {
      const list = [series({ a: '1', tenant: 't' }), series({ tenant: 't' })]
      const pushed = push(protocol, message(protocol, list))
      // Literal-only, so that a body that was compressed again would differ.
      const literal = done(split(pushed, rules({ compression: 'none' }))).shares[0]?.body as Uint8Array
      const again = (changes: Parameters<typeof rules>[0]) => {
        return done(split({ ...pushed, body: literal }, rules(changes))).shares[0]
      }
      expect(again({})?.body).toEqual(literal)
      expect(again({ prefix: 'p' })?.body).toEqual(literal)
      expect(again({ prefix: 'p' })?.tenant).toBe('pt')
      expect(again({ strip: true })?.body).not.toEqual(literal)
      expect(again({})).toMatchObject({ series: 2, samples: 2, decodedBytes: message(protocol, list).length })
      expect(again({ labels: ['a'], missing: 'drop' })?.series).toBe(1)
    })

    check(`${protocol}: the HA values are those of the first series as it goes out`, () => {
      const list = [
        series({ __replica__: 'r1', cluster: 'c1', tenant: 'a' }),
        series({ cluster: 'c2', tenant: 'b' }),
        series({ __replica__: 'r1', cluster: 'c1', tenant: 'a', z: '1' }),
        series({ __replica__: 'r2', cluster: 'c2', tenant: 'b' }),
      ]
      expect(splitSeries(split, protocol, list).shares).toMatchObject([
        { tenant: 'a', ha: ['c1', 'r1'], alone: false },
        { tenant: 'b', ha: ['c2', ''], alone: true },
      ])
      expect(splitSeries(split, protocol, list, { haLabels: [] }).shares).toMatchObject([
        { ha: [], alone: false },
        { ha: [], alone: false },
      ])
      const byCluster = { labels: ['cluster'], strip: true }
      expect(splitSeries(split, protocol, list.slice(0, 1), byCluster).shares).toMatchObject([
        { tenant: 'c1', ha: ['', 'r1'], alone: false },
      ])
    })

    check(`${protocol}: an HA label that repeats counts where it stands last`, () => {
      const labels = [
        ['cluster', '1'],
        ['tenant', 'a'],
        ['cluster', '2'],
      ] as const
      expect(splitSeries(split, protocol, [{ labels }]).shares[0]?.ha).toEqual(['2', ''])
    })

    check(`${protocol}: a share that has an HA value of more than 2,048 bytes travels alone`, () => {
      const of = (tenant: string, cluster: string) => series({ cluster, tenant })
      const [longest, long] = ['c'.repeat(2048), 'c'.repeat(2049)]
      const list = [
        of('a', longest),
        of('b', long),
        of('c', longest),
        of('a', longest),
        of('b', long),
        of('c', long),
        of('d', long),
      ]
      expect(splitSeries(split, protocol, list).shares).toMatchObject([
        { tenant: 'a', ha: [longest, ''], alone: false },
        { tenant: 'b', ha: ['', ''], alone: true },
        { tenant: 'c', ha: [longest, ''], alone: true },
        { tenant: 'd', ha: ['', ''], alone: true },
      ])
    })

    check(
      `${protocol}: a share whose HA value is no UTF-8 travels alone, since its text does not tell it apart`,
      () => {
        const labels = [
          ['cluster', Uint8Array.of(0xff)],
          ['tenant', 'a'],
        ] as const
        expect(splitSeries(split, protocol, [{ labels }]).shares).toMatchObject([
          { ha: ['\ufffd', ''], alone: true },
        ])
        const replaced = [
          ['cluster', '\ufffd'],
          ['tenant', 'a'],
        ] as const
        expect(splitSeries(split, protocol, [{ labels: replaced }]).shares).toMatchObject([{ alone: false }])
      },
    )

    check(`${protocol}: the shares together may not exceed maxOutputBytes`, () => {
      const list = ['a', 'b', 'c'].map(tenant => series({ tenant, filler: 'f'.repeat(100) }))
      const total = splitSeries(split, protocol, list).shares.reduce(
        (sum, share) => sum + share.decodedBytes,
        0,
      )
      const limited = (maxOutputBytes: number) =>
        split(push(protocol, message(protocol, list)), rules({ maxOutputBytes }))
      expect(limited(total).ok).toBe(true)
      expectFault(limited(total - 1), 'split_output_too_large', 0)
      expectFault(limited(0), 'split_output_too_large', 0)
      const whole = message(protocol, list.slice(0, 1))
      const untouched = (maxOutputBytes: number) => split(push(protocol, whole), rules({ maxOutputBytes }))
      expect(untouched(whole.length).ok).toBe(true)
      expectFault(untouched(whole.length - 1), 'split_output_too_large', 0)
    })

    check(`${protocol}: lengths on both sides of a varint’s width survive`, () => {
      for (const length of [0, 1, 126, 127, 128, 16_383, 16_384, 2 ** 21 - 1, 2 ** 21]) {
        const value = 'v'.repeat(length)
        const list = [series({ tenant: 'a', value }), series({ tenant: 'b' })]
        const labels = seen(splitSeries(split, protocol, list, { strip: true }), protocol).a?.series[0]
          ?.labels
        // Compared by hand, because a failure should not print megabytes.
        expect(labels?.length === 1 && labels[0]?.[1] === value, `${length} bytes`).toBe(true)
      }
    })

    check(`${protocol}: splitting does not change the push`, () => {
      const pushed = push(protocol, message(protocol, [series({ tenant: 'a' }), series({ tenant: 'b' })]))
      const before = pushed.body.slice()
      split(pushed, rules({ strip: true }))
      expect(pushed.body).toEqual(before)
    })
  }
  writeRequestCases(check, split)
}

function writeRequestCases(check: Case, split: Split): void {
  const a = timeSeries(series({ tenant: 'a' }))
  const b = timeSeries(series({ tenant: 'b' }))

  check('1.0: metadata is dropped, or goes to the default tenant in its place among the series', () => {
    const bytes = concat(metadata('m1', 'one'), a, metadata('m2', 'two'), b)
    const dropped = splitBytes(split, '1.0', bytes)
    expect(dropped.received).toMatchObject({ series: 2, metadata: 2 })
    expect(dropped.shares.map(share => share.metadata)).toEqual([0, 0])
    const kept = splitBytes(split, '1.0', bytes, { metadata: 'default', defaultTenant: 'b' })
    expect(kept.shares).toMatchObject([
      { tenant: 'b', series: 1, metadata: 2 },
      { tenant: 'a', series: 1, metadata: 0 },
    ])
    expect(decodedShare(kept.shares[0]!)).toEqual(concat(metadata('m1', 'one'), metadata('m2', 'two'), b))
    expect(
      splitBytes(split, '1.0', bytes, { metadata: 'default' }).shares.map(share => share.metadata),
    ).toEqual([0, 0])
  })

  check('1.0: metadata alone makes a share of the default tenant', () => {
    const bytes = metadata('m', 'help')
    expect(splitBytes(split, '1.0', bytes).shares).toEqual([])
    const rule = { metadata: 'default', defaultTenant: 'd', prefix: 'p-' } as const
    expect(splitBytes(split, '1.0', bytes, rule).shares).toMatchObject([
      { tenant: 'p-d', series: 0, metadata: 1, ha: ['', ''], alone: false },
    ])
    const invalid = splitBytes(split, '1.0', bytes, { ...rule, prefix: '/' })
    expect(invalid.refusals).toMatchObject([{ reason: 'invalid_tenant', series: 0, metadata: 1 }])
    const full = splitBytes(split, '1.0', concat(a, bytes), { ...rule, maxTenants: 1 })
    expect(full.refusals).toMatchObject([{ reason: 'too_many_tenants', series: 0, metadata: 1 }])
  })

  check('1.0: a share is the entries of its tenant as they came, then the other fields of the push', () => {
    const options = [varintField(2, 1), len(1000, 'option'), fixed32(17, 9)] as const
    const oddTag = timeSeries(series({ tenant: 'a', odd: 'tag' }))
    const odd = concat(Uint8Array.of(0x8a, 0x00), oddTag.subarray(1))
    const bytes = concat(options[0], a, options[1], b, odd, options[2])
    const result = splitBytes(split, '1.0', bytes)
    expect(result.shares.map(decodedShare)).toEqual([concat(a, odd, ...options), concat(b, ...options)])
    expect(result.shares.map(share => share.alone)).toEqual([true, true])
  })

  check('1.0: fields beside the entries make no share', () => {
    expect(splitBytes(split, '1.0', varintField(2, 1)).shares).toEqual([])
  })

  check('1.0: a series that loses its label keeps every other byte', () => {
    const before = concat(fixed64(77, 0x7ff0000000000002n), label('b', '1'))
    const strange = len(1, concat(len(2, ''), len(9, 'unknown'), len(1, 'c', { tag: 3, length: 2 })))
    const after = concat(
      len(2, sample(Number.NaN, -1n)),
      strange,
      varintField(9, 2n ** 64n - 1n, { value: 10 }),
    )
    const bytes = len(1, concat(before, label('tenant', 'a'), after), { tag: 2, length: 5 })
    const [share] = splitBytes(split, '1.0', bytes, { strip: true }).shares
    expect(decodedShare(share!)).toEqual(len(1, concat(before, after)))
  })

  check('1.0: a label is read as every decoder reads it', () => {
    const spellings: readonly (readonly [title: string, label: Uint8Array])[] = [
      ['value before name', len(1, concat(len(2, 'a'), len(1, 'tenant')))],
      ['name repeated', len(1, concat(len(1, 'x'), len(1, 'tenant'), len(2, 'a')))],
      ['value repeated', len(1, concat(len(2, 'x'), len(1, 'tenant'), len(2, 'a')))],
      ['both repeated', len(1, concat(len(2, '/'), len(1, ''), len(2, 'a'), len(1, 'tenant')))],
      [
        'unknown fields',
        len(1, concat(varintField(3, 1), len(1, 'tenant'), fixed32(4, 1), len(2, 'a'), fixed64(5, 1n))),
      ],
      ['long tags', len(1, concat(len(1, 'tenant', { tag: 5 }), len(2, 'a', { tag: 10 })))],
      [
        'long lengths',
        len(1, concat(len(1, 'tenant', { length: 10 }), len(2, 'a', { length: 4 })), { length: 6 }),
      ],
      ['a long tag of its own', len(1, concat(len(1, 'tenant'), len(2, 'a')), { tag: 4 })],
    ]
    for (const [title, spelling] of spellings) {
      const bytes = len(1, concat(label('b', '1'), spelling, len(2, sample(1, 1))))
      const result = splitBytes(split, '1.0', bytes, { strip: true })
      expect({ title, ...labelsSeen(result, '1.0') }).toEqual({ title, a: ['b=1'] })
    }
    const hidden = len(1, concat(len(1, 'tenant'), len(2, 'a'), len(1, 'other')))
    expect(refusalsSeen(splitBytes(split, '1.0', len(1, hidden)))).toEqual(['missing_tenant 1 ""'])
    const nameOnly = len(1, len(1, 'tenant'))
    expect(refusalsSeen(splitBytes(split, '1.0', len(1, nameOnly)))).toEqual(['missing_tenant 1 ""'])
    expect(refusalsSeen(splitBytes(split, '1.0', len(1, '')))).toEqual(['missing_tenant 1 ""'])
  })
}
