/**
 * What only the kernel has: tables that grow, paths for the common case and their ends. Each push is split by it and by
 * the reference, and the results are equal.
 */
import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Protocol, Push, Split, SplitRules } from '../../../src/remote-write/split.ts'
import { expectAsReference } from '../../support/kernel.ts'
import {
  label,
  message,
  packed,
  push,
  rules,
  type SeriesText,
  SymbolTable,
  sample,
  series,
  timeSeries,
  timeSeriesV2,
} from '../../support/messages.ts'
import { done } from '../../support/split.ts'
import { concat, len, varint, varintField } from '../../support/wire.ts'

/** `start` gives an engine with tables as small as they are at first: each case gets one. */
export function kernelCases(engine: string, start: () => Split): void {
  let split: Split
  beforeEach(() => {
    split = start()
  })
  const same = (push: Push, changes: Partial<SplitRules> = {}) =>
    done(expectAsReference(split, push, rules({ strip: true, ...changes })))
  const both = (title: string, run: (protocol: Protocol) => void) => {
    for (const protocol of ['1.0', '2.0'] as const) it(`${protocol}: ${title}`, () => run(protocol))
  }
  const many = (count: number, make: (i: number) => SeriesText) =>
    Array.from({ length: count }, (_, i) => make(i))
  /** A block of one message, written by hand. */
  const block = (length: number, ...elements: readonly Uint8Array[]): Push => {
    return { body: concat(varint(length), ...elements), encoding: 'snappy', protocol: '1.0' }
  }

  describe(engine, () => {
    both('more series than the table holds at first', protocol => {
      const list = many(4000, i => series({ n: `${i}`, tenant: `t${i % 7}` }))
      expect(same(push(protocol, message(protocol, list))).shares).toHaveLength(7)
    })

    both('more names and families than the table holds at first', protocol => {
      const described = { metadata: { type: 1, help: 'h', unit: '' } }
      const list = many(2000, i => series({ __name__: `m${i}`, tenant: 't' }, described))
      const families = protocol === '1.0' ? 'names' : 'metadata'
      const { reported } = same(push(protocol, message(protocol, list)), { families })
      expect([...reported.names, ...reported.families]).toHaveLength(1)
    })

    it('1.0: more metadata entries than the table holds at first', () => {
      const entries = Array.from({ length: 20_000 }, () => len(3, new Uint8Array(0)))
      const { reported } = same(push('1.0', concat(...entries)), { metadata: 'report' })
      expect(reported.entries).toHaveLength(20_000)
    })

    both('more tenants than the table holds at first, of each format', protocol => {
      const list = many(700, i => series({ tenant: `${i % 350}` }))
      const bytes = message(protocol, list)
      for (const format of ['mimir', 'victoriametrics'] as const) {
        expect(same(push(protocol, bytes), { format }).shares).toHaveLength(350)
        expect(
          same(push(protocol, bytes), { format, prefix: format === 'mimir' ? 'p-' : '7:' }).shares,
        ).toHaveLength(350)
      }
      const limited = same(push(protocol, bytes), { maxTenants: 65, defaultTenant: 'd', missing: 'default' })
      expect(limited.refusals).toMatchObject([{ reason: 'too_many_tenants', series: 570 }])
    })

    both('more fields beside the entries than the table holds at first', protocol => {
      const between = protocol === '1.0' ? len(3, '') : len(4, 'symbol')
      const options = Array.from({ length: 10_000 }, (_, i) =>
        concat(varintField(6, i), varintField(7, i), between),
      )
      const result = same(push(protocol, concat(message(protocol, [series({ tenant: 'a' })]), ...options)))
      expect(result.shares.map(it => it.alone)).toEqual([true])
    })

    both('a message of nothing but fields beside the entries', protocol => {
      const options = concat(...Array.from({ length: 100_000 }, () => varintField(6, 1)))
      expect(same(push(protocol, options)).shares).toEqual([])
    })

    both('accounts that are too long, too large or no number', protocol => {
      const values = [
        '0'.repeat(151),
        '0'.repeat(149),
        '4294967296',
        '1:4294967296',
        '4294967295:4294967295',
        '1:',
        ':1',
        '1:2:3',
        '00:00',
      ]
      const list = values.map(tenant => series({ tenant }))
      expect(
        same(push(protocol, message(protocol, list)), { format: 'victoriametrics' }).shares,
      ).toHaveLength(2)
      const withPrefix = { format: 'victoriametrics', prefix: '00' } as const
      expect(same(push(protocol, message(protocol, list)), withPrefix).shares).toHaveLength(3)
    })

    describe('2.0: a string of megabytes to which every series refers is not looked at for each of them', () => {
      const LONG_BYTES = 8_000_000
      const SERIES = 100_000
      const long = (last: string) => 'a'.repeat(LONG_BYTES) + last
      /** `kinds`: labels of the series, in turn. */
      const alternating = (
        kinds: readonly (readonly (readonly [string, string])[])[],
        changes: Partial<SplitRules> = {},
      ) => {
        const symbols = new SymbolTable()
        const records = concat(...kinds.map(labels => timeSeriesV2({ labels }, symbols)))
        const all = new Uint8Array(records.length * (SERIES / kinds.length))
        for (let at = 0; at < all.length; at += records.length) all.set(records, at)
        return done(split(push('2.0', concat(symbols.records(), all)), rules(changes)))
      }

      it('as a tenant that is none', () => {
        const { refusals } = alternating([[['tenant', long('')]]])
        expect(refusals).toMatchObject([{ reason: 'invalid_tenant', series: SERIES }])
      })

      it('as the name or the text of a family', () => {
        const symbols = new SymbolTable()
        const [tenant, a, name, help] = ['tenant', 'a', '__name__', long('')].map(it => symbols.ref(it)) as [
          number,
          number,
          number,
          number,
        ]
        const of = (type: number, value: number, text: number) => {
          const metadata = len(5, concat(varintField(1, type), varintField(3, text)))
          return len(5, concat(packed([tenant, a, name, value]), len(2, sample(1, 1000)), metadata))
        }
        const list = Array.from({ length: SERIES / 2 }, (_, i) => {
          return concat(of(i, help, a), of(1, symbols.ref(`m${i}`), help))
        })
        const bytes = concat(symbols.records(), ...list)
        const { reported } = done(split(push('2.0', bytes), rules({ families: 'metadata' })))
        expect(reported.families[0]?.families).toHaveLength(SERIES / 2)
      })

      it('as two tenants that are none, and disagree', () => {
        const kinds = [long('y'), long('z')].map(
          other =>
            [
              ['tenant', long('y')],
              ['x', other],
            ] as const,
        )
        const { disagreements } = alternating(kinds, { labels: ['tenant', 'x'] })
        expect(disagreements).toBe(0)
      })

      it('as a value that names a replica', () => {
        const of = (tenant: string, cluster: string) =>
          [
            ['tenant', tenant],
            ['cluster', cluster],
          ] as const
        const [one, other] = [long('y'), long('z')]
        const kinds = [of('a', one), of('a', one), of('a', other), of('none!/', other)]
        const { shares } = alternating(kinds)
        expect(shares).toMatchObject([{ tenant: 'a', ha: ['', ''], alone: true }])
      })
    })

    both('values of labels that are longer than a vector, alike and not', protocol => {
      const long = 'the-same-beginning-of-all-of-a'
      const list = ['a', 'b', 'a'].map(end => series({ tenant: `${long}-${end}`, x: `${long}-a` }))
      const other = series({ tenant: 'y'.repeat(32), x: `${long}-a` })
      const result = same(push(protocol, message(protocol, [...list, other])), { labels: ['tenant', 'x'] })
      expect(result.disagreements).toBe(2)
    })

    both('a tenant label that stands there three times, and HA labels that do', protocol => {
      const list = [
        {
          labels: [
            ['tenant', 'a'],
            ['tenant', 'b'],
            ['tenant', 'c'],
          ],
        },
        {
          labels: [
            ['cluster', 'x'],
            ['tenant', 'a'],
            ['cluster', 'y'],
          ],
        },
        {
          labels: [
            ['cluster', 'y'],
            ['tenant', 'a'],
          ],
        },
        {
          labels: [
            ['cluster', ''],
            ['tenant', 'b'],
          ],
        },
        { labels: [['tenant', 'b']] },
      ] as const
      const result = same(push(protocol, message(protocol, list)), { haLabels: ['cluster', 'tenant'] })
      expect(result.shares.map(it => it.ha)).toEqual([
        ['y', ''],
        ['', ''],
      ])
      expect(result.shares.map(it => it.alone)).toEqual([false, false])
    })

    both('names like the ones that are looked for, and very long ones', protocol => {
      const name = 'n'.repeat(130)
      const labels = { tenanx: 'a', tenant: 'b', [name]: 'c', [`${name.slice(1)}m`]: 'd' }
      const list = [series(labels), series(labels), series({ [name]: 'e' })]
      const bytes = message(protocol, list)
      expect(same(push(protocol, bytes), { labels: ['tenant', name] }).shares).toHaveLength(2)
      expect(
        same(push(protocol, bytes), { labels: [name], haLabels: [`${name.slice(1)}m`] }).shares,
      ).toHaveLength(2)
    })

    it('rules that take more room than there is at first', () => {
      const name = 'n'.repeat(10_000)
      const haLabels = Array.from({ length: 200 }, (_, i) => `replica-${i}`)
      const bytes = message('1.0', [series({ [name]: 'a', 'replica-7': 'x', 'replica-199': 'y' })])
      const result = same(push('1.0', bytes), { labels: ['tenant', name], haLabels })
      expect(result.shares[0]?.ha.filter(value => value !== '')).toEqual(['x', 'y'])
      same(push('1.0', bytes), { labels: [name], prefix: 'p'.repeat(20_000) })
    })

    both('a series with more labels than the shapes that are remembered', protocol => {
      const labels = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`l${i}`, 'v']))
      const list = [series({ ...labels, tenant: 'a' }), series({ ...labels, tenant: 'b' })]
      expect(same(push(protocol, message(protocol, list))).shares).toHaveLength(2)
    })

    both('samples, histograms and exemplars of any length', protocol => {
      const long = len(9, randomBytes(300))
      const exemplars = [{ labels: [['trace', 'x'.repeat(200)]], rest: long }] as const
      const list = many(3, i => {
        const samples = [concat(sample(1, i), long), sample(2, i)]
        return series(
          { tenant: `t${i % 2}` },
          { samples, histograms: [long, concat(sample(1, 1))], exemplars },
        )
      })
      expect(same(push(protocol, message(protocol, list))).received).toMatchObject({
        histograms: 6,
        samples: 6,
      })
    })

    it('1.0: a share that ends where a block of the encoder ends', () => {
      for (const length of [65_535, 65_536, 65_537]) {
        const labels = concat(label('tenant', 'a'), label('n', 'x'))
        // Tag and length take four bytes, the padding's own six more.
        const padding = length - 4 - label('n', 'x').length - 4
        const bytes = len(1, concat(labels, len(7, new Uint8Array(padding).fill(7))))
        expect(same(push('1.0', bytes)).shares[0]?.decodedBytes).toBe(length)
      }
    })

    it('1.0: one series that takes several blocks of the encoder', () => {
      const bytes = timeSeries(series({ tenant: 'a', n: 'x' }, { samples: [randomBytes(200_000)] }))
      same(push('1.0', bytes))
      same(push('1.0', bytes), { compression: 'none' })
    })

    it('2.0: more symbols and references than the tables hold at first, with references of three bytes', () => {
      const symbols = new SymbolTable()
      const list = many(20_000, i => {
        return series(
          { n: `value-${i}`, tenant: `t${i % 3}` },
          { metadata: { type: 1, help: `help ${i}`, unit: '' } },
        )
      })
      const records = list.map(text => timeSeriesV2(text, symbols))
      expect(symbols.strings.length).toBeGreaterThan(16_384)
      expect(same(push('2.0', concat(symbols.records(), ...records))).shares).toHaveLength(3)
    })

    it('2.0: series with hundreds and with thousands of labels', () => {
      for (const count of [70, 300, 9000]) {
        const labels = Array.from({ length: count }, (_, i) => [`l${i % 90}`, `v${i % 50}`] as const)
        const list = [{ labels: [...labels, ['tenant', 'a'] as const] }, series({ tenant: 'b' })]
        expect(same(push('2.0', message('2.0', list))).shares).toHaveLength(2)
      }
    })

    it('2.0: a record of references that reaches past its series', () => {
      const symbols = new SymbolTable()
      const record = timeSeriesV2(series({ tenant: 'a' }), symbols)
      const broken = len(5, packed([1, 2]).subarray(0, 3))
      const result = split(push('2.0', concat(symbols.records(), record, broken)), rules())
      expect(result).toMatchObject({ ok: false, code: 'protobuf_malformed' })
      expectAsReference(split, push('2.0', concat(symbols.records(), record, broken)), rules())
    })

    it('2.0: shares that grow beyond what the push took, because all tenants use a long string', () => {
      const help = randomBytes(80_000).toString('latin1')
      const list = many(40, i => series({ tenant: `t${i}` }, { metadata: { type: 1, help, unit: 's' } }))
      const result = same(push('2.0', message('2.0', list)), { maxOutputBytes: 2 ** 24 })
      expect(result.shares).toHaveLength(40)
    })

    it('elements of a block in places where no encoder of ours puts them', () => {
      const bytes = message(
        '1.0',
        many(60, i => series({ n: `${i}`, tenant: 'a' })),
      )
      const raw = push('1.0', bytes)
      // A copy with four bytes of offset, in the middle: the same bytes as a literal would be.
      const literal = (part: Uint8Array) =>
        concat(Uint8Array.of(61 << 2, (part.length - 1) & 255, (part.length - 1) >> 8), part)
      const half = bytes.length >> 1
      const twice = concat(bytes, bytes)
      const copies: Uint8Array[] = []
      for (let from = 0; from < bytes.length; from += 64) {
        const length = Math.min(64, bytes.length - from)
        copies.push(Uint8Array.of(((length - 1) << 2) | 3, ...le32(bytes.length)))
      }
      same(block(bytes.length, literal(bytes)))
      expect(same(block(twice.length, literal(bytes), ...copies)).received.series).toBe(120)
      for (const broken of [
        block(
          bytes.length,
          literal(bytes.subarray(0, half)),
          Uint8Array.of((9 << 2) | 3, ...le32(2 ** 20)),
          literal(bytes),
        ),
        block(
          bytes.length,
          literal(bytes.subarray(0, half)),
          Uint8Array.of((9 << 2) | 3, ...le32(0)),
          literal(bytes),
        ),
        block(
          bytes.length,
          literal(bytes.subarray(0, 300)),
          Uint8Array.of(62 << 2, 255, 255, 255),
          literal(bytes),
        ),
        block(
          bytes.length,
          literal(bytes.subarray(0, 300)),
          Uint8Array.of(63 << 2, 255, 255, 255, 255),
          literal(bytes),
        ),
        block(600, literal(bytes.subarray(0, 300)), literal(bytes), literal(bytes)),
      ]) {
        expect(expectAsReference(split, broken, rules()).ok).toBe(false)
      }
      expect(raw.body.length).toBeGreaterThan(0)
    })

    it('zstd, complete, cut off, and longer than the limit', () => {
      const bytes = message(
        '1.0',
        many(500, i => series({ n: `${i}`, tenant: `t${i % 3}` })),
      )
      const body = new Uint8Array(zstdCompressSync(bytes))
      const whole: Push = { body, encoding: 'zstd', protocol: '1.0' }
      expect(same(whole).shares).toHaveLength(3)
      const cutOff = expectAsReference(split, { ...whole, body: body.subarray(0, 99) }, rules())
      expect(cutOff).toMatchObject({ ok: false, code: 'zstd_corrupt' })
      const tooLong = expectAsReference(split, whole, rules({ maxDecodedBytes: bytes.length - 1 }))
      expect(tooLong).toMatchObject({ ok: false, code: 'decoded_too_large' })
    })

    it('a small push after a large one is split as before it', () => {
      const small = push('1.0', message('1.0', [series({ tenant: 'a' })]))
      const huge = push('1.0', timeSeries(series({ tenant: 'a' }, { samples: [new Uint8Array(30_000_000)] })))
      const before = split(small, rules())
      expect(done(split(huge, rules({ strip: true }))).decodedBytes).toBeGreaterThan(30_000_000)
      expect(split(small, rules())).toEqual(before)
    })
  })
}

function le32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]
}
