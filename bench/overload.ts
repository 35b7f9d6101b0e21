/**
 * `npm run bench -- overload`: several times more than the store can take, for two minutes. Says what was asked beside
 * what was found, and exits with 1 where they don't agree.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { runOverload } from './overload/run.ts'

const HELP = `npm run bench -- overload [options]
  --seconds N       of overload (120)
  --factor N        times the capacity (5)
  --senders N       of the overload (1000)
  --tenants N       (10)
  --series N        per push (500)
  --protocol P      1.0 or 2.0 (1.0)
  --store-rate N    bytes per second that the store takes in (2000000)
  --latency MS      of the store (20)
  --rss-budget MiB  (400)
  --config FILE     further keys of sluice.yaml
`

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    factor: { type: 'string', default: '5' },
    senders: { type: 'string', default: '1000' },
    tenants: { type: 'string', default: '10' },
    series: { type: 'string', default: '500' },
    protocol: { type: 'string', default: '1.0' },
    'store-rate': { type: 'string', default: '2000000' },
    latency: { type: 'string', default: '20' },
    'rss-budget': { type: 'string', default: '400' },
    config: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (args.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  if (args.protocol !== '1.0' && args.protocol !== '2.0') throw new Error('--protocol is 1.0 or 2.0')
  const config =
    args.config === undefined ? {} : (parse(readFileSync(args.config, 'utf8')) as Record<string, unknown>)
  const report = await runOverload({
    senders: Number(args.senders),
    tenants: Number(args.tenants),
    series: Number(args.series),
    protocol: args.protocol,
    storeBytesPerSecond: Number(args['store-rate']),
    latencyMs: Number(args.latency),
    factor: Number(args.factor),
    calmSeconds: 15,
    overloadSeconds: Number(args.seconds),
    recoverySeconds: 30,
    config,
    tell: line => void process.stderr.write(`${line}\n`),
  })

  const { overload, capacity, goodput, offered, recovery } = report
  const mebibytes = report.peakRss / 1024 / 1024
  const others = Object.keys(overload.statuses).filter(status => status !== '204' && status !== '503')
  const checks: readonly (readonly [ok: boolean, line: string])[] = [
    [
      offered >= 0.9 * Number(args.factor) * capacity,
      `offered ${(offered / capacity).toFixed(2)} × capacity, asked ${args.factor} ×`,
    ],
    [others.length === 0, `only 204 and 503: ${JSON.stringify(overload.statuses)}`],
    [
      mebibytes <= Number(args['rss-budget']),
      `peak RSS ${mebibytes.toFixed(0)} MiB, budget ${args['rss-budget']} MiB`,
    ],
    [
      goodput >= 0.9 * capacity,
      `goodput ${((goodput / capacity) * 100).toFixed(0)} % of the maximum, asked ≥ 90 %`,
    ],
    [
      recovery !== undefined && recovery <= 10,
      `normal again after ${recovery ?? 'never in 30'} s, asked ≤ 10 s`,
    ],
    [report.busyGauges.length === 0, `in flight afterwards: ${report.busyGauges.join(', ') || 'nothing'}`],
    [report.exitCode === 0, `exit code after SIGTERM: ${report.exitCode}`],
  ]
  const p99 = (ms: number) => `${ms.toFixed(0)} ms`
  process.stdout.write(
    `maximum ${capacity.toFixed(1)} pushes/s of ${args.series} series; p99 of what was delivered: normally ${p99(report.normal.p99)}, in overload ${p99(overload.p99)}\n` +
      checks.map(([ok, line]) => `${ok ? '✓' : '✗'} ${line}\n`).join(''),
  )
  process.exitCode = checks.every(([ok]) => ok) ? 0 : 1
}
