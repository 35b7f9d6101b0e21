import { expect, test } from 'vitest'
import { complaints } from '../ledger/check.ts'
import { runLedger } from '../ledger/run.ts'

/** The short form of `npm run ledger -- --reloads N`. */
test('the ledger of a real process closes while its configuration changes, and no push fails', {
  timeout: 60_000,
}, async () => {
  const report = await runLedger({
    seconds: 3,
    graceSeconds: 20,
    senders: 8,
    tenants: 6,
    series: 60,
    intervalMs: 20,
    protocol: 'both',
    faults: false,
    losing: false,
    phaseMs: 300,
    killEverySeconds: 0,
    // The fifth and the tenth move tenants.
    reloads: 11,
    reloadEveryMs: 300,
    seed: 5,
    timeoutMs: 10_000,
    minBackoffMs: 20,
    maxBackoffMs: 200,
    maxRetryAfterMs: 200,
    config: { timeout: '3s' },
    tell: () => {},
  })
  expect(complaints(report.balance)).toEqual([])
  expect(report.balance).toMatchObject({ copies: 0, samplesAcknowledged: report.balance.samplesSent })
  expect(Object.keys(report.statuses)).toEqual(['204'])
  expect(report.reloads).toMatchObject({ taken: 8, refused: 3, moves: 2, wrong: [], gone: [] })
  expect(report).toMatchObject({ unreadable: 0, busyGauges: [], exitCode: 0 })
})
