import { expect, test } from 'vitest'
import { DEFAULT_LIMITS, Memory, type ReceivedSeries } from '../../../src/demo/memory.ts'
import type { TenantId } from '../../../src/tenant.ts'

const A = 'team-a' as TenantId
const B = 'team-b' as TenantId

const series = (name: string, ...times: number[]): ReceivedSeries => ({
  labels: [['__name__', name]],
  samples: times.map(time => ({ time, bits: BigInt(time) })),
})

const names = (memory: Memory, tenant: TenantId): string[] =>
  [...memory.series(tenant)].map(({ labels }) => labels[0]?.[1] ?? '')

test('a tenant sees its own series only', () => {
  const memory = new Memory()
  expect(memory.push(A, [series('a', 1, 2)])).toEqual([])
  expect(memory.push(B, [series('b', 1)])).toEqual([])
  expect(names(memory, A)).toEqual(['a'])
  expect(names(memory, B)).toEqual(['b'])
  expect(names(memory, 'team-c' as TenantId)).toEqual([])
  expect(memory.stats()).toEqual([
    { tenant: A, series: 1, samples: 2, pushes: 1, refused: 0 },
    { tenant: B, series: 1, samples: 1, pushes: 1, refused: 0 },
  ])
})

test('a retry of the same samples is welcome and not counted twice', () => {
  const memory = new Memory()
  memory.push(A, [series('a', 1)])
  expect(memory.push(A, [series('a', 1)])).toEqual([])
  expect(memory.stats()[0]).toMatchObject({ samples: 1, pushes: 2, refused: 0 })
})

test('an older sample, or another value for the same time, is out of order', () => {
  const memory = new Memory()
  memory.push(A, [series('a', 5)])
  expect(memory.push(A, [series('a', 4)])).toEqual(['out of order sample'])
  const other = { labels: [['__name__', 'a']], samples: [{ time: 5, bits: 7n }] } as const
  expect(memory.push(A, [other])).toEqual(['out of order sample'])
  expect(memory.stats()[0]).toMatchObject({ samples: 1, refused: 2 })
})

test('a series that is wrong does not take its neighbours with it', () => {
  const memory = new Memory()
  const nameless = { labels: [['job', 'x']], samples: [] } as const
  const double = {
    labels: [
      ['__name__', 'x'],
      ['a', '1'],
      ['a', '2'],
    ],
    samples: [],
  } as const
  expect(memory.push(A, [nameless, nameless, double, series('a', 1)])).toEqual([
    'a series has no metric name (2 series)',
    'a label name occurs twice',
  ])
  expect(names(memory, A)).toEqual(['a'])
})

test('series and tenants beyond the bound are refused, and known ones go on', () => {
  const memory = new Memory({ ...DEFAULT_LIMITS, seriesPerTenant: 2, series: 3, tenants: 2 }, () => 100)
  expect(memory.push(A, [series('a', 1), series('b', 1), series('c', 1)])).toEqual([
    'this store holds 2 series per tenant and takes no new one',
  ])
  expect(memory.push(B, [series('a', 1), series('b', 1)])).toEqual([
    'this store holds 3 series and takes no new one',
  ])
  expect(memory.push('team-c' as TenantId, [series('a', 1)])).toEqual([
    'this store holds 2 tenants and takes no new one',
  ])
  expect(memory.push(A, [series('a', 2), series('b', 2)])).toEqual([])
})

test('long labels are refused', () => {
  const memory = new Memory({ ...DEFAULT_LIMITS, labelLength: 20 })
  expect(memory.push(A, [series('a'.repeat(13), 1)])).toEqual([
    'labels of a series are longer than 20 characters',
  ])
})

test('a series that was not written for ten minutes makes room', () => {
  let now = 0
  const memory = new Memory({ ...DEFAULT_LIMITS, seriesPerTenant: 2 }, () => now)
  memory.push(A, [series('old', 1), series('live', 1)])
  now = 11 * 60_000
  memory.push(A, [series('live', now)])
  expect(memory.push(A, [series('new', now)])).toEqual([])
  expect(names(memory, A)).toEqual(['live', 'new'])
})

test('a push that can’t be read is counted for a tenant that is known, and makes none', () => {
  const memory = new Memory()
  memory.refuse(A)
  expect(memory.stats()).toEqual([])
  memory.push(A, [])
  memory.refuse(A)
  expect(memory.stats()[0]).toMatchObject({ pushes: 2, refused: 1 })
})
