import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { convert } from '../../../src/remote-write/convert.ts'
import { splitByReference } from '../../../src/remote-write/reference/engine.ts'
import type { Protocol, Push, Split, SplitShare } from '../../../src/remote-write/split.ts'
import type { TenantId } from '../../../src/tenant.ts'
import { freshKernel } from '../../support/kernel.ts'
import { message, metadata, packed, push, rules, sample, series } from '../../support/messages.ts'
import { decodedShare, done } from '../../support/split.ts'
import { concat, len, varintField } from '../../support/wire.ts'

const ROOM = 64 * 1024 * 1024
const FIXTURES = new URL('../../fixtures/', import.meta.url)

/** Pushes of a real sender, which hold histograms, metadata and all. */
function recorded(protocol: Protocol): Push[] {
  const folder = new URL(`prometheus-3.14/rw${protocol === '1.0' ? 1 : 2}/`, FIXTURES)
  return readdirSync(folder)
    .filter(file => file.endsWith('.bin'))
    .map(file => ({
      body: new Uint8Array(readFileSync(new URL(file, folder))),
      encoding: 'snappy',
      protocol,
    }))
}

/** Of two tenants, with times that 1.0 can't carry, exemplars, and HA labels that tell the tenants apart. */
function made(protocol: Protocol): Push {
  const start = protocol === '2.0' ? varintField(3, 900) : new Uint8Array(0)
  const list = ['a', 'b', 'a'].map((tenant, i) =>
    series(
      { __name__: 'm', cluster: tenant, n: `${i}`, tenant },
      {
        samples: [concat(sample(i, 1000), start)],
        exemplars: [{ labels: [['trace', `${i}`]], rest: varintField(3, 5) }],
      },
    ),
  )
  return push(protocol, message(protocol, list))
}

const opened = (share: SplitShare) => ({ ...share, body: Buffer.from(decodedShare(share)).toString('hex') })

describe.each([
  ['the reference engine', splitByReference],
  ['the kernel', freshKernel()],
] as const)('a share that is converted by %s', (_, split: Split) => {
  it.each([
    ['2.0', '1.0'],
    ['1.0', '2.0'],
  ] as const)('from %s to %s: is what the push would have been split into', (from, to) => {
    for (const pushed of [made(from), ...recorded(from)]) {
      const usual = rules({ strip: true, missing: 'default', defaultTenant: 'none' })
      const before = done(split(pushed, usual))
      const converted = before.shares.map(share => {
        const result = convert(split, share, to, ROOM)
        if (!result.ok) throw new Error(result.detail)
        return result
      })
      const direct = done(split(pushed, { ...usual, output: to }))
      expect(converted.flatMap(it => it.shares).map(opened)).toEqual(direct.shares.map(opened))
      const lost = converted.reduce((sum, it) => sum + it.createdTimestampsLost, 0)
      expect(lost).toBe(direct.createdTimestampsLost)
    }
  })

  it('keeps what it is to the lane: tenant, replica, and whether it travels alone', () => {
    const [share] = done(split(made('2.0'), rules())).shares
    const odd = { ...share!, tenant: '4294967295:7' as TenantId, ha: ['x', '\u0000'], alone: true }
    expect(convert(split, odd, '1.0', ROOM)).toMatchObject({
      ok: true,
      shares: [{ tenant: '4294967295:7', ha: ['x', '\u0000'], alone: true, kind: 'series', protocol: '1.0' }],
      createdTimestampsLost: 2,
    })
  })

  it('is the same share where it is of that protocol already', () => {
    const [share] = done(split(made('1.0'), rules())).shares
    expect(convert(split, share!, '1.0', 0)).toEqual({
      ok: true,
      shares: [share],
      createdTimestampsLost: 0,
      histogramsLost: 0,
      families: [],
    })
  })

  it('stays together whatever its labels say', () => {
    const list = ['all', 'none', '', 'a b'].map(value => series({ tenant: value, '': value }))
    const [share] = done(
      split(
        push('2.0', message('2.0', list)),
        rules({ missing: 'default', invalid: 'default', labels: ['x'], defaultTenant: 'd' }),
      ),
    ).shares
    const result = convert(split, share!, '1.0', ROOM)
    expect(result).toMatchObject({ ok: true, shares: [{ tenant: 'd', series: 4 }] })
  })

  it('has its metadata beside it, to 2.0', () => {
    const bytes = concat(message('1.0', [series({ tenant: 'a' })]), metadata('up', 'help'))
    const usual = rules({ missing: 'default', defaultTenant: 'a', metadata: 'default', haLabels: [] })
    const [share] = done(split(push('1.0', bytes), usual)).shares
    const result = convert(split, share!, '2.0', ROOM)
    expect(result).toMatchObject({
      ok: true,
      shares: [
        { tenant: 'a', kind: 'series', protocol: '2.0', series: 1, metadata: 0 },
        { tenant: 'a', kind: 'aside', protocol: '1.0', series: 0, metadata: 1 },
      ],
    })
  })

  it('has nothing of what 1.0 can’t say, and is none where that is all', () => {
    const custom = concat(varintField(4, 105), len(16, new Uint8Array(8)))
    const usual = varintField(4, 1)
    const of = (...histograms: Uint8Array[]) => series({ tenant: 'a' }, { samples: [], histograms })
    const [some] = done(split(push('2.0', message('2.0', [of(custom), of(usual, custom)])), rules())).shares
    expect(convert(split, some!, '1.0', ROOM)).toMatchObject({
      ok: true,
      shares: [{ tenant: 'a', series: 1, histograms: 1 }],
      histogramsLost: 2,
    })
    const [all] = done(split(push('2.0', message('2.0', [of(custom)])), rules())).shares
    expect(convert(split, all!, '1.0', ROOM)).toMatchObject({ ok: true, shares: [], histogramsLost: 1 })
  })

  it('tells what its metadata says, because 1.0 has it elsewhere', () => {
    const list = ['a', 'b'].map(tenant =>
      series(
        { __name__: `of_${tenant}`, tenant },
        { metadata: { type: 2, help: `help ${tenant}`, unit: 's' } },
      ),
    )
    const [share] = done(split(push('2.0', message('2.0', list)), rules())).shares
    expect(convert(split, share!, '1.0', ROOM)).toMatchObject({
      families: [{ name: 'of_a', type: 2, help: 'help a', unit: 's' }],
    })
  })

  it('is refused where it would get longer than there is room for, or holds what is no sample', () => {
    const list = Array.from({ length: 50 }, () => series({ tenant: 'a', x: 'l'.repeat(1000) }))
    const [share] = done(split(push('2.0', message('2.0', list)), rules())).shares
    expect(convert(split, share!, '1.0', 50_000)).toMatchObject({ ok: false, code: 'split_output_too_large' })
    const table = concat(...['', 'tenant', 'a'].map(it => len(4, it)))
    const bytes = concat(table, len(5, concat(packed([1, 2]), len(2, Uint8Array.of(0x80)))))
    const [broken] = done(split(push('2.0', bytes), rules())).shares
    expect(convert(split, broken!, '1.0', ROOM)).toMatchObject({ ok: false, code: 'protobuf_malformed' })
  })
})
