import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import {
  message,
  packed,
  push,
  rules,
  SymbolTable,
  sample,
  series,
  timeSeries,
  timeSeriesV2,
} from '../../../support/messages.ts'
import {
  decodedShare,
  done,
  expectFault,
  labelsSeen,
  refusalsSeen,
  seen,
  splitBytes,
} from '../../../support/split.ts'
import {
  concat,
  double,
  fixed32,
  fixed64,
  len,
  type Text,
  varint,
  varintField,
} from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'

/** Records of Request.symbols, just as given. */
function symbols(...strings: readonly Text[]): Uint8Array {
  return concat(...strings.map(string => len(4, string)))
}

const NONE = new Uint8Array(0)
const SAMPLE = len(2, sample(1, 1000))

export function requestCases(check: Case, split: Split): void {
  formCases(check, split)
  referenceCases(check, split)
  faultCases(check, split)
}

function formCases(check: Case, split: Split): void {
  check('a share has its own table: only what its series use, in order of first use', () => {
    const table = new SymbolTable()
    for (const unused of ['secret of nobody', 'b', 'tenant']) table.ref(unused)
    const list = [
      series(
        { __name__: 'm', tenant: 'a', z: 'only a' },
        { metadata: { type: 1, help: 'help a', unit: '' } },
      ),
      series(
        { __name__: 'm', tenant: 'b', z: 'only b' },
        { metadata: { type: 2, help: 'help b', unit: 's' } },
      ),
      series({ a: 'm', __name__: 'z', tenant: 'a' }),
    ]
    const records = list.map(text => timeSeriesV2(text, table))
    const bytes = concat(table.records(), ...records)
    const stripped = seen(splitBytes(split, '2.0', bytes, { strip: true }), '2.0')
    expect(stripped.a?.symbols).toEqual(['', '__name__', 'm', 'z', 'only a', 'help a', 'a'])
    expect(stripped.b?.symbols).toEqual(['', '__name__', 'm', 'z', 'only b', 'help b', 's'])
    expect(stripped.a?.series.map(it => it.metadata)).toEqual([
      [{ help: 'help a', unit: '', rest: '0801' }],
      [],
    ])
    const kept = seen(splitBytes(split, '2.0', bytes), '2.0')
    expect(kept.a?.symbols).toEqual(['', '__name__', 'm', 'tenant', 'a', 'z', 'only a', 'help a'])
  })

  check('every byte of a share is defined', () => {
    const odd = { tag: 2, length: 3, value: 4 } as const
    // 0 "", 1 n, 2 tenant, 3 a, 4 v, 5 help, 6 e, 7 (empty), 8 b
    const head = symbols('', 'n', 'tenant', 'a', 'v', 'help', 'e', '', 'b')
    const unknown = [len(6, 'x', odd), fixed32(18, 7), varintField(31, 2n ** 64n - 1n)] as const
    const exemplar = len(
      4,
      concat(double(2, 1), packed([6]), varintField(3, -5n), varintField(1, 7, odd), unknown[1]),
      odd,
    )
    const metadata = len(
      5,
      concat(
        varintField(4, 7, odd),
        varintField(1, 3),
        varintField(3, 5, odd),
        unknown[2],
        varintField(3, 0),
      ),
      odd,
    )
    const contents = concat(
      unknown[0],
      packed([2, 3]),
      len(2, sample(Number.NaN, -1n), odd),
      varintField(1, 1, odd),
      exemplar,
      varintField(1, 4),
      metadata,
      varintField(6, 12),
    )
    const options = [varintField(9, 1, odd), len(77, 'option')] as const
    const other = len(5, packed([2, 8]))
    const bytes = concat(options[0], len(5, contents, odd), head, other, options[1])
    const shares = splitBytes(split, '2.0', bytes, { strip: true }).shares
    expect(shares).toMatchObject([
      { tenant: 'a', series: 1, samples: 1, exemplars: 1, alone: true },
      { tenant: 'b', series: 1, alone: true },
    ])
    const expected = concat(
      symbols('', 'n', 'v', 'e', 'help'),
      len(
        5,
        concat(
          packed([1, 2]),
          unknown[0],
          len(2, sample(Number.NaN, -1n), odd),
          len(4, concat(packed([3, 0]), double(2, 1), varintField(3, -5n), unknown[1])),
          len(
            5,
            concat(varintField(4, 0), varintField(1, 3), varintField(3, 4), unknown[2], varintField(3, 0)),
          ),
          varintField(6, 12),
        ),
      ),
      ...options,
    )
    expect(Buffer.from(decodedShare(shares[0]!)).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
    expect(decodedShare(shares[1]!)).toEqual(concat(symbols(''), len(5, NONE), ...options))
  })

  check('symbols may stand behind the series and among them', () => {
    const bytes = concat(
      symbols('', 'tenant'),
      len(5, concat(packed([1, 2]), SAMPLE)),
      symbols('a'),
      len(5, concat(packed([1, 3]), SAMPLE)),
      symbols('b'),
    )
    expect(labelsSeen(splitBytes(split, '2.0', bytes), '2.0')).toEqual({ a: ['tenant=a'], b: ['tenant=b'] })
  })

  check('references may be packed, single, torn apart and longer than they need be', () => {
    const table = symbols('', 'tenant', 'a', 'n', 'v')
    const spellings: readonly Uint8Array[] = [
      packed([3, 4, 1, 2]),
      concat(...[3, 4, 1, 2].map(ref => varintField(1, ref))),
      concat(packed([3]), packed([4, 1]), packed([]), packed([2])),
      concat(
        varintField(1, 3),
        SAMPLE,
        packed([4, 1]),
        fixed64(99, 1n),
        varintField(1, 2, { tag: 3, value: 10 }),
      ),
      len(1, concat(varint(3, 5), varint(4, 2), varint(1, 10), varint(2))),
      // Of a uint32 the low 32 bits count.
      len(1, concat(varint(3), varint(2n ** 32n + 4n), varint(2n ** 63n + 1n), varint(2))),
    ]
    for (const spelling of spellings) {
      const bytes = concat(table, len(5, spelling))
      expect(labelsSeen(splitBytes(split, '2.0', bytes), '2.0')).toEqual({ a: ['n=v,tenant=a'] })
      expect(labelsSeen(splitBytes(split, '2.0', bytes, { strip: true }), '2.0')).toEqual({ a: ['n=v'] })
    }
  })

  check('a label name or a tenant that stands under several symbols is found under each', () => {
    const table = symbols('', 'tenant', 'a', 'tenant', 'a', 'x')
    const refs = [
      [1, 2],
      [3, 4],
      [1, 4],
      [3, 2],
    ] as const
    const bytes = concat(table, ...refs.map(it => len(5, packed([5, 5, ...it]))))
    const result = splitBytes(split, '2.0', bytes, { strip: true })
    expect(labelsSeen(result, '2.0')).toEqual({ a: ['x=x', 'x=x', 'x=x', 'x=x'] })
    // Both spellings in one series are one label twice.
    const twice = splitBytes(split, '2.0', concat(table, len(5, packed([1, 2, 3, 4]))))
    expect(refusalsSeen(twice)).toEqual(['repeated_tenant_label 1 "a"'])
    // A string that is there twice is taken over twice, if both are used.
    const kept = seen(
      splitBytes(split, '2.0', concat(bytes, varintField(9, 1)), { compression: 'none' }),
      '2.0',
    )
    expect(kept.a?.symbols).toEqual(['', 'x', 'tenant', 'a', 'tenant', 'a'])
  })

  check('a name stands at even positions only', () => {
    const table = symbols('', 'x', 'tenant', 'a')
    const shifted = splitBytes(split, '2.0', concat(table, len(5, packed([1, 2, 3, 1]))))
    expect(refusalsSeen(shifted)).toEqual(['missing_tenant 1 ""'])
    const both = splitBytes(split, '2.0', concat(table, len(5, packed([1, 2, 2, 3]))))
    expect(labelsSeen(both, '2.0')).toEqual({ a: ['x=tenant,tenant=a'] })
  })

  check('a tenant label of an exemplar is left alone', () => {
    const exemplars = [{ labels: [['tenant', 'z']], rest: double(2, 1) }] as const
    const bytes = message('2.0', [series({ tenant: 'a' }, { exemplars })])
    const result = seen(splitBytes(split, '2.0', bytes, { strip: true }), '2.0')
    expect(result.a?.series).toMatchObject([{ labels: [], exemplars: [{ labels: [['tenant', 'z']] }] }])
  })

  check('a table that does not begin with the empty string is read as it spells, and put right', () => {
    const bytes = concat(symbols('tenant', 'a'), len(5, packed([0, 1])))
    const result = splitBytes(split, '2.0', bytes)
    expect(labelsSeen(result, '2.0')).toEqual({ a: ['tenant=a'] })
    expect(seen(result, '2.0').a?.symbols).toEqual(['', 'tenant', 'a'])
  })

  check('a string that many tenants use is held by the output budget, not by the memory', () => {
    const help = 'h'.repeat(2 ** 20)
    const list = Array.from({ length: 200 }, (_, i) => {
      return series({ tenant: `t${i}` }, { metadata: { type: 1, help, unit: '' } })
    })
    const pushed = push('2.0', message('2.0', list))
    expect(pushed.body.length).toBeLessThan(100_000)
    expectFault(split(pushed, rules({ maxOutputBytes: 8 * 2 ** 20 })), 'split_output_too_large', 0)
    expect(done(split(pushed, rules({ maxTenants: 7, maxOutputBytes: 8 * 2 ** 20 }))).shares).toHaveLength(7)
  })
}

function referenceCases(check: Case, split: Split): void {
  const table = symbols('', 'tenant', 'a', 'v')
  const good = len(5, concat(packed([1, 2]), SAMPLE))
  const exemplar = (inner: Uint8Array) => len(5, concat(packed([1, 2]), SAMPLE, len(4, inner)))
  const metadata = (inner: Uint8Array) => len(5, concat(packed([1, 2]), SAMPLE, len(5, inner)))
  const bad: readonly (readonly [title: string, record: Uint8Array])[] = [
    ['a name beyond the table', len(5, concat(packed([4, 2, 1, 2]), SAMPLE))],
    ['a value beyond the table', len(5, concat(packed([1, 2, 3, 4]), SAMPLE))],
    [
      'a reference of 2^32 - 1',
      len(5, concat(varintField(1, 2 ** 32 - 1), varintField(1, 3), packed([1, 2]), SAMPLE)),
    ],
    ['an odd number of references', len(5, concat(packed([1, 2, 3]), SAMPLE))],
    ['one reference', len(5, concat(varintField(1, 0), SAMPLE))],
    ['an exemplar’s label beyond the table', exemplar(packed([3, 9]))],
    ['an exemplar’s odd number', exemplar(concat(packed([3]), double(2, 1)))],
    ['a help beyond the table', metadata(varintField(3, 4))],
    ['a help beyond the table that is overwritten', metadata(concat(varintField(3, 4), varintField(3, 1)))],
    ['a unit beyond the table', metadata(varintField(4, 2 ** 31))],
  ]
  for (const [title, record] of bad) {
    check(`${title} has its series refused, and not the push`, () => {
      const result = splitBytes(split, '2.0', concat(table, good, record, good), {
        missing: 'default',
        invalid: 'default',
        defaultTenant: 'd',
      })
      expect(labelsSeen(result, '2.0')).toEqual({ a: ['tenant=a', 'tenant=a'] })
      expect(refusalsSeen(result)).toEqual(['bad_reference 1 ""'])
      expect(result.refusals).toMatchObject([{ samples: 1, dropped: false }])
      expect(result.received).toMatchObject({ series: 3, samples: 3 })
    })
  }

  check('without symbols even reference 0 leads nowhere', () => {
    const bytes = concat(len(5, packed([0, 0])), len(5, len(5, varintField(3, 0))))
    expect(refusalsSeen(splitBytes(split, '2.0', bytes))).toEqual(['bad_reference 2 ""'])
    expect(refusalsSeen(splitBytes(split, '2.0', len(5, SAMPLE)))).toEqual(['missing_tenant 1 ""'])
  })
}

function faultCases(check: Case, split: Split): void {
  const table = symbols('', 'tenant', 'a')
  const good = len(5, concat(packed([1, 2]), SAMPLE))

  check('2.0: a known field with a wrong wire type is malformed at its tag', () => {
    for (const [title, bytes, at] of [
      ['symbols', varintField(4, 1), 0],
      ['timeseries', fixed64(5, 1n), 0],
      ['labels_refs', len(5, fixed32(1, 1)), 2],
      ['samples', len(5, varintField(2, 1)), 2],
      ['histograms', len(5, varintField(3, 1)), 2],
      ['exemplars', len(5, varintField(4, 1)), 2],
      ['metadata', len(5, varintField(5, 1)), 2],
      ['an exemplar’s labels_refs', len(5, len(4, fixed64(1, 1n))), 4],
      ['help_ref', len(5, len(5, len(3, ''))), 4],
      ['unit_ref', len(5, len(5, concat(varintField(3, 0), fixed32(4, 1)))), 6],
    ] as const) {
      const result = split(push('2.0', bytes), rules())
      expect({ title, ...result }).toMatchObject({ title, ok: false, code: 'protobuf_malformed', at })
    }
  })

  check('2.0: malformed references are found at the reference', () => {
    const cut = len(1, Uint8Array.of(1, 2, 0x80))
    const tooLong = len(1, Uint8Array.from([...Array(10).fill(0x80), 0]))
    const before = table.length + 2
    for (const [bytes, at] of [
      [len(5, cut), before + 4],
      [len(5, tooLong), before + 2],
      [len(5, len(4, cut)), before + 6],
      [len(5, concat(varintField(1, 1), Uint8Array.of(0x08, 0xff))), before + 3],
      // Also behind a reference that leads nowhere.
      [len(5, len(1, Uint8Array.of(9, 0x80))), before + 3],
    ] as const) {
      expectFault(split(push('2.0', concat(table, bytes)), rules()), 'protobuf_malformed', at)
    }
  })

  check('2.0: faults between the series win over those inside an earlier one', () => {
    const broken = len(5, Uint8Array.of(0x80))
    const first = table.length + 2
    expectFault(split(push('2.0', concat(table, broken, broken)), rules()), 'protobuf_malformed', first)
    const cut = concat(table, broken, Uint8Array.of(0x80))
    expectFault(split(push('2.0', cut), rules()), 'protobuf_malformed', cut.length - 1)
    const foreign = concat(table, broken, timeSeries(series({ tenant: 'a' })))
    expectFault(split(push('2.0', foreign), rules()), 'wrong_protocol', table.length + broken.length)
  })

  check('2.0: fields of 1.0 are the wrong protocol', () => {
    expectFault(split(push('2.0', message('1.0', [series({ tenant: 'a' })])), rules()), 'wrong_protocol', 0)
    for (const field of [1, 2, 3]) {
      const bytes = concat(table, good, varintField(field, 1))
      expectFault(split(push('2.0', bytes), rules()), 'wrong_protocol', table.length + good.length)
    }
  })

  check('2.0: more series than maxSeries are refused at the first one too many', () => {
    const bytes = concat(table, good, good)
    expect(splitBytes(split, '2.0', bytes, { maxSeries: 2 }).received.series).toBe(2)
    const fault = split(push('2.0', bytes), rules({ maxSeries: 1 }))
    expectFault(fault, 'too_many_series', table.length + good.length)
  })
}
