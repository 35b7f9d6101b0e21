import { expect, test } from 'vitest'
import { History, type Snapshot } from '../../../src/demo/table.ts'
import type { TenantId } from '../../../src/tenant.ts'

const stats = (tenant: string, samples: number, pushes: number, refused = 0) => ({
  tenant: tenant as TenantId,
  series: 1234,
  samples,
  pushes,
  refused,
})

const snapshot = (at: number, ...tenants: readonly ReturnType<typeof stats>[]): Snapshot => ({
  at,
  tenants,
  sender: { delivered: 7, retried: 0, dropped: 0, lastError: '' },
  sluice: new Map(),
})

const cells = (line: string | undefined) => line?.trim().split(/ +/)

test('a row has the rates between two snapshots', () => {
  const history = new History()
  history.add(snapshot(1000, stats('team-a', 100, 1)))
  history.add(snapshot(3000, stats('team-a', 300, 4), stats('team-b', 10, 1, 1)))
  const lines = history.lines(10)
  expect(cells(lines[0])).toEqual(['TENANT', 'SERIES', 'SAMPLES/S', 'REQUESTS/S', 'SAMPLES', 'ERRORS'])
  expect(cells(lines[1])).toEqual(['team-a', '1,234', '100.0', '1.5', '300', '0'])
  expect(cells(lines[2])).toEqual(['team-b', '1,234', '5.0', '0.5', '10', '1'])
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

test('the last error is shown', () => {
  const history = new History()
  history.add({ ...snapshot(0), sender: { delivered: 0, retried: 1, dropped: 0, lastError: '503: full' } })
  expect(history.lines(5).at(-1)).toBe('last error: 503: full')
})
