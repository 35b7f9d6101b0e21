import { expect, test } from 'vitest'
import { runOverload } from '../../bench/overload/run.ts'

test('more pushes than the store can take end in 204 or 503, and leave nothing behind', {
  timeout: 60_000,
}, async () => {
  const report = await runOverload({
    senders: 60,
    tenants: 5,
    series: 50,
    protocol: '1.0',
    storeBytesPerSecond: 100_000,
    latencyMs: 5,
    factor: 5,
    calmSeconds: 1,
    overloadSeconds: 3,
    recoverySeconds: 10,
    config: { concurrency: 20 },
    tell: () => {},
  })
  expect(Object.keys(report.overload.statuses).sort()).toEqual(['204', '503'])
  expect(Object.keys(report.after.at(-1)!.statuses)).toEqual(['204'])
  expect(report.busyGauges).toEqual([])
  expect(report.exitCode).toBe(0)
})
