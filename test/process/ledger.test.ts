import { describe, expect, test } from 'vitest'
import { complaints } from '../ledger/check.ts'
import { type LedgerOptions, runLedger } from '../ledger/run.ts'

/** The short form of `npm run ledger`: some seconds, an impatient sender, troubles that change quickly. */
const SHORT: LedgerOptions = {
  seconds: 4,
  graceSeconds: 20,
  senders: 8,
  tenants: 12,
  series: 60,
  intervalMs: 20,
  protocol: '1.0',
  faults: true,
  losing: false,
  phaseMs: 300,
  killEverySeconds: 0,
  reloads: 0,
  reloadEveryMs: 0,
  seed: 5,
  timeoutMs: 10_000,
  minBackoffMs: 20,
  maxBackoffMs: 200,
  maxRetryAfterMs: 200,
  config: { timeout: '1s' },
  tell: () => {},
}

describe('the ledger of a real process', { timeout: 60_000 }, () => {
  test('closes under faults between Sluice and the store', async () => {
    const report = await runLedger(SHORT)
    expect(complaints(report.balance)).toEqual([])
    expect(report.balance.samplesAcknowledged).toBe(report.balance.samplesSent)
    expect(report.pushes).toMatchObject({ refused: 0, open: 0 })
    expect(['204', '503']).toEqual(expect.arrayContaining(Object.keys(report.statuses)))
    expect(Object.keys(report.faults).length).toBeGreaterThan(3)
    expect(report).toMatchObject({ unreadable: 0, busyGauges: [], exitCode: 0 })
  })

  test('closes for 2.0 beside 1.0 under faults, and no answer claims more or less than is stored', async () => {
    const report = await runLedger({ ...SHORT, protocol: 'both', losing: true })
    expect(complaints(report.balance)).toEqual([])
    expect(report.pushes.open).toBe(0)
    expect(report.pushes.acknowledged).toBeGreaterThan(0)
    expect(report).toMatchObject({ unreadable: 0, busyGauges: [], exitCode: 0 })
  })

  test('closes when Sluice and the store are killed at random moments', async () => {
    const report = await runLedger({ ...SHORT, faults: false, killEverySeconds: 1 })
    expect(complaints(report.balance)).toEqual([])
    expect(report.balance.samplesAcknowledged).toBe(report.balance.samplesSent)
    expect(report.pushes).toMatchObject({ refused: 0, open: 0 })
    expect(Object.keys(report.kills).length).toBeGreaterThan(0)
    expect(report).toMatchObject({ unreadable: 0, busyGauges: [], exitCode: 0 })
  })
})
