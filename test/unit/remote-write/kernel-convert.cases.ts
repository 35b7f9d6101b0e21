/** Conversion where only the kernel has something to get wrong: tables that grow, and strings that are looked for. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Split, SplitRules } from '../../../src/remote-write/split.ts'
import { expectAsReference } from '../../support/kernel.ts'
import { label, message, metadata, push, rules, type SeriesText, series } from '../../support/messages.ts'
import { done } from '../../support/split.ts'
import { concat, double, len } from '../../support/wire.ts'

/** `start` gives an engine with tables as small as they are at first: each case gets one. */
export function kernelConvertCases(engine: string, start: () => Split): void {
  let split: Split
  beforeEach(() => {
    split = start()
  })
  const up = (bytes: Uint8Array, changes: Partial<SplitRules> = {}) =>
    done(expectAsReference(split, push('1.0', bytes), rules({ strip: true, output: '2.0', ...changes })))
  const many = (count: number, make: (i: number) => SeriesText) =>
    message(
      '1.0',
      Array.from({ length: count }, (_, i) => make(i)),
    )

  describe(engine, () => {
    it('1.0 as 2.0: more series, tenants and strings than the tables hold at first', () => {
      const bytes = many(5000, i => series({ n: `value ${i}`, m: `${i % 900}`, tenant: `t${i % 80}` }))
      expect(up(bytes).shares).toHaveLength(80)
    })

    it('1.0 as 2.0: more strings than three quarters of the slots', () => {
      // Room for symbols by the length of the message: 6,900, which have 8,192 slots.
      const bytes = many(6800, i => series({ n: `${i}`.padStart(7, '0'), tenant: 'a' }, { samples: [] }))
      const filled = concat(bytes, len(9, new Uint8Array(276_000 - bytes.length)))
      expect(up(filled, { strip: false }).shares).toMatchObject([{ series: 6800 }])
    })

    it('1.0 as 2.0: more strings in exemplars, and in labels behind samples, than the tables hold at first', () => {
      const exemplars = Array.from({ length: 5000 }, (_, i) => ({
        labels: [['trace', `${i}`] as const],
        rest: double(2, 1),
      }))
      up(message('1.0', [series({ tenant: 'a' }, { exemplars })]))
      split = start()
      const labels = Array.from({ length: 5000 }, (_, i) => label(`n${i}`, 'v'))
      up(len(1, concat(label('tenant', 'a'), len(2, double(1, 1)), ...labels)))
    })

    it('1.0 as 2.0: more references than the table holds at first', () => {
      const empty = new Uint8Array(60_000).map((_, i) => (i % 2 === 0 ? 0x0a : 0))
      up(len(1, concat(label('tenant', 'a'), empty)))
    })

    it('1.0 as 2.0: more entries of metadata than the table holds, from its middle and from its very end', () => {
      const usual = { metadata: 'default', defaultTenant: 'd' } as const
      const entry = metadata('up', 'help')
      const entries = new Array<Uint8Array>(8000).fill(entry)
      expect(up(concat(...entries), usual).shares).toMatchObject([{ kind: 'aside', metadata: 8000 }])
      // Wherever the table ends: before the row of the entry, and between that and the row of what goes aside.
      for (let count = 1800; count < 1830; count++) {
        split = start()
        const bytes = many(count, () => ({ labels: [['tenant', 'a']] }))
        expect(up(concat(bytes, entry), usual).shares).toHaveLength(2)
      }
    })

    it('1.0 as 2.0: more rows than the table holds at first', () => {
      const bytes = many(12_000, () => ({ labels: [['tenant', 'a']], samples: [] }))
      expect(up(bytes).shares).toMatchObject([{ series: 12_000 }])
    })
  })
}
