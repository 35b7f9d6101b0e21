/** Entries of 1.0 metadata beside shares of 2.0, which has no place for them. */
import { expect } from 'vitest'
import type { Split } from '../../../../src/remote-write/split.ts'
import { message, metadata, push, rules, series, timeSeries } from '../../../support/messages.ts'
import { decodedShare, expectFault, refusalsSeen, splitBytes } from '../../../support/split.ts'
import { concat, len, varintField } from '../../../support/wire.ts'
import type { Case } from '../split.cases.ts'

const TO_DEFAULT = { output: '2.0', metadata: 'default', defaultTenant: 'd', missing: 'default' } as const
const up = metadata('up', 'help of up')
/** Longer than it need be, and with what no schema knows: it goes out as it came. */
const odd = len(3, concat(varintField(99, 7), len(2, 'down')), { tag: 2, length: 4 })

export function asideCases(check: Case, split: Split): void {
  check('1.0 as 2.0: entries of metadata go beside the share of the default tenant, as they came', () => {
    const a = timeSeries(series({ tenant: 'a' }))
    const d = timeSeries(series({ n: 'v', cluster: 'x' }))
    const pushed = concat(up, a, odd, d, len(100, 'x'))
    const { shares, received } = splitBytes(split, '1.0', pushed, TO_DEFAULT)
    expect(shares).toMatchObject([
      { tenant: 'd', kind: 'series', protocol: '2.0', series: 1, metadata: 0, ha: ['x', ''], alone: false },
      { tenant: 'd', kind: 'aside', protocol: '1.0', series: 0, samples: 0, metadata: 2, alone: false },
      { tenant: 'a', kind: 'series', protocol: '2.0', series: 1, metadata: 0 },
    ])
    expect(decodedShare(shares[1]!)).toEqual(concat(up, odd))
    expect(decodedShare(shares[0]!)).toEqual(message('2.0', [series({ n: 'v', cluster: 'x' })]))
    expect(received).toMatchObject({ series: 2, metadata: 2 })
  })

  check('1.0 as 2.0: a tenant that has metadata only has no other share', () => {
    const { shares } = splitBytes(split, '1.0', concat(up, odd), TO_DEFAULT)
    expect(shares).toMatchObject([{ tenant: 'd', kind: 'aside', metadata: 2, series: 0, ha: ['', ''] }])
  })

  check('1.0 as 2.0: entries of metadata stand behind the series that go beside the share', () => {
    const lone = series({ n: 'v' }, { samples: [], exemplars: [{ labels: [], rest: varintField(3, 1) }] })
    const { shares } = splitBytes(split, '1.0', concat(up, timeSeries(lone), odd), TO_DEFAULT)
    expect(shares).toMatchObject([{ kind: 'aside', series: 1, exemplars: 1, metadata: 2 }])
    expect(decodedShare(shares[0]!)).toEqual(concat(timeSeries(lone), up, odd))
  })

  check(
    '1.0 as 2.0: entries of metadata are refused with a default tenant that is none, and dropped without one',
    () => {
      const bad = splitBytes(split, '1.0', concat(up, odd), { ...TO_DEFAULT, defaultTenant: 'a b' })
      expect(bad.shares).toEqual([])
      expect(refusalsSeen(bad)).toEqual(['invalid_tenant 0 "a b"'])
      expect(bad.refusals).toMatchObject([{ metadata: 2 }])
      const none = splitBytes(split, '1.0', concat(up, odd), { ...TO_DEFAULT, defaultTenant: '' })
      expect(none).toMatchObject({ shares: [], refusals: [], received: { metadata: 2 } })
      const full = splitBytes(split, '1.0', concat(timeSeries(series({ tenant: 'a' })), up), {
        ...TO_DEFAULT,
        maxTenants: 1,
      })
      expect(full.shares).toMatchObject([{ tenant: 'a', kind: 'series' }])
      expect(full.refusals).toMatchObject([{ reason: 'too_many_tenants', metadata: 1 }])
    },
  )

  check('1.0 as 2.0: what goes beside a share counts against the limit of the output', () => {
    const pushed = concat(timeSeries(series({ n: 'v' })), up, odd)
    const { shares } = splitBytes(split, '1.0', pushed, TO_DEFAULT)
    const total = shares.reduce((sum, it) => sum + it.decodedBytes, 0)
    const limited = (maxOutputBytes: number) =>
      split(push('1.0', pushed), rules({ ...TO_DEFAULT, maxOutputBytes }))
    expect(limited(total)).toMatchObject({ ok: true })
    expectFault(limited(total - 1), 'split_output_too_large', 0)
    expectFault(limited(up.length), 'split_output_too_large', 0)
  })
}
