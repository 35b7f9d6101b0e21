import { expect } from 'vitest'
import type { Protocol, Split, SplitRules } from '../../../../src/remote-write/split.ts'
import { type SeriesText, series } from '../../../support/messages.ts'
import { labelsSeen, refusalsSeen, splitSeries } from '../../../support/split.ts'
import type { Text } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'
import { PROTOCOLS } from './protocols.ts'

export function tenantCases(check: Case, split: Split): void {
  for (const protocol of PROTOCOLS)
    tenantCasesOf(protocol, (title, run) => check(`${protocol}: ${title}`, run), split)
}

function tenantCasesOf(protocol: Protocol, check: Case, split: Split): void {
  /** Tenants and labels that come out, and what is refused. */
  function outcome(list: readonly SeriesText[], changes: Partial<SplitRules> = {}) {
    const result = splitSeries(split, protocol, list, changes)
    return { shares: labelsSeen(result, protocol), refusals: refusalsSeen(result) }
  }
  function one(labels: readonly (readonly [Text, Text])[], changes: Partial<SplitRules> = {}) {
    return outcome([{ labels }], changes)
  }

  check('each series goes to the tenant that its label names, in order of first sight', () => {
    const list = ['b', 'a', 'b', 'c'].map((tenant, i) => series({ __name__: `m${i}`, tenant }))
    const { shares, refusals } = outcome(list)
    expect(Object.entries(shares)).toEqual([
      ['b', ['__name__=m0,tenant=b', '__name__=m2,tenant=b']],
      ['a', ['__name__=m1,tenant=a']],
      ['c', ['__name__=m3,tenant=c']],
    ])
    expect(refusals).toEqual([])
  })

  check('the label may stand anywhere, and its name is compared whole', () => {
    const labels = { tenan: '1', tenant: 'a', tenants: '2' }
    expect(outcome([series(labels)]).shares).toEqual({ a: ['tenan=1,tenant=a,tenants=2'] })
    expect(one([['x', 'tenant']]).refusals).toEqual(['missing_tenant 1 ""'])
  })

  check('a label name beyond ASCII is compared as UTF-8', () => {
    expect(Object.keys(one([['équipe', 'a']], { labels: ['équipe'] }).shares)).toEqual(['a'])
  })

  const two = { labels: ['x', 'y'] }
  const precedences: readonly (readonly [SplitRules['precedence'], [Text, Text][], string | undefined])[] = [
    [
      'config',
      [
        ['y', '2'],
        ['x', '1'],
      ],
      '1',
    ],
    [
      'config',
      [
        ['y', '2'],
        ['x', ''],
      ],
      '2',
    ],
    [
      'config',
      [
        ['y', ''],
        ['x', ''],
      ],
      undefined,
    ],
    [
      'series_first',
      [
        ['y', '2'],
        ['x', '1'],
      ],
      '2',
    ],
    [
      'series_first',
      [
        ['y', ''],
        ['x', '1'],
      ],
      undefined,
    ],
    [
      'series_first',
      [
        ['z', '3'],
        ['x', '1'],
        ['y', ''],
      ],
      '1',
    ],
    [
      'series_last',
      [
        ['y', '2'],
        ['x', '1'],
      ],
      '1',
    ],
    [
      'series_last',
      [
        ['y', '2'],
        ['x', ''],
      ],
      undefined,
    ],
    [
      'series_last',
      [
        ['y', ''],
        ['x', '1'],
        ['z', '3'],
      ],
      '1',
    ],
  ]
  for (const [precedence, labels, tenant] of precedences) {
    const shown = labels.map(([name, value]) => `${name}="${value}"`).join(',')
    check(`${precedence}: {${shown}} is ${tenant ?? 'missing'}`, () => {
      expect(Object.keys(one(labels, { ...two, precedence }).shares)).toEqual(
        tenant === undefined ? [] : [tenant],
      )
    })
  }

  check('only the winning label is removed, and the order of the others stays', () => {
    const labels: [Text, Text][] = [
      ['z', '0'],
      ['y', '2'],
      ['a', '9'],
      ['x', '1'],
    ]
    expect(one(labels, { ...two, strip: true }).shares).toEqual({ 1: ['z=0,y=2,a=9'] })
    expect(one(labels, { ...two, strip: true, precedence: 'series_first' }).shares).toEqual({
      2: ['z=0,a=9,x=1'],
    })
  })

  check('a series of the default tenant keeps all its labels', () => {
    const changes = { strip: true, defaultTenant: 'd', missing: 'default', invalid: 'default' } as const
    expect(outcome([series({ a: '1', tenant: '' }), series({ tenant: '/' })], changes).shares).toEqual({
      d: ['a=1,tenant=', 'tenant=/'],
    })
  })

  check('the prefix stands before every tenant, the default one included', () => {
    const changes = { prefix: 'p-', defaultTenant: 'd', missing: 'default' } as const
    expect(Object.keys(outcome([series({ tenant: 'a' }), series({})], changes).shares)).toEqual([
      'p-a',
      'p-d',
    ])
  })

  check('what is missing is rejected, dropped or goes to the default tenant', () => {
    const list = [series({ a: '1' }), series({ tenant: 't' }), series({ tenant: '' })]
    expect(outcome(list)).toEqual({ shares: { t: ['tenant=t'] }, refusals: ['missing_tenant 2 ""'] })
    expect(outcome(list, { missing: 'drop' }).refusals).toEqual(['missing_tenant (dropped) 2 ""'])
    expect(outcome(list, { missing: 'default', defaultTenant: 'd' })).toEqual({
      shares: { d: ['a=1', 'tenant='], t: ['tenant=t'] },
      refusals: [],
    })
    // A default policy without a default tenant forgives nothing.
    expect(outcome(list, { missing: 'default' }).refusals).toEqual(['missing_tenant 2 ""'])
  })

  check('what is invalid is rejected, dropped or goes to the default tenant', () => {
    const list = [series({ tenant: 'a|b' }), series({ tenant: 't' }), series({ tenant: '..' })]
    expect(outcome(list)).toEqual({ shares: { t: ['tenant=t'] }, refusals: ['invalid_tenant 2 "a|b"'] })
    expect(outcome(list, { invalid: 'drop' }).refusals).toEqual(['invalid_tenant (dropped) 2 "a|b"'])
    expect(outcome(list, { invalid: 'default', defaultTenant: 'd' })).toEqual({
      shares: { d: ['tenant=a|b', 'tenant=..'], t: ['tenant=t'] },
      refusals: [],
    })
    expect(outcome(list, { invalid: 'default' }).refusals).toEqual(['invalid_tenant 2 "a|b"'])
  })

  check('validity is decided with the prefix, and 150 bytes are the most', () => {
    const value = 'v'.repeat(149)
    expect(Object.keys(one([['tenant', value]], { prefix: 'p' }).shares)).toEqual([`p${value}`])
    expect(one([['tenant', value]], { prefix: 'pp' }).refusals).toEqual([
      `invalid_tenant 1 "${value.slice(0, 64)}"`,
    ])
    expect(one([['tenant', '.']], { prefix: '.' }).refusals).toEqual(['invalid_tenant 1 "."'])
    expect(Object.keys(one([['tenant', '.']], { prefix: 'p' }).shares)).toEqual(['p.'])
    expect(one([['tenant', 'a']], { prefix: 'p/' }).refusals).toEqual(['invalid_tenant 1 "a"'])
  })

  check('a default tenant that is not valid is refused by the rule for invalid ones', () => {
    const changes = { missing: 'default', defaultTenant: 'd d' } as const
    expect(one([['a', '1']], changes).refusals).toEqual(['invalid_tenant 1 "d d"'])
    expect(one([['a', '1']], { ...changes, invalid: 'drop' }).refusals).toEqual([
      'invalid_tenant (dropped) 1 "d d"',
    ])
    expect(one([['a', '1']], { ...changes, invalid: 'default' }).refusals).toEqual(['invalid_tenant 1 "d d"'])
  })

  check('a tenant label that occurs twice makes the series invalid, equal values included', () => {
    const twice: [Text, Text][] = [
      ['tenant', 'a'],
      ['b', '1'],
      ['tenant', 'c'],
    ]
    expect(one(twice).refusals).toEqual(['repeated_tenant_label 1 "c"'])
    expect(one(twice, { invalid: 'drop' }).refusals).toEqual(['repeated_tenant_label (dropped) 1 "c"'])
    expect(one(twice, { invalid: 'default', defaultTenant: 'd', strip: true })).toEqual({
      shares: { d: ['tenant=a,b=1,tenant=c'] },
      refusals: [],
    })
    expect(
      one([
        ['tenant', 'a'],
        ['tenant', 'a'],
      ]).refusals,
    ).toEqual(['repeated_tenant_label 1 "a"'])
    expect(
      one([
        ['tenant', ''],
        ['tenant', ''],
      ]).refusals,
    ).toEqual(['repeated_tenant_label 1 ""'])
    expect(
      one(
        [
          ['x', '1'],
          ['y', '2'],
          ['y', '2'],
        ],
        two,
      ).refusals,
    ).toEqual(['repeated_tenant_label 1 "2"'])
    // Other labels that repeat are the business of the store.
    expect(
      one([
        ['a', '1'],
        ['a', '2'],
        ['tenant', 't'],
      ]).shares,
    ).toEqual({ t: ['a=1,a=2,tenant=t'] })
  })

  check('each format has its own idea of a tenant', () => {
    const values = ['a:b', '12:3', 'a*b', 'a%b', '__mimir_cluster']
    const valid = (format: SplitRules['format']) => {
      return Object.keys(
        outcome(
          values.map(tenant => series({ tenant })),
          { format },
        ).shares,
      )
    }
    expect(valid('mimir')).toEqual(['a*b'])
    expect(valid('thanos')).toEqual(['a:b', '12:3', 'a*b', 'a%b', '__mimir_cluster'])
    expect(valid('thanos-path')).toEqual(['a:b', '12:3', 'a*b', '__mimir_cluster'])
    expect(valid('victoriametrics')).toEqual(['12:3'])
  })

  check('spellings that VictoriaMetrics takes as one tenant are one share', () => {
    const list = ['007', '7', '7:0', '7:1'].map(tenant => series({ tenant }))
    expect(outcome(list, { format: 'victoriametrics' }).shares).toEqual({
      7: ['tenant=007', 'tenant=7', 'tenant=7:0'],
      '7:1': ['tenant=7:1'],
    })
  })

  check('bytes that are no UTF-8 make a tenant invalid, and pass untouched elsewhere', () => {
    expect(one([['tenant', Uint8Array.of(0x61, 0xff)]]).refusals).toEqual(['invalid_tenant 1 "a\\\\xff"'])
    expect(
      one([
        [Uint8Array.of(0xfe), Uint8Array.of(0xff, 0xc0)],
        ['tenant', 'a'],
      ]).shares,
    ).toEqual({
      a: ['\xfe=\xff\xc0,tenant=a'],
    })
  })

  check('an example is printable ASCII of at most 64 bytes, and never half an escape', () => {
    const example = (value: Text) => {
      const { refusals } = splitSeries(split, protocol, [{ labels: [['tenant', value]] }])
      return refusals[0]?.example
    }
    expect(example('a\r\nb\0\\ é')).toBe('a\\x0d\\x0ab\\x00\\x5c \\xc3\\xa9')
    expect(example(`${'a'.repeat(64)}/`)).toBe('a'.repeat(64))
    expect(example(`${'a'.repeat(61)}\n/`)).toBe('a'.repeat(61))
    expect(example(`${'a'.repeat(60)}\n/`)).toBe(`${'a'.repeat(60)}\\x0a`)
  })

  check('refusals are merged by reason and dropped, the first value being the example', () => {
    const list = [
      series({ tenant: 'a b' }, { exemplars: [{ labels: [], rest: new Uint8Array(0) }] }),
      series({}),
      series({ tenant: 'c d' }, { samples: [], histograms: [new Uint8Array(3)] }),
      series({ tenant: 'ok' }),
    ]
    const result = splitSeries(split, protocol, list, { missing: 'drop' })
    expect(result.refusals).toEqual([
      {
        reason: 'invalid_tenant',
        dropped: false,
        example: 'a b',
        series: 2,
        samples: 1,
        histograms: 1,
        exemplars: 1,
        metadata: 0,
      },
      {
        reason: 'missing_tenant',
        dropped: true,
        example: '',
        series: 1,
        samples: 1,
        histograms: 0,
        exemplars: 0,
        metadata: 0,
      },
    ])
  })

  check(
    'beyond maxTenants the series of further tenants are refused, and those of known ones are not',
    () => {
      const list = ['a', 'b', 'c', 'a', 'd', 'b'].map((tenant, i) => series({ i: `${i}`, tenant }))
      expect(outcome(list, { maxTenants: 2 })).toEqual({
        shares: { a: ['i=0,tenant=a', 'i=3,tenant=a'], b: ['i=1,tenant=b', 'i=5,tenant=b'] },
        refusals: ['too_many_tenants 2 "c"'],
      })
    },
  )

  check('tenant labels disagree by their length, and by as many bytes as a tenant may have', () => {
    const [start, other] = ['a'.repeat(149), 'b'.repeat(149)]
    const pairs = [
      [`${start}xy`, `${start}xz`],
      [`${start}x`, `${start}y`],
      [`${start}xy`, `${start}yy`],
      [`${start}xy`, `${start}xyz`],
      [`${other}xy`, `${start}xy`],
    ] as const
    const list = pairs.map(([x, y]) => series({ x, y }))
    expect(splitSeries(split, protocol, list, { labels: ['x', 'y'] }).disagreements).toBe(4)
  })

  check('disagreements are series in which two tenant labels have different values', () => {
    const list: readonly [Text, Text][][] = [
      [
        ['x', '1'],
        ['y', '2'],
      ],
      [
        ['x', '1'],
        ['y', '1'],
      ],
      [
        ['x', '1'],
        ['y', ''],
      ],
      [
        ['x', '1'],
        ['z', '2'],
      ],
      [
        ['x', '/'],
        ['y', '2'],
      ],
      [
        ['x', '1'],
        ['x', '2'],
      ],
    ]
    const result = splitSeries(
      split,
      protocol,
      list.map(labels => ({ labels })),
      two,
    )
    expect(result.disagreements).toBe(2)
  })
}
