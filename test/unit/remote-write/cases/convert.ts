/** Shares in the other protocol than their push, byte for byte. */
import { expect } from 'vitest'
import type { Protocol, Split } from '../../../../src/remote-write/split.ts'
import {
  label,
  message,
  metadata,
  packed,
  push,
  rules,
  SymbolTable,
  sample,
  series,
  timeSeries,
  timeSeriesV2,
} from '../../../support/messages.ts'
import { decodedShare, expectFault, splitBytes } from '../../../support/split.ts'
import { concat, double, fixed64, len, type Text, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'

/** Records of Request.symbols. */
function symbols(...strings: readonly Text[]): Uint8Array {
  return concat(...['', ...strings].map(string => len(4, string)))
}

const STALE = fixed64(1, 0x7ff0000000000002n)
const EXEMPLAR = concat(double(2, 0.5), varintField(3, 1700))

export function convertCases(check: Case, split: Split): void {
  downCases(check, split)
  upCases(check, split)
  lossCases(check, split)
  faultCases(check, split)
}

/** The only share's message. */
function converted(split: Split, from: Protocol, decoded: Uint8Array, strip = false): Uint8Array {
  const to = from === '1.0' ? '2.0' : '1.0'
  const result = splitBytes(split, from, decoded, { output: to, strip })
  expect(result.shares).toMatchObject([{ tenant: 'a', kind: 'series', protocol: to, alone: false }])
  return decodedShare(result.shares[0]!)
}

function downCases(check: Case, split: Split): void {
  check('2.0 as 1.0: labels are spelt out, and the rest keeps its order under new numbers', () => {
    const histogram = concat(varintField(1, 3), double(3, 7))
    const pushed = concat(
      symbols('tenant', 'a', 'x', 'trace', 'é'),
      len(
        5,
        concat(
          packed([3, 0, 1, 2]),
          len(4, concat(packed([4, 5]), EXEMPLAR)),
          len(3, histogram),
          len(5, concat(varintField(1, 1), varintField(3, 3))),
          len(2, concat(STALE, varintField(2, 1000))),
          varintField(9, 4),
          len(2, sample(2, 2000)),
        ),
      ),
    )
    expect(converted(split, '2.0', pushed)).toEqual(
      len(
        1,
        concat(
          label('x', ''),
          label('tenant', 'a'),
          len(3, concat(label('trace', 'é'), EXEMPLAR)),
          len(4, histogram),
          len(2, concat(STALE, varintField(2, 1000))),
          varintField(9, 4),
          len(2, sample(2, 2000)),
        ),
      ),
    )
  })

  check('2.0 as 1.0: the label that named the tenant is left out', () => {
    const pushed = concat(
      symbols('tenant', 'a', 'x'),
      len(5, concat(packed([3, 2, 1, 2]), len(2, sample(1, 1)))),
    )
    expect(converted(split, '2.0', pushed, true)).toEqual(
      len(1, concat(label('x', 'a'), len(2, sample(1, 1)))),
    )
  })

  check('2.0 as 1.0: lengths and tags of what is known come out short, however long they came', () => {
    const wide = { tag: 4, length: 9 }
    const pushed = concat(
      symbols('tenant', 'a'),
      len(5, concat(len(1, Uint8Array.of(1, 2), wide), len(2, sample(1, 1), wide), len(11, 'x', wide)), wide),
    )
    expect(converted(split, '2.0', pushed)).toEqual(
      len(1, concat(label('tenant', 'a'), len(2, sample(1, 1)), len(11, 'x', wide))),
    )
  })

  check('2.0 as 1.0: fields of the request itself mean nothing there, so they stay behind', () => {
    const table = new SymbolTable()
    const record = timeSeriesV2(series({ tenant: 'a' }), table)
    const pushed = concat(table.records(), record, varintField(6, 1), len(100, 'x'))
    expect(converted(split, '2.0', pushed)).toEqual(timeSeries(series({ tenant: 'a' })))
  })
}

function upCases(check: Case, split: Split): void {
  check('1.0 as 2.0: each string stands once, and the rest keeps its order under new numbers', () => {
    const histogram = concat(varintField(1, 3), double(3, 7))
    const pushed = concat(
      len(
        1,
        concat(
          len(3, concat(double(2, 0.5), label('x', 'tenant'), label('trace', 'a'), varintField(3, 1700))),
          label('x', ''),
          len(4, histogram),
          label('tenant', 'a'),
          len(2, concat(STALE, varintField(2, 1000))),
          len(9, 'y'),
        ),
      ),
      timeSeries(series({ tenant: 'a', z: 'x' })),
    )
    expect(converted(split, '1.0', pushed)).toEqual(
      concat(
        symbols('x', 'tenant', 'a', 'trace', 'z'),
        len(
          5,
          concat(
            packed([1, 0, 2, 3]),
            len(4, concat(packed([1, 2, 4, 3]), EXEMPLAR)),
            len(3, histogram),
            len(2, concat(STALE, varintField(2, 1000))),
            len(9, 'y'),
          ),
        ),
        len(5, concat(packed([2, 3, 5, 1]), len(2, sample(1, 1000)))),
      ),
    )
  })

  check(
    '1.0 as 2.0: a series whose only label named the tenant has no references, and its strings are gone',
    () => {
      const pushed = timeSeries(series({ tenant: 'a' }))
      expect(converted(split, '1.0', pushed, true)).toEqual(
        concat(symbols(), len(5, len(2, sample(1, 1000)))),
      )
    },
  )

  check('1.0 as 2.0: fields that would mean something else there stay behind', () => {
    const more = [varintField(6, 5), len(5, 'x'), varintField(7, 1)]
    const pushed = concat(timeSeries(series({ tenant: 'a' }, { more })), varintField(2, 1), len(100, 'x'))
    const kept = timeSeriesV2(series({ tenant: 'a' }, { more: [varintField(7, 1)] }), new SymbolTable())
    expect(converted(split, '1.0', pushed)).toEqual(concat(symbols('tenant', 'a'), kept))
  })

  check(
    '1.0 as 2.0: of a repeated name or value the last counts, and what else a label holds is lost',
    () => {
      const odd = len(1, concat(len(2, 'b'), len(1, 'x'), len(1, 'tenant'), len(2, 'a'), len(3, 'z')))
      const pushed = len(1, concat(odd, len(2, sample(1, 1000))))
      expect(converted(split, '1.0', pushed)).toEqual(
        concat(symbols('tenant', 'a'), timeSeriesV2(series({ tenant: 'a' }), new SymbolTable())),
      )
    },
  )

  check('1.0 as 2.0: metadata of no series does not become one', () => {
    const pushed = concat(metadata('up', 'help'), timeSeries(series({ tenant: 'a' })))
    const { shares, received } = splitBytes(split, '1.0', pushed, { output: '2.0' })
    expect(shares).toMatchObject([{ kind: 'series', series: 1, metadata: 0 }])
    expect(received).toMatchObject({ series: 1, metadata: 1 })
  })
}

function lossCases(check: Case, split: Split): void {
  check('2.0 as 1.0: created and start timestamps are left out, and counted where they are not 0', () => {
    const late = 2n ** 40n
    const more = [
      varintField(6, late),
      varintField(6, 0, { value: 5 }),
      len(2, concat(double(1, 1), varintField(3, 1n << 32n), varintField(2, 5), varintField(3, 0))),
      len(3, concat(varintField(17, -1), varintField(1, 3))),
    ]
    const table = new SymbolTable()
    const record = timeSeriesV2(series({ tenant: 'a' }, { more }), table)
    const pushed = concat(table.records(), record)
    const result = splitBytes(split, '2.0', pushed, { output: '1.0' })
    expect(result.createdTimestampsLost).toBe(3)
    const kept = [len(2, concat(double(1, 1), varintField(2, 5))), len(4, varintField(1, 3))]
    expect(decodedShare(result.shares[0]!)).toEqual(timeSeries(series({ tenant: 'a' }, { more: kept })))
    expect(splitBytes(split, '2.0', pushed).createdTimestampsLost).toBe(0)
  })

  const custom = concat(
    varintField(1, 6),
    fixed64(3, 1n),
    varintField(4, 105),
    len(16, double(1, 0.1)),
    varintField(17, 9),
  )
  const usual = concat(varintField(1, 6), varintField(4, 4), varintField(15, 1000))

  check('2.0 as 1.0: what a refused series loses is not counted', () => {
    const table = new SymbolTable()
    const more = [varintField(6, 1), len(3, custom)]
    const lost = timeSeriesV2(series({ x: 'y' }, { samples: [], more }), table)
    const bad = len(5, concat(packed([99, 0]), ...more))
    const result = splitBytes(split, '2.0', concat(table.records(), lost, bad), { output: '1.0' })
    expect(result).toMatchObject({ shares: [], createdTimestampsLost: 0, histogramsLost: 0 })
    expect(result.refusals).toMatchObject([
      { series: 1, histograms: 1 },
      { series: 1, histograms: 1 },
    ])
  })

  check('2.0 as 1.0: histograms with custom buckets are left out, and counted', () => {
    const more = [len(3, custom), len(3, usual), len(3, custom), len(2, sample(2, 2000)), len(3, custom)]
    const pushed = message('2.0', [series({ tenant: 'a' }, { more })])
    const result = splitBytes(split, '2.0', pushed, { output: '1.0' })
    // Their times are not counted: they are lost as a whole.
    expect(result).toMatchObject({
      histogramsLost: 3,
      createdTimestampsLost: 0,
      received: { series: 1, samples: 2, histograms: 4 },
      shares: [{ series: 1, samples: 2, histograms: 1 }],
    })
    const kept = [len(4, usual), len(2, sample(2, 2000))]
    expect(decodedShare(result.shares[0]!)).toEqual(timeSeries(series({ tenant: 'a' }, { more: kept })))
    expect(splitBytes(split, '2.0', pushed)).toMatchObject({ histogramsLost: 0, shares: [{ histograms: 4 }] })
  })

  check(
    '2.0 as 1.0: a histogram has custom buckets by its values or by its schema, of which the last counts',
    () => {
      const lost: readonly (readonly [Uint8Array, number])[] = [
        [len(16, new Uint8Array(0)), 1],
        [double(16, 0.5), 1],
        [varintField(4, 105), 1],
        [varintField(4, 105, { value: 9 }), 1],
        [varintField(4, 2n ** 32n + 105n), 1],
        [concat(varintField(4, 3), varintField(4, 105)), 1],
        [concat(varintField(4, 105), varintField(4, 3)), 0],
        [varintField(4, 106), 0],
        [varintField(15, 105), 0],
        [concat(varintField(4, 3), len(4, 'x')), 0],
      ]
      for (const [histogram, histogramsLost] of lost) {
        const pushed = message('2.0', [series({ tenant: 'a' }, { histograms: [histogram] })])
        const result = splitBytes(split, '2.0', pushed, { output: '1.0' })
        expect(result).toMatchObject({ histogramsLost, shares: [{ histograms: 1 - histogramsLost }] })
      }
    },
  )

  check('2.0 as 1.0: a series that has nothing else is left out, and says nothing of its tenant', () => {
    const exemplars = [{ labels: [['trace', 'x'] as const], rest: EXEMPLAR }]
    const pushed = message('2.0', [
      series(
        { cluster: 'lost', tenant: 'a' },
        { samples: [], histograms: [custom, custom], more: [varintField(6, 1)] },
      ),
      series({ cluster: 'kept', tenant: 'a' }),
      series({ cluster: 'lost', tenant: 'a' }, { samples: [], histograms: [custom] }),
      series({ tenant: 'b' }, { samples: [], histograms: [custom], exemplars }),
      series({ tenant: 'c' }, { samples: [], histograms: [custom] }),
      series({ cluster: 'kept', tenant: 'a' }, { samples: [], histograms: [usual] }),
    ])
    const result = splitBytes(split, '2.0', pushed, { output: '1.0', families: 'metadata' })
    expect(result).toMatchObject({
      histogramsLost: 5,
      createdTimestampsLost: 0,
      received: { series: 6, samples: 1, histograms: 6, exemplars: 1 },
      shares: [
        { tenant: 'a', series: 2, samples: 1, histograms: 1, ha: ['kept', ''], alone: false },
        { tenant: 'b', series: 1, samples: 0, histograms: 0, exemplars: 1 },
      ],
      refusals: [],
    })
    expect(decodedShare(result.shares[0]!)).toEqual(
      message('1.0', [
        series({ cluster: 'kept', tenant: 'a' }),
        series({ cluster: 'kept', tenant: 'a' }, { samples: [], histograms: [usual] }),
      ]),
    )
  })

  check('1.0 goes out as it came, and as 2.0, with histograms of custom buckets', () => {
    const pushed = message('1.0', [series({ tenant: 'a' }, { samples: [], histograms: [custom] })])
    for (const output of ['same', '2.0'] as const)
      expect(splitBytes(split, '1.0', pushed, { output })).toMatchObject({
        histogramsLost: 0,
        shares: [{ series: 1, histograms: 1 }],
      })
  })
}

function faultCases(check: Case, split: Split): void {
  /** Where the contents of the first field of the only series begin. */
  const fault = (from: Protocol, head: Uint8Array, field: Uint8Array, at: number) => {
    const record = len(from === '1.0' ? 1 : 5, field)
    const to = from === '1.0' ? '2.0' : '1.0'
    const pushed = push(from, concat(head, record))
    const start = head.length + record.length - field.length
    expectFault(split(pushed, rules({ output: to })), 'protobuf_malformed', start + at)
    expect(split(pushed, rules())).toMatchObject({ ok: true })
  }
  const table = symbols('tenant', 'a')

  check('2.0 as 1.0: a sample that is no message is malformed, though its series is refused anyway', () => {
    fault('2.0', table, len(2, Uint8Array.of(0x09, 1)), 3)
  })
  check('2.0 as 1.0: a histogram that is cut off is malformed', () => {
    fault('2.0', table, len(3, Uint8Array.of(0x08)), 3)
  })
  check('2.0 as 1.0: a start timestamp of another type is malformed', () => {
    fault('2.0', table, len(2, len(3, 'x')), 2)
    fault('2.0', table, len(3, len(17, 'x')), 2)
  })
  check('2.0 as 1.0: a created timestamp of another type is malformed', () => {
    fault('2.0', table, len(6, 'x'), 0)
  })
  check('1.0 as 2.0: an exemplar that is no message is malformed', () => {
    fault('1.0', new Uint8Array(0), len(3, Uint8Array.of(0x11)), 3)
  })
  check('1.0 as 2.0: an exemplar with a label of another type is malformed', () => {
    fault('1.0', new Uint8Array(0), len(3, varintField(1, 1)), 2)
  })
  check('1.0 as 2.0: an exemplar with a label that is no message is malformed', () => {
    fault('1.0', new Uint8Array(0), len(3, len(1, Uint8Array.of(0x0a, 2, 0x61))), 5)
  })

  check('the limit of the output is met exactly, and passed by one byte', () => {
    for (const from of ['1.0', '2.0'] as const) {
      const names = new SymbolTable()
      const record = timeSeriesV2(series({ tenant: 'a' }), names)
      const pushed = from === '2.0' ? concat(names.records(), record) : timeSeries(series({ tenant: 'a' }))
      const to = from === '1.0' ? '2.0' : '1.0'
      const { length } = converted(split, from, pushed)
      const limited = (maxOutputBytes: number) => rules({ output: to, maxOutputBytes })
      expect(split(push(from, pushed), limited(length))).toMatchObject({ ok: true })
      expectFault(split(push(from, pushed), limited(length - 1)), 'split_output_too_large', 0)
    }
  })

  check('a series whose labels repeat a long string is not spelt out beyond the limit', () => {
    const pushed = concat(
      symbols('tenant', 'a', 'l'.repeat(100_000)),
      len(5, packed([1, 2, ...Array.from({ length: 50_000 }, () => 3)])),
    )
    const tight = rules({ output: '1.0', maxOutputBytes: 1_000_000 })
    expectFault(split(push('2.0', pushed), tight), 'split_output_too_large', 0)
  })
}
