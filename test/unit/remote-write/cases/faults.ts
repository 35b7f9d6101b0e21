import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import { label, message, metadata, push, rules, series, timeSeries } from '../../../support/messages.ts'
import { expectFault, splitBytes } from '../../../support/split.ts'
import { concat, fixed64, len, tag, varint, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'

/** Eleven bytes, so longer than any varint. */
const TOO_LONG = Uint8Array.from([...Array(10).fill(0x80), 0x00])
/** Ten bytes, and a bit above the 64th. */
const TOO_LARGE = Uint8Array.from([...Array(9).fill(0xff), 0x02])

export function faultCases(check: Case, split: Split): void {
  const good = timeSeries(series({ tenant: 'a' }))

  /** Contents that are malformed at the byte `at` of their own, on whichever level they stand. */
  const contents: readonly (readonly [title: string, bytes: Uint8Array, at: number])[] = [
    ['a tag that is cut off', Uint8Array.of(0x80), 0],
    ['a tag longer than ten bytes', TOO_LONG, 0],
    ['a tag beyond 64 bits', TOO_LARGE, 0],
    ['a tag beyond 32 bits', concat(varint(2n ** 32n + 0x7an), varint(0)), 0],
    ['field number 0', Uint8Array.of(0x02, 0x00), 0],
    ['an over-long field number 0', Uint8Array.of(0x82, 0x00, 0x00), 0],
    ['a group', concat(tag(15, 3), tag(15, 4)), 0],
    ['the end of a group', tag(15, 4), 0],
    ['wire type 6', tag(15, 6), 0],
    ['wire type 7', tag(15, 7), 0],
    ['a length that is missing', tag(15, 2), 1],
    ['a length that is cut off', concat(tag(15, 2), Uint8Array.of(0x80)), 1],
    ['a length longer than ten bytes', concat(tag(15, 2), TOO_LONG), 1],
    ['a length past the end', concat(tag(15, 2), varint(2), Uint8Array.of(0)), 1],
    ['a length of 2^31', concat(tag(15, 2), varint(2 ** 31)), 1],
    ['a length of 2^32', concat(tag(15, 2), varint(2 ** 32)), 1],
    ['a length of 2^64 - 1', concat(tag(15, 2), varint(2n ** 64n - 1n)), 1],
    ['a varint that is missing', tag(15, 0), 1],
    ['a varint that is cut off', concat(tag(15, 0), Uint8Array.of(0xff, 0xff)), 1],
    ['a varint longer than ten bytes', concat(tag(15, 0), TOO_LONG), 1],
    ['a varint beyond 64 bits', concat(tag(15, 0), TOO_LARGE), 1],
    ['a fixed64 that is cut off', concat(tag(15, 1), new Uint8Array(7)), 1],
    ['a fixed32 that is cut off', concat(tag(15, 5), new Uint8Array(3)), 1],
  ]
  const levels: readonly (readonly [
    name: string,
    wrap: (inner: Uint8Array) => Uint8Array,
    before: number,
  ])[] = [
    ['the message', inner => concat(good, inner), good.length],
    ['a series', inner => concat(good, len(1, inner)), good.length + 2],
    ['a label', inner => concat(good, len(1, len(1, inner))), good.length + 4],
    ['a label behind its name', inner => len(1, len(1, concat(len(1, 'tenant'), inner))), 4 + 8],
  ]
  for (const [level, wrap, before] of levels) {
    check(`malformed bytes in ${level} are found at their position`, () => {
      for (const [title, bytes, at] of contents) {
        const result = split(push('1.0', wrap(bytes)), rules())
        expect({ title, ...result }).toMatchObject({
          title,
          ok: false,
          code: 'protobuf_malformed',
          at: before + at,
        })
        expectFault(result, 'protobuf_malformed', before + at)
      }
    })
  }

  check('a length within the message but past its parent is malformed', () => {
    const inner = concat(len(1, label('tenant', 'a').subarray(0, -1)), good)
    expectFault(split(push('1.0', inner), rules()), 'protobuf_malformed', 3)
  })

  check('a known field with a wrong wire type is malformed at its tag', () => {
    for (const [title, bytes, at] of [
      ['timeseries', varintField(1, 1), 0],
      ['metadata', fixed64(3, 1n), 0],
      ['labels', len(1, varintField(1, 1)), 2],
      ['samples', len(1, fixed64(2, 1n)), 2],
      ['exemplars', len(1, varintField(3, 1)), 2],
      ['histograms', len(1, varintField(4, 1)), 2],
      ['name', len(1, len(1, varintField(1, 1))), 4],
      ['value', len(1, len(1, concat(len(1, 'a'), varintField(2, 1)))), 7],
    ] as const) {
      const result = split(push('1.0', bytes), rules())
      expect({ title, ...result }).toMatchObject({ title, ok: false, code: 'protobuf_malformed', at })
    }
  })

  check('the first fault in byte order is the one reported', () => {
    const inSeries = concat(good, len(1, tag(15, 7)), Uint8Array.of(0x80))
    expectFault(split(push('1.0', inSeries), rules()), 'protobuf_malformed', good.length + 2)
    const wrongFirst = concat(len(4, ''), len(1, tag(15, 7)))
    expectFault(split(push('1.0', wrongFirst), rules()), 'wrong_protocol', 0)
  })

  check('fields of 2.0 in a 1.0 message are the wrong protocol', () => {
    expectFault(split(push('1.0', message('2.0', [series({ tenant: 'a' })])), rules()), 'wrong_protocol', 0)
    expectFault(split(push('1.0', concat(good, len(5, ''))), rules()), 'wrong_protocol', good.length)
    expectFault(split(push('1.0', concat(good, varintField(4, 1))), rules()), 'wrong_protocol', good.length)
  })

  check('more entries than maxSeries are refused at the first one too many, metadata included', () => {
    const entries = concat(good, metadata('m', 'help'), good)
    expect(splitBytes(split, '1.0', entries, { maxSeries: 3 }).received).toMatchObject({
      series: 2,
      metadata: 1,
    })
    const at = entries.length - good.length
    expectFault(split(push('1.0', entries), rules({ maxSeries: 2 })), 'too_many_series', at)
    // Found at the entry, before its contents are looked at.
    const broken = concat(good, len(1, tag(15, 7)))
    expectFault(split(push('1.0', broken), rules({ maxSeries: 1 })), 'too_many_series', good.length)
  })

  check('samples, histograms and metadata are not opened: what is in them is for the store to judge', () => {
    const bytes = concat(
      timeSeries(series({ tenant: 'a' }, { samples: [tag(15, 7)], histograms: [Uint8Array.of(0x80)] })),
      len(3, Uint8Array.of(0xff)),
    )
    const result = splitBytes(split, '1.0', bytes)
    expect(result.received).toEqual({ series: 1, samples: 1, histograms: 1, exemplars: 0, metadata: 1 })
  })
}
