/** What merging messages of 2.0 gives, whatever the engine. Blocks are made of any message that could be a share. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { MergeRequests } from '../../../../src/remote-write/merge.ts'
import { encodeSnappy } from '../../../../src/remote-write/reference/compress.ts'
import { mergeByReference } from '../../../../src/remote-write/reference/merge-requests.ts'
import { decodeMessage, type MessageSeen, unsnappy } from '../../../support/decode.ts'
import { message, packed, push, sample, series } from '../../../support/messages.ts'
import { concat, len, varintField } from '../../../support/wire.ts'

const block = (...records: readonly Uint8Array[]): Uint8Array => push('2.0', concat(...records)).body
const symbols = (...strings: readonly string[]) => concat(...strings.map(string => len(4, string)))

/** `start` gives one with tables as small as they are at first. */
export function mergeRequestsCases(engine: string, start: () => MergeRequests): void {
  const merged = (...some: readonly Uint8Array[]): MessageSeen => {
    // One alone would stay as it is.
    const blocks = some.length === 1 ? [...some, block()] : some
    const body = start()(blocks, 'fast')
    const bytes = unsnappy(body)
    expect(Buffer.compare(bytes, unsnappy(mergeByReference(blocks, 'fast')))).toBe(0)
    return decodeMessage('2.0', bytes)
  }
  const labels = (seen: MessageSeen) =>
    seen.series.map(it => it.labels.map(([name, value]) => `${name}=${value}`).join(','))

  describe(`${engine}: merging 2.0`, () => {
    it('leaves one alone the message that it is, and compresses it', () => {
      const one = message('2.0', [series({ a: 'x' }), series({ a: 'x', b: 'x'.repeat(500) })])
      const literals = encodeSnappy(concat(symbols('', 'unused'), one), 'none')
      const body = start()([literals], 'fast')
      expect(Buffer.compare(unsnappy(body), unsnappy(literals))).toBe(0)
      expect(body.length).toBeLessThan(literals.length / 2)
      expect(start()([body], 'none')).toEqual(literals)
    })

    it('gives series and symbols in the order of the messages, and each string once', () => {
      const one = message('2.0', [series({ a: 'x', b: 'y' }), series({ b: 'x' })])
      const other = message('2.0', [series({ z: 'y', a: 'x' }), series({ a: '' })])
      const seen = merged(block(one), block(other))
      expect(labels(seen)).toEqual(['a=x,b=y', 'b=x', 'z=y,a=x', 'a='])
      expect(seen.symbols).toEqual(['', 'a', 'x', 'b', 'y', 'z'])
    })

    it('unites symbols that one message has twice, and keeps those that nothing refers to', () => {
      const table = symbols('unused', 'a', 'x', 'a', '', 'x')
      const seen = merged(
        block(table, len(5, packed([1, 2])), len(5, packed([3, 5])), len(5, packed([3, 4]))),
      )
      expect(labels(seen)).toEqual(['a=x', 'a=x', 'a='])
      expect(seen.symbols).toEqual(['', 'unused', 'a', 'x'])
    })

    it('rewrites what exemplars and metadata refer to', () => {
      const list = [
        series(
          { a: 'x' },
          {
            exemplars: [{ labels: [['trace_id', '7']], rest: varintField(3, 7) }],
            metadata: { type: 1, help: 'some help', unit: 'seconds' },
          },
        ),
      ]
      const before = block(message('2.0', [series({ other: 'x', '7': 'seconds' })]))
      const [, series_] = merged(before, block(message('2.0', list))).series
      expect(series_).toMatchObject({
        labels: [['a', 'x']],
        exemplars: [{ labels: [['trace_id', '7']] }],
        metadata: [{ help: 'some help', unit: 'seconds' }],
      })
    })

    it('takes references in any number of records, packed or not, wherever they stand', () => {
      const table = symbols('', 'a', 'x', 'b')
      const one = sample(1, 2)
      const seen = merged(
        block(
          table,
          len(5, concat(packed([1, 2]), len(2, one), packed([3, 2]))),
          len(5, concat(len(2, one), varintField(1, 1), varintField(1, 2), packed([3]), varintField(1, 0))),
          len(5, concat(len(5, varintField(3, 2)), packed([1, 3]))),
          len(5, concat(packed([]), len(2, one))),
          len(5, len(2, one)),
          len(5, ''),
        ),
      )
      expect(labels(seen)).toEqual(['a=x,b=x', 'a=x,b=', 'a=b', '', '', ''])
    })

    it('keeps unknown fields, in the series and beside them', () => {
      const unknown = varintField(9, 7)
      const one = block(symbols('', 'a', 'x'), unknown, len(5, concat(packed([1, 2]), len(12, 'what?'))))
      const seen = merged(one, one)
      expect(seen.series.map(it => it.unknown)).toEqual(['6205776861743f', '6205776861743f'])
      expect(seen.options).toBe('4807 4807')
    })

    it('takes symbols behind the series and lengths that are longer than they need be', () => {
      const wide = { tag: 2, length: 3 }
      const table = concat(len(4, ''), len(4, 'a', wide), len(4, 'x', wide))
      const late = block(len(5, packed([1, 2]), wide), table)
      expect(labels(merged(late, late))).toEqual(['a=x', 'a=x'])
    })

    it('makes room for references that get longer', () => {
      const many = Array.from({ length: 200 }, (_, i) => series({ [`n${i}`]: `v${i}` }))
      const few = series(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`m${i}`, `w${i}`])))
      const seen = merged(block(message('2.0', many)), block(message('2.0', [few])))
      expect(seen.series).toHaveLength(201)
      expect(seen.series[200]?.labels).toHaveLength(60)
    })

    it('makes room for very many of them', () => {
      const many = Array.from({ length: 200 }, (_, i) => series({ [`n${i}`]: `v${i}` }))
      const long = new Uint8Array(300_000).fill(1)
      const seen = merged(
        block(message('2.0', many)),
        block(symbols('', 'a'), len(5, len(1, long))),
        block(message('2.0', many)),
      )
      expect(seen.series[200]?.labels).toHaveLength(150_000)
    })

    it('takes more strings than its tables hold at first', () => {
      const list = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => series({ n: `${from + i}` }))
      const blocks = [list(0, 3000), list(2000, 3000), list(4000, 3000)].map(it => block(message('2.0', it)))
      expect(merged(...blocks).symbols).toHaveLength(7002)
    })

    it('takes messages of which each has more strings than its tables hold', () => {
      const list = (from: number) => Array.from({ length: 9000 }, (_, i) => series({ n: `${from + i}` }))
      const blocks = [list(0), list(9000)].map(it => block(message('2.0', it)))
      expect(merged(...blocks).symbols).toHaveLength(18_002)
    })

    it('takes more symbols than its table holds at first', () => {
      const table = symbols('', ...new Array<string>(9000).fill(''), 'a')
      expect(labels(merged(block(table, len(5, packed([9001, 9001])))))).toEqual(['a=a'])
    })

    it('takes messages that are longer than its memory is at first', () => {
      const long = () => series({ a: 'x' }, { samples: [randomBytes(100_000)] })
      const blocks = Array.from({ length: 6 }, () => block(message('2.0', [long()])))
      expect(merged(...blocks).series).toHaveLength(6)
    })

    it('makes a message of one, and of none', () => {
      expect(labels(merged(block(message('2.0', [series({ a: 'x' })]))))).toEqual(['a=x'])
      expect(merged()).toMatchObject({ series: [], symbols: [''] })
    })

    it('writes literals only where that is wanted', () => {
      const one = block(message('2.0', [series({ a: 'x'.repeat(500) }), series({ b: 'x'.repeat(500) })]))
      const merge = start()
      const plain = merge([one, one], 'none')
      expect(plain.length).toBeGreaterThan(unsnappy(plain).length)
      expect(unsnappy(plain)).toEqual(unsnappy(merge([one, one], 'fast')))
    })

    it('throws where a body is no block', () => {
      expect(() => start()([Uint8Array.of(255)], 'fast')).toThrow()
      expect(() => start()([Uint8Array.of(9)], 'fast')).toThrow()
      expect(() => start()([block(), Uint8Array.of(9, 4, 1)], 'fast')).toThrow()
    })
  })
}
