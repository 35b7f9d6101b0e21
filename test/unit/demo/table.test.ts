import { expect, test } from 'vitest'
import { History, type Snapshot } from '../../../src/demo/table.ts'
import type { TenantId } from '../../../src/tenant.ts'

const stats = (tenant: string, samples: number, pushes: number) => ({
  tenant: tenant as TenantId,
  series: 1234,
  samples,
  pushes,
  refused: 0,
})

const snapshot = (at: number, ...stored: readonly ReturnType<typeof stats>[]): Snapshot => ({
  at,
  stored,
  sender: { delivered: 7, retried: 0, dropped: 0, lastError: '' },
  sluice: { answers: new Map(), failedShares: new Map(), refusedSeries: 0 },
})

const cells = (line: string | undefined) => line?.trim().split(/ +/)

test('a row has the rates since its tenant was first seen', () => {
  const history = new History()
  history.add(snapshot(1000, stats('team-a', 100, 1)))
  history.add(snapshot(3000, stats('team-a', 300, 4), stats('team-b', 10, 1)))
  const lines = history.lines(10)
  expect(cells(lines[0])).toEqual(['TENANT', 'SERIES', 'SAMPLES/S', 'REQUESTS/S', 'SAMPLES', 'ERRORS'])
  expect(cells(lines[1])).toEqual(['team-a', '1,234', '100.0', '1.5', '300', '0'])
  expect(cells(lines[2])).toEqual(['team-b', '1,234', '-', '-', '10', '0'])
  expect(new Set(lines.slice(0, 3).map(line => line.length)).size).toBe(1)
})

test('rates are of the last ten seconds', () => {
  const history = new History()
  for (let second = 0; second <= 60; second++) {
    history.add(
      snapshot(second * 1000, stats('team-a', second < 30 ? second * 1000 : 30_000 + second, second)),
    )
  }
  expect(cells(history.lines(10)[1])?.[2]).toBe('1.0')
})

test('tenants that do not fit are counted', () => {
  const history = new History()
  history.add(snapshot(0, ...Array.from({ length: 9 }, (_, i) => stats(`t${i}`, 1, 1))))
  expect(history.lines(4)[5]).toContain('5 more')
})

test('what went wrong is shown, also for a tenant that never got into the store', () => {
  const history = new History()
  history.add({
    ...snapshot(0, stats('team-a', 1, 1)),
    sender: { delivered: 0, retried: 1, dropped: 0, lastError: '503: full' },
    sluice: {
      answers: new Map([
        ['503', 1],
        ['204', 1200],
      ]),
      failedShares: new Map([['nobody', 3]]),
      refusedSeries: 4,
    },
  })
  const lines = history.lines(5)
  expect(cells(lines[1])).toEqual(['nobody', '0', '-', '-', '0', '3'])
  expect(cells(lines[2])?.[0]).toBe('team-a')
  expect(lines.slice(3)).toEqual([
    '',
    'Pushes answered by Sluice: 1,200 × 204, 1 × 503',
    'Series refused, for want of a valid tenant: 4',
    "The embedded sender's last error: 503: full",
  ])
})
