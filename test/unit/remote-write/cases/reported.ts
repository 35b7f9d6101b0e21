/** What is reported of metric families beside the shares. */
import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import { metadata, rules, series, timeSeries } from '../../../support/messages.ts'
import { done, seen, splitBytes, splitSeries } from '../../../support/split.ts'
import { concat, len, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'
import { recorded } from './recorded.ts'

const named = (tenant: string, name: string) => series({ __name__: name, tenant })

export function reportedCases(check: Case, split: Split): void {
  check('1.0: metadata that is reported is handed out record by record, and is in no share', () => {
    const [one, other] = [metadata('m1', 'one'), metadata('m2', 'two')]
    const bytes = concat(one, timeSeries(named('a', 'up')), other)
    const result = splitBytes(split, '1.0', bytes, { metadata: 'report', defaultTenant: 'd' })
    expect(result.shares).toMatchObject([{ tenant: 'a', series: 1, metadata: 0 }])
    expect(result.received).toMatchObject({ series: 1, metadata: 2 })
    expect(result.reported.names).toEqual([])
    expect(result.reported.entries.map(({ family, record }) => [family, [...record]])).toEqual([
      ['m1', [...one]],
      ['m2', [...other]],
    ])
    expect(splitBytes(split, '1.0', bytes).reported.entries).toEqual([])
  })

  check('1.0: a metadata entry whose name is none that can be read has the empty one', () => {
    const records = [
      len(3, varintField(1, 1)),
      len(3, Uint8Array.of(0x12, 9)),
      len(3, len(2, Uint8Array.of(0xff, 0xfe))),
      len(3, len(2, 'n'.repeat(513))),
      len(3, varintField(2, 1)),
      len(3, concat(len(2, 'first'), len(2, 'last'))),
    ]
    const { entries } = splitBytes(split, '1.0', concat(...records), { metadata: 'report' }).reported
    expect(entries.map(({ family }) => family)).toEqual(['', '', '', '', '', 'last'])
    expect(entries.map(({ record }) => [...record])).toEqual(records.map(record => [...record]))
  })

  check('2.0: a help text or unit of more than 4,096 bytes counts as none', () => {
    const of = (name: string, type: number, help: string, unit: string) =>
      series({ __name__: name, tenant: 'a' }, { metadata: { type, help, unit } })
    const [longest, long] = ['h'.repeat(4096), 'h'.repeat(4097)]
    const list = [
      of('m1', 1, longest, long),
      of('m2', 1, long, longest),
      of('m3', 0, long, long),
      of('n'.repeat(513), 1, 'help', ''),
    ]
    expect(splitSeries(split, '2.0', list, { families: 'metadata' }).reported.families).toEqual([
      {
        tenant: 'a',
        families: [
          { name: 'm1', type: 1, help: longest, unit: '' },
          { name: 'm2', type: 1, help: '', unit: longest },
        ],
      },
    ])
  })

  check('2.0: families take no more than the shares may', () => {
    const of = (tenant: string, name: string, help: string) =>
      series({ __name__: name, tenant }, { metadata: { type: 1, help, unit: '' } })
    const help = 'h'.repeat(2000)
    const list = [
      of('a', 'm1', help),
      of('a', 'm1', help),
      of('b', 'm1', help),
      of('a', 'm2', help),
      of('a', 'm3', 'short'),
    ]
    const { families } = splitSeries(split, '2.0', list, {
      families: 'metadata',
      maxOutputBytes: 5000,
    }).reported
    const seen = families.map(({ tenant, families }) => [tenant, families.map(it => it.name)])
    expect(seen).toEqual([
      ['a', ['m1', 'm3']],
      ['b', ['m1']],
    ])
  })

  check('1.0: the names of series are reported once for each tenant, in order of the shares', () => {
    const list = [
      series({ tenant: 'a' }),
      named('b', 'up'),
      named('a', 'down'),
      named('a', 'up'),
      named('b', 'up'),
      series({ tenant: 'c', __name__: '' }),
      series({ __name__: 'lost' }),
      series({ tenant: 'b', __name__: 'n'.repeat(600) }),
      {
        labels: [
          ['tenant', 'b'],
          ['__name__', Uint8Array.of(0xff)],
        ] as const,
      },
      {
        labels: [
          ['__name__', 'first'],
          ['__name__', 'last'],
          ['tenant', 'a'],
        ] as const,
      },
    ]
    const { names, families } = splitSeries(split, '1.0', list, { families: 'names' }).reported
    expect(names).toEqual([
      { tenant: 'a', names: ['down', 'up', 'last'] },
      { tenant: 'b', names: ['up'] },
    ])
    expect(families).toEqual([])
    expect(splitSeries(split, '1.0', list).reported.names).toEqual([])
    expect(splitSeries(split, '1.0', list, { families: 'metadata' }).reported.names).toEqual([])
  })

  check('1.0: names are reported where the tenant label or an HA label is the name itself', () => {
    const list = [series({ __name__: 'a' }), series({ __name__: 'b' })]
    const changes = { labels: ['__name__'], haLabels: ['__name__'], families: 'names', strip: true } as const
    expect(splitSeries(split, '1.0', list, changes).reported.names).toEqual([
      { tenant: 'a', names: ['a'] },
      { tenant: 'b', names: ['b'] },
    ])
  })

  check('1.0: more names than any table holds are all reported, each once', () => {
    const list = Array.from({ length: 6000 }, (_, i) => named(`t${i % 3}`, `metric_${i % 3000}`))
    const { names } = splitSeries(split, '1.0', list, { families: 'names' }).reported
    expect(names.map(({ tenant, names }) => [tenant, names.length, names[1]])).toEqual([
      ['t0', 1000, 'metric_3'],
      ['t1', 1000, 'metric_4'],
      ['t2', 1000, 'metric_5'],
    ])
  })

  check('2.0: the families that series describe are reported once for each tenant', () => {
    const of = (tenant: string, name: string, type: number, help = '', unit = '') => {
      return series({ __name__: name, tenant }, { metadata: { type, help, unit } })
    }
    const list = [
      of('a', 'h_bucket', 3, 'a histogram', 's'),
      of('a', 'h_sum', 3, 'a histogram', 's'),
      of('b', 'h_count', 3, 'a histogram', 's'),
      of('a', 'g_gsum', 4, 'gauges'),
      of('a', 's_sum', 5, 'a summary'),
      of('a', 's', 5, 'a summary'),
      of('a', 'c_total', 1, 'a counter'),
      of('a', 'c_total', 1, 'another help'),
      of('a', 'nothing', 0),
      of('a', 'unit_only', 0, '', 'bytes'),
      of('a', '_sum', 5, 'all suffix'),
      series({ tenant: 'a', __name__: 'without' }),
      series({ tenant: 'a' }, { metadata: { type: 1, help: 'no name', unit: '' } }),
    ]
    const { names, families } = splitSeries(split, '2.0', list, { families: 'metadata' }).reported
    expect(names).toEqual([])
    expect(families.map(({ tenant }) => tenant)).toEqual(['a', 'b'])
    expect(
      families[0]?.families.map(({ name, type, help, unit }) => [name, type, help, unit].join(' ')),
    ).toEqual([
      'h 3 a histogram s',
      'g 4 gauges ',
      's 5 a summary ',
      'c_total 1 a counter ',
      'c_total 1 another help ',
      'unit_only 0  bytes',
      '_sum 5 all suffix ',
    ])
    expect(families[1]?.families).toEqual([{ name: 'h', type: 3, help: 'a histogram', unit: 's' }])
    expect(splitSeries(split, '2.0', list, { families: 'names' }).reported.families).toEqual([])
  })

  check('2.0: metadata in several records, and in fields of a wrong kind, is read as decoders do', () => {
    const odd = [len(5, varintField(1, 2)), len(5, concat(len(1, 'x'), varintField(4, 4))), varintField(9, 1)]
    const list = [series({ __name__: 'm', tenant: 'a' }, { more: odd })]
    const { families } = splitSeries(split, '2.0', list, { families: 'metadata' }).reported
    expect(families).toEqual([{ tenant: 'a', families: [{ name: 'm', type: 2, help: '', unit: 'a' }] }])
  })

  check('the names of a recorded push are reported without a change to its shares', () => {
    const push = recorded('prometheus-3.14/rw1/001', 'snappy', '1.0')
    const plain = done(split(push, rules({ strip: true })))
    const asked = done(split(push, rules({ strip: true, families: 'names', metadata: 'report' })))
    expect(asked.shares).toEqual(plain.shares)
    const expected = Object.entries(seen(plain, '1.0')).map(([tenant, { series }]) => {
      const names = series.map(({ labels }) => labels.find(([name]) => name === '__name__')?.[1])
      return { tenant, names: [...new Set(names)] }
    })
    expect(asked.reported.names).toEqual(expected)
  })
}
