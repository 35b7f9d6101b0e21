import { Counter, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { readCounts } from '../../../src/demo/counts.ts'

function registryOfSluice() {
  const registry = new Registry()
  const counter = (name: string, ...labelNames: string[]) =>
    new Counter({ name: `sluice_${name}`, help: 'h', labelNames, registers: [registry] })
  return {
    registry,
    pushes: counter('pushes_total', 'protocol', 'status'),
    shares: counter('shares_total', 'verdict', 'tenant'),
    refused: counter('refused_series_total', 'reason', 'policy'),
  }
}

test('counters are summed over the labels that the table does not show', async () => {
  const { registry, pushes, shares, refused } = registryOfSluice()
  pushes.inc({ protocol: '1.0', status: '204' }, 2)
  pushes.inc({ protocol: '2.0', status: '204' }, 3)
  pushes.inc({ protocol: '1.0', status: '503' })
  shares.inc({ verdict: 'delivered', tenant: 'a' }, 9)
  shares.inc({ verdict: 'rejected', tenant: 'b' }, 2)
  shares.inc({ verdict: 'unreachable', tenant: 'b' }, 4)
  refused.inc({ reason: 'missing_tenant', policy: 'reject' }, 5)
  refused.inc({ reason: 'invalid_tenant', policy: 'drop' }, 6)
  expect(await readCounts(registry)).toEqual({
    answers: new Map([
      ['204', 5],
      ['503', 1],
    ]),
    failedShares: new Map([['b', 6]]),
    refusedSeries: 11,
  })
})

test('a metric that Sluice does not have is a bug, not a zero', async () => {
  await expect(readCounts(new Registry())).rejects.toThrow('BUG: Sluice has no metric sluice_pushes_total')
})
