import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Encoding, Protocol, Push, Split } from '../../../../src/remote-write/split.ts'
import { rules } from '../../../support/messages.ts'
import { done, seen } from '../../../support/split.ts'
import type { Case } from '../split.cases.ts'

interface Recorded {
  readonly file: string
  readonly encoding: Encoding
  readonly protocol: Protocol
  /** Tenant, series, and how many of these hold native histograms. */
  readonly shares: readonly string[]
  readonly withoutTenant: number
}

export const RECORDED: readonly Recorded[] = [
  of('prometheus-3.14/rw1/001', 'snappy', '1.0', ['team-c 885 16', 'team-b 233 0', 'team-a 233 0'], 649),
  of('prometheus-3.14/rw1/009', 'snappy', '1.0', ['team-c 657 18', 'team-b 233 0'], 417),
  of('prometheus-3.14/rw2/001', 'snappy', '2.0', ['team-c 885 16', 'team-b 233 0', 'team-a 233 0'], 649),
  of('prometheus-3.14/rw2/003', 'snappy', '2.0', ['team-c 831 36', 'team-b 279 0', 'team-a 233 0'], 657),
  of('prometheus-3.14/rw2/007', 'snappy', '2.0', ['team-c 657 18', 'team-b 233 0'], 417),
  of('vmagent-1.150/snappy/030', 'snappy', '1.0', ['team-a 235 0'], 0),
  of('vmagent-1.150/snappy/036', 'snappy', '1.0', ['team-b 235 0', 'team-a 235 0'], 0),
  of('vmagent-1.150/zstd/015', 'zstd', '1.0', ['team-b 235 0', 'team-a 235 0'], 0),
  of('vmagent-1.150/zstd/022', 'zstd', '1.0', ['team-b 235 0', 'team-a 235 0'], 0),
]

function of(
  file: string,
  encoding: Encoding,
  protocol: Protocol,
  shares: readonly string[],
  withoutTenant: number,
): Recorded {
  return { file, encoding, protocol, shares, withoutTenant }
}

/** A push as a real sender sent it; the file is named without `.bin`. */
export function recorded(file: string, encoding: Encoding, protocol: Protocol): Push {
  const url = new URL(`../../../fixtures/${file}.bin`, import.meta.url)
  return { body: new Uint8Array(readFileSync(url)), encoding, protocol }
}

export function recordedCases(check: Case, split: Split): void {
  for (const { file, encoding, protocol, shares, withoutTenant } of RECORDED) {
    check(`${file} is split by its tenants`, () => {
      const result = done(split(recorded(file, encoding, protocol), rules({ strip: true })))
      expect(result.shares.map(it => `${it.tenant} ${it.series} ${it.histograms}`)).toEqual(shares)
      expect(result.refusals.reduce((sum, refusal) => sum + refusal.series, 0)).toBe(withoutTenant)
      for (const message of Object.values(seen(result, protocol))) {
        for (const { labels } of message.series) {
          expect(labels.map(([name]) => name)).not.toContain('tenant')
          expect(labels.map(([name]) => name)).toContain('__name__')
        }
      }
    })
  }

  check('prometheus-3.14/rw1/003 is metadata alone', () => {
    const push = recorded('prometheus-3.14/rw1/003', 'snappy', '1.0')
    expect(done(split(push, rules())).shares).toEqual([])
    const { shares } = done(split(push, rules({ metadata: 'default', defaultTenant: 'd' })))
    expect(shares).toMatchObject([{ tenant: 'd', series: 0, metadata: 450 }])
    expect(shares[0]?.body).toEqual(push.body)
  })
}
