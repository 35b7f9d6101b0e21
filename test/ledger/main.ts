/**
 * `npm run ledger`: does every acknowledged sample reach the store, under its own tenant and no other, once, in order?
 * Exits with 1 where the books don't close.
 *
 *     npm run ledger -- --minutes 10 --faults --kill
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { complaints } from './check.ts'
import { runLedger } from './run.ts'

const HELP = `npm run ledger -- [options]
  --minutes N     (1)
  --faults        between Sluice and the store
  --losing        with --faults: 429 and 400 too, after which senders drop data
  --kill          SIGKILL and SIGTERM to Sluice, SIGKILL to the store, every 10 s or so
  --reloads N     a new configuration a second: every third is bad, every fifth moves tenants between stores
  --senders N     (16)
  --tenants N     (20)
  --series N      per push (200)
  --interval MS   between two pushes of a sender (100)
  --protocol P    1.0, 2.0 or both (1.0)
  --seed N        repeats the choice of faults
  --config FILE   further keys of sluice.yaml
`

const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    faults: { type: 'boolean', default: false },
    losing: { type: 'boolean', default: false },
    kill: { type: 'boolean', default: false },
    reloads: { type: 'string', default: '0' },
    senders: { type: 'string', default: '16' },
    tenants: { type: 'string', default: '20' },
    series: { type: 'string', default: '200' },
    interval: { type: 'string', default: '100' },
    protocol: { type: 'string', default: '1.0' },
    seed: { type: 'string' },
    config: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (args.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  if (args.protocol !== '1.0' && args.protocol !== '2.0' && args.protocol !== 'both')
    throw new Error('--protocol is 1.0, 2.0 or both')
  if (args.kill && args.reloads !== '0')
    throw new Error('--kill takes what --reloads has changed; one at a time')
  const seed = Number(args.seed ?? Date.now() % 1_000_000)
  const own =
    args.config === undefined ? {} : (parse(readFileSync(args.config, 'utf8')) as Record<string, unknown>)
  process.stderr.write(`seed ${seed}\n`)
  const report = await runLedger({
    seconds: Number(args.minutes) * 60,
    graceSeconds: 90,
    senders: Number(args.senders),
    tenants: Number(args.tenants),
    series: Number(args.series),
    intervalMs: Number(args.interval),
    protocol: args.protocol,
    faults: args.faults,
    losing: args.losing,
    phaseMs: 4_000,
    killEverySeconds: args.kill ? 10 : 0,
    reloads: Number(args.reloads),
    reloadEveryMs: 1_000,
    seed,
    timeoutMs: 30_000,
    minBackoffMs: 30,
    maxBackoffMs: 5_000,
    maxRetryAfterMs: 10_000,
    // A hung request shall not fill the run with waiting.
    config: { timeout: '3s', ...own },
    tell: line => void process.stderr.write(`${line}\n`),
  })

  const wrong = [
    ...complaints(report.balance),
    // A kill takes the memo along; without one, a push that is sent again reaches only who misses it.
    ...(!args.kill && report.balance.copiesAfterDelivery > 0
      ? [`copies after delivery: ${report.balance.copiesAfterDelivery}`]
      : []),
    ...(report.unreadable > 0 ? [`unreadable: ${report.unreadable}`] : []),
    ...report.busyGauges.map(gauge => `still in flight: ${gauge}`),
    ...(report.pushes.open > 0 ? [`pushes without an end: ${report.pushes.open}`] : []),
    ...(report.reloads?.wrong ?? []),
    ...(report.reloads?.gone ?? []).map(series => `still there: ${series}`),
    ...failures(report.statuses),
    ...(report.exitCode === 0 ? [] : [`exit code after SIGTERM: ${report.exitCode}`]),
  ]
  const { balance, ...rest } = report
  const lines = Object.entries({ ...balance, ...rest }).map(
    ([name, value]) => `${name.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  process.stdout.write(`${lines.join('\n')}\n${wrong.length === 0 ? 'the books close' : wrong.join('\n')}\n`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}

/** A changed configuration is no reason for a push to fail; faults are one. */
function failures(statuses: Readonly<Record<string, number>>): readonly string[] {
  if (args.reloads === '0' || args.faults) return []
  const failed = Object.entries(statuses).filter(([status]) => !status.startsWith('2'))
  return failed.map(([status, n]) => `pushes that failed with ${status}: ${n}`)
}
