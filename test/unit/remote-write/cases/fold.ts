/** Exemplars that came without samples and histograms, in shares of 2.0: folded, or beside the share as 1.0. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Protocol, Split, SplitRules, SplitShare } from '../../../../src/remote-write/split.ts'
import { decodeMessage, exemplarV1, type SeriesSeen, unsnappy } from '../../../support/decode.ts'
import { expectAsReference } from '../../../support/kernel.ts'
import {
  message,
  packed,
  push,
  rules,
  type SeriesText,
  SymbolTable,
  sample,
  series,
  timeSeriesV2,
} from '../../../support/messages.ts'
import { done, expectFault, splitBytes } from '../../../support/split.ts'
import { concat, len, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'
import { recorded } from './recorded.ts'

const exemplar = (trace: string) => ({ labels: [['trace_id', trace]], rest: varintField(3, 7) }) as const

/** A series with these exemplars and nothing else. */
const lone = (labels: Readonly<Record<string, string>>, traces: readonly string[], more = {}): SeriesText =>
  series(labels, { samples: [], exemplars: traces.map(exemplar), ...more })

const traces = ({ exemplars }: SeriesSeen, protocol: Protocol) =>
  exemplars.map(it => {
    const { labels } = protocol === '2.0' ? it : exemplarV1(Buffer.from(it.rest, 'hex'))
    return labels[0]?.[1]
  })

/** `a/series 2.0: x [1 2], y []` for each share: its series by their label n, with their exemplars. */
function described({ tenant, kind, protocol, body }: SplitShare): string {
  const list = decodeMessage(protocol, unsnappy(body)).series.map(it => {
    const name = it.labels.find(([label]) => label === 'n')?.[1]
    return `${name} [${traces(it, protocol).join(' ')}]`
  })
  return `${tenant}/${kind} ${protocol}: ${list.join(', ')}`
}

export function foldCases(check: Case, split: Split): void {
  for (const from of ['1.0', '2.0'] as const) {
    const as2 = (list: readonly SeriesText[], changes: Partial<SplitRules> = {}) =>
      splitBytes(split, from, message(from, list), { strip: true, output: '2.0', ...changes })

    check(`${from}: an exemplar is folded into the first series with its labels, before it or behind`, () => {
      const { shares, received } = as2([
        lone({ n: 'x', tenant: 'a' }, ['1', '2']),
        series({ n: 'x', tenant: 'a' }),
        series({ n: 'x', tenant: 'a' }),
        series({ n: 'y', tenant: 'a' }),
        lone({ n: 'x', tenant: 'a' }, ['3']),
        lone({ n: 'y', tenant: 'a' }, ['4']),
      ])
      expect(shares.map(described)).toEqual(['a/series 2.0: x [1 2 3], x [], y [4]'])
      expect(shares[0]).toMatchObject({ series: 6, samples: 3, exemplars: 4 })
      expect(received).toMatchObject({ series: 6, samples: 3, exemplars: 4 })
    })

    check(`${from}: exemplars that are there already stay before those that are folded in`, () => {
      const labels = { n: 'x', tenant: 'a' }
      const both = series(labels, { exemplars: [exemplar('1')] })
      expect(as2([lone(labels, ['2']), both]).shares.map(described)).toEqual(['a/series 2.0: x [1 2]'])
    })

    check(`${from}: what finds no series goes beside the share, as 1.0`, () => {
      const list = [
        lone({ n: 'x', tenant: 'a' }, ['1']),
        series({ n: 'y', tenant: 'a' }),
        lone({ n: 'z', tenant: 'b' }, ['2', '3']),
        lone({ n: 'x', tenant: 'a' }, ['4']),
        series({ n: 'w', tenant: 'c' }),
      ]
      const { shares } = as2(list)
      expect(shares.map(described)).toEqual([
        'a/series 2.0: y []',
        'a/aside 1.0: x [1], x [4]',
        'b/aside 1.0: z [2 3]',
        'c/series 2.0: w []',
      ])
      expect(shares.map(it => [it.series, it.samples, it.exemplars])).toEqual([
        [1, 1, 0],
        [2, 0, 2],
        [1, 0, 2],
        [1, 1, 0],
      ])
      for (const { kind, protocol, body, decodedBytes } of shares) {
        expect(unsnappy(body)).toHaveLength(decodedBytes)
        expect(kind === 'aside').toBe(protocol === '1.0')
      }
      expect(as2(list, { strip: false }).shares.map(described)).toEqual(shares.map(described))
    })

    check(
      `${from}: the tenant label does not count where it is removed, and others do, in their order`,
      () => {
        const list = [
          lone({ tenant: 'a', n: 'x', m: '1' }, ['1']),
          lone({ m: '1', n: 'x', tenant: 'a' }, ['2']),
          series({ n: 'x', m: '1', tenant: 'a' }),
        ]
        expect(as2(list).shares.map(described)).toEqual(['a/series 2.0: x [1]', 'a/aside 1.0: x [2]'])
        expect(as2(list, { strip: false }).shares.map(described)).toEqual([
          'a/series 2.0: x []',
          'a/aside 1.0: x [1], x [2]',
        ])
      },
    )

    check(`${from}: a series of nothing at all takes no exemplar in, and stays`, () => {
      const labels = { n: 'x', tenant: 'a' }
      const empty = series(labels, { samples: [] })
      expect(as2([empty, lone(labels, ['1'])]).shares.map(described)).toEqual([
        'a/series 2.0: x []',
        'a/aside 1.0: x [1]',
      ])
      const histogram = series(labels, { samples: [], histograms: [sample(1, 1)] })
      expect(as2([empty, lone(labels, ['1']), histogram]).shares.map(described)).toEqual([
        'a/series 2.0: x [], x [1]',
      ])
    })

    check(`${from}: no series of another tenant takes it in`, () => {
      const list = [lone({ n: 'x', tenant: 'a' }, ['1']), series({ n: 'x', tenant: 'b' })]
      expect(as2(list).shares.map(described)).toEqual(['a/aside 1.0: x [1]', 'b/series 2.0: x []'])
    })

    check(`${from}: shares that go out as 1.0 keep such series where they are`, () => {
      const list = [lone({ n: 'x', tenant: 'a' }, ['1']), series({ n: 'x', tenant: 'a' })]
      expect(as2(list, { output: '1.0' }).shares.map(described)).toEqual(['a/series 1.0: x [1], x []'])
    })

    check(`${from}: what goes beside the shares counts against maxOutputBytes`, () => {
      const list = [
        lone({ n: 'x'.repeat(300), tenant: 'a' }, ['1']),
        series({ n: 'y', tenant: 'a' }),
        lone({ n: 'z', tenant: 'b' }, ['2']),
      ]
      const total = as2(list).shares.reduce((sum, share) => sum + share.decodedBytes, 0)
      expect(as2(list, { maxOutputBytes: total }).shares).toHaveLength(3)
      for (const maxOutputBytes of [total - 1, 300, 0]) {
        const limited = rules({ strip: true, output: '2.0', maxOutputBytes })
        expectFault(split(push(from, message(from, list)), limited), 'split_output_too_large', 0)
      }
    })

    check(`${from}: both shares of a tenant are of its replica, or alone if that differs`, () => {
      const of = (n: string, cluster: string) => ({ n, cluster, tenant: 'a' })
      const same = as2([lone(of('x', 'c'), ['1']), series(of('y', 'c'))]).shares
      expect(same.map(it => [it.kind, it.ha[0], it.alone])).toEqual([
        ['series', 'c', false],
        ['aside', 'c', false],
      ])
      const mixed = as2([lone(of('x', 'd'), ['1']), series(of('y', 'c'))]).shares
      expect(mixed.map(it => [it.kind, it.ha[0], it.alone])).toEqual([
        ['series', 'd', true],
        ['aside', 'd', true],
      ])
    })

    check(`${from}: many series and exemplars of many tenants find each other`, () => {
      const list = Array.from({ length: 900 }, (_, i) => {
        const labels = { n: `${i % 150}`, tenant: `t${i % 3}` }
        return i % 2 === 0 ? series(labels) : lone(labels, [`${i}`])
      })
      const { shares } = as2(list)
      expect(shares.map(it => [it.kind, it.series, it.exemplars])).toEqual([
        ['series', 150, 0],
        ['aside', 150, 150],
        ['series', 150, 0],
        ['aside', 150, 150],
        ['series', 150, 0],
        ['aside', 150, 150],
      ])
      const paired = as2(
        list.map((text, i) => (i % 3 === 2 ? text : { ...text, labels: list[i - (i % 3)]!.labels })),
      )
      expect(paired.received.exemplars).toBe(450)
    })
  }

  const labels = { n: 'x', tenant: 'a' }
  const only = (share: SplitShare | undefined) => decodeMessage('2.0', unsnappy(share!.body)).series

  check('2.0: a push that has no more than one tenant and such a series is written anew', () => {
    const list = [series(labels), lone(labels, ['1'])]
    const [share] = splitBytes(split, '2.0', message('2.0', list)).shares
    expect(only(share)).toHaveLength(1)
  })

  check('2.0: metadata and created timestamp are folded in only where there are none', () => {
    const metadata = (help: string) => ({ type: 1, help, unit: '' })
    const created = (time: number) => varintField(6, time)
    const list = [
      lone(labels, ['1'], { metadata: metadata('one'), more: [created(1), len(9, 'kept')] }),
      lone(labels, ['2'], { metadata: metadata('two'), more: [created(2), len(9, 'too')] }),
      series(labels),
      lone({ n: 'y', tenant: 'a' }, ['3'], { metadata: metadata('three'), more: [created(3)] }),
      series({ n: 'y', tenant: 'a' }, { metadata: metadata('own'), more: [created(4)] }),
    ]
    const [x, y] = only(splitBytes(split, '2.0', message('2.0', list), { strip: true }).shares[0])
    expect(x?.metadata.map(it => it.help)).toEqual(['one'])
    expect(x?.unknown).toBe(
      `3001 ${Buffer.from(len(9, 'kept')).toString('hex')} ${Buffer.from(len(9, 'too')).toString('hex')}`,
    )
    expect(y?.metadata.map(it => it.help)).toEqual(['own'])
    expect(y?.unknown).toBe('3004')
  })

  check('2.0: created timestamps that go beside the share are lost, and counted', () => {
    const list = [
      lone(labels, ['1'], { more: [varintField(6, 5), varintField(6, 0), varintField(7, 5)] }),
      lone({ n: 'y', tenant: 'b' }, ['1'], { more: [varintField(6, 5)] }),
      lone({ n: 'z', tenant: 'c' }, ['1'], { more: [varintField(6, 5)] }),
      series({ n: 'z', tenant: 'c' }),
    ]
    const result = splitBytes(split, '2.0', message('2.0', list), { strip: true })
    expect(result.createdTimestampsLost).toBe(2)
    expect(result.shares.map(described)).toEqual([
      'a/aside 1.0: x [1]',
      'b/aside 1.0: y [1]',
      'c/series 2.0: z [1]',
    ])
  })

  check('2.0: a created timestamp of another type is found where it can not go out', () => {
    const more = [len(6, 'no time')]
    const fine = message('2.0', [lone(labels, ['1'], { more }), series(labels)])
    expect(splitBytes(split, '2.0', fine).shares).toHaveLength(1)
    const bytes = message('2.0', [lone(labels, ['1'], { more })])
    const at = bytes.length - (more[0] as Uint8Array).length
    expectFault(split(push('2.0', bytes), rules()), 'protobuf_malformed', at)
  })

  check('2.0: references in other records than one packed are the same labels', () => {
    const table = concat(...['', 'n', 'x', 'tenant', 'a'].map(text => len(4, text)))
    const [one] = [len(4, varintField(3, 1))]
    const torn = len(5, concat(packed([1, 2]), one, varintField(1, 3), varintField(1, 4)))
    const late = len(5, concat(len(2, sample(1, 1)), packed([1, 2, 3]), packed([4])))
    const { shares } = splitBytes(split, '2.0', concat(table, torn, late), { strip: true })
    expect(shares.map(it => [it.kind, it.exemplars])).toEqual([['series', 1]])
    expect(only(shares[0])).toMatchObject([{ labels: [['n', 'x']], exemplarCount: 1 }])
  })

  check('2.0: labels that are spelled by other symbols may not be found, and lose nothing', () => {
    const symbols = ['', 'n', 'x', 'tenant', 'a', 'x'].map(text => len(4, text))
    const host = len(5, concat(packed([3, 4, 1, 2]), len(2, sample(1, 1))))
    const other = len(5, concat(packed([3, 4, 1, 5]), len(4, varintField(3, 1))))
    const { shares } = splitBytes(split, '2.0', concat(...symbols, host, other), { strip: true })
    expect(shares.map(it => [it.kind, it.exemplars])).toEqual([
      ['series', 0],
      ['aside', 1],
    ])
  })

  check('2.0: fields beside the series go into the share, and not beside it', () => {
    const bytes = concat(
      message('2.0', [series(labels), lone({ n: 'y', tenant: 'a' }, ['1'])]),
      varintField(9, 1),
    )
    const { shares } = splitBytes(split, '2.0', bytes)
    expect(shares.map(it => it.alone)).toEqual([true, false])
    expect(shares.map(it => decodeMessage(it.protocol, unsnappy(it.body)).options)).toEqual(['4801', ''])
  })

  check('prometheus-3.5/rw2/001: every exemplar is folded into its series', () => {
    const { shares } = done(split(recorded('prometheus-3.5/rw2/001', 'snappy', '2.0'), BY_DEFAULT))
    const list = shares.flatMap(share => decodeMessage(share.protocol, unsnappy(share.body)).series)
    expect(shares.every(it => it.kind === 'series')).toBe(true)
    expect(shares.reduce((sum, it) => sum + it.series, 0)).toBe(38)
    expect(list).toHaveLength(26)
    expect(list.filter(it => it.exemplarCount === 1)).toHaveLength(12)
    expect(list.every(it => it.samples.length + it.histograms.length > 0)).toBe(true)
  })

  check('prometheus-3.5/rw1/001: the same of a push of 1.0 that goes out as 2.0', () => {
    const of1 = recorded('prometheus-3.5/rw1/001', 'snappy', '1.0')
    const { shares } = done(split(of1, { ...BY_DEFAULT, output: '2.0' }))
    const list = shares.flatMap(share => decodeMessage(share.protocol, unsnappy(share.body)).series)
    expect(shares.map(it => [it.kind, it.protocol])).toEqual(shares.map(() => ['series', '2.0']))
    expect(list).toHaveLength(26)
    expect(list.filter(it => it.exemplarCount === 1)).toHaveLength(12)
  })
}

const BY_DEFAULT = rules({ strip: true, missing: 'default', defaultTenant: 'none' })

/** What only the kernel has: tables that are full in the middle of all this. `start` gives one with the first tables. */
export function foldTableCases(engine: string, start: () => Split): void {
  let split: Split
  beforeEach(() => {
    split = start()
  })

  describe(`${engine}: tables that are full when exemplars are folded`, () => {
    // Rows of a series take 32 bytes, or 36 where it came as 1.0; there are 64 KiB for them at first.
    const FULL = { '2.0': Math.floor(65_536 / 32), '1.0': Math.floor(65_536 / 36) }
    for (const from of ['1.0', '2.0'] as const) {
      for (const [few, many] of [
        [1, 5],
        [2, 5],
        [3, 6],
      ] as const) {
        it(`${from}: with ${few} exemplars`, () => {
          for (let missing = 0; missing <= many; missing++) {
            const hosts = FULL[from] - missing - few
            const list = Array.from({ length: hosts }, () => series({ tenant: 'a' }))
            const more = Array.from({ length: few }, (_, i) => lone({ n: `${i}`, tenant: 'a' }, ['1']))
            const bytes = shortest(from, [...list, ...more])
            split = start()
            const result = done(expectAsReference(split, push(from, bytes), rules({ output: '2.0' })))
            expect(result.shares.map(it => it.series)).toEqual([hosts, few])
          }
        })
      }
    }

    it('2.0: an aside share that is longer than what there is room for', () => {
      const long = 'y'.repeat(5000)
      const symbols = new SymbolTable()
      const records = Array.from({ length: 200 }, (_, i) =>
        timeSeriesV2(lone({ n: `${i}`, long, tenant: 'a' }, ['1']), symbols),
      )
      const bytes = concat(symbols.records(), ...records)
      const result = done(expectAsReference(split, push('2.0', bytes), rules({ compression: 'none' })))
      expect(result.shares.map(it => it.kind)).toEqual(['aside'])
      expect(result.shares[0]?.decodedBytes).toBeGreaterThan(1_000_000)
    })
  })
}

/** Without samples' contents, so that rows take more room than the message. */
function shortest(from: Protocol, list: readonly SeriesText[]): Uint8Array {
  return message(
    from,
    list.map(it => ({ ...it, samples: it.samples ?? [new Uint8Array(0)] })),
  )
}
