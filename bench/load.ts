/**
 * `npm run bench -- load`: Sluice under load over sockets, with generator and store in processes of their own.
 *
 *     npm run bench -- load --senders 8 --tenants 10
 *     npm run bench -- load --peer 'CT_LISTEN=127.0.0.1:18080 CT_TARGET=$STORE_URL exec cortex-tenant' --peer-url http://127.0.0.1:18080/push
 *     npm run bench -- load --table --peer … --peer-url …
 *
 * A peer's command runs in a shell that has STORE_URL (where it must send to) and CONNECTIONS set.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { ratio, runContest } from './load/contest.ts'
import type { Contender, Load, Result } from './load/round.ts'
import { ROWS, TABLE_HEAD, tableLine } from './load/table.ts'

const HELP = `npm run bench -- load [options]
  --senders N        connections, each with one push in flight (8)
  --tenants N        tenants in each push (10)
  --series N         series per push, one sample each (2000)
  --latency MS       of the store (0)
  --seconds N        measured, after --warmup (8)
  --warmup N         seconds before (2)
  --protocol P       that Sluice is sent, 1.0 or 2.0 (1.0); a peer is sent the same series as 1.0
  --connections N    that the splitter may open to the store (64)
  --rounds N         alternating; the medians are printed (3)
  --config FILE      further keys of sluice.yaml
  --url URL --pid N  drive a Sluice that runs already; CPU and RSS only with --pid
  --peer CMD --peer-url URL   another splitter, in the same run
  --peer-only        without Sluice
  --table            all rows of the comparison with a peer, asked values beside measured ones
  --rows N,N         only these rows of the table, from 1
`

const { values: args } = parseArgs({
  options: {
    senders: { type: 'string', default: '8' },
    tenants: { type: 'string', default: '10' },
    series: { type: 'string', default: '2000' },
    latency: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '8' },
    warmup: { type: 'string', default: '2' },
    protocol: { type: 'string', default: '1.0' },
    connections: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    config: { type: 'string' },
    url: { type: 'string' },
    pid: { type: 'string' },
    peer: { type: 'string' },
    'peer-url': { type: 'string' },
    'peer-only': { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    rows: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const print = (line: string) => void process.stdout.write(`${line}\n`)
const tell = (line: string) => void process.stderr.write(`${line}\n`)

if (args.help) print(HELP)
else if (args.table) await table()
else await single()

async function single(): Promise<void> {
  const contenders = chooseContenders()
  const results = await runContest(contenders, chooseLoad(), Number(args.rounds), tell)
  const width = Math.max(...contenders.map(({ name }) => name.length))
  print(
    `${''.padEnd(width)}  samples/s    CPU-s/M  peak RSS        p50        p99      p99.9  failed  store req/s  B/sample  statuses`,
  )
  results.forEach(({ median }, n) => {
    print(`${contenders[n]!.name.padEnd(width)}${line(median)}`)
  })
  const [ours, peer] = results
  if (ours === undefined || peer === undefined) return
  const speed = ratio(ours, peer, result => result.samplesPerSecond).toFixed(2)
  const cpu = ratio(peer, ours, result => result.cpuPerMillion).toFixed(2)
  const p99 = ratio(ours, peer, result => result.p99).toFixed(2)
  const rss = ratio(ours, peer, result => result.peakRss).toFixed(2)
  print(`ratio: samples/s ${speed}×, CPU per sample 1/${cpu}, p99 ${p99}×, peak RSS ${rss}×`)
}

async function table(): Promise<void> {
  const contenders = chooseContenders()
  if (contenders.length !== 2) throw new Error('--table needs --peer and --peer-url')
  const wanted = args.rows?.split(',').map(Number) ?? ROWS.map((_, n) => n + 1)
  const lines: string[] = []
  for (const n of wanted) {
    const row = ROWS[n - 1]
    if (row === undefined) throw new Error(`--rows: there is no row ${n}`)
    const [ours, peer] = await runContest(
      contenders,
      { ...chooseLoad(), ...row.load },
      Number(args.rounds),
      tell,
    )
    lines.push(tableLine(row, ours!, peer!))
    tell(lines.at(-1)!)
  }
  print([TABLE_HEAD, ...lines].join('\n'))
}

function chooseLoad(): Load {
  return {
    senders: Number(args.senders),
    tenants: Number(args.tenants),
    series: Number(args.series),
    latencyMs: Number(args.latency),
    seconds: Number(args.seconds),
    warmupSeconds: Number(args.warmup),
    connections: Number(args.connections),
  }
}

function chooseContenders(): readonly Contender[] {
  const { protocol } = args
  if (protocol !== '1.0' && protocol !== '2.0') throw new Error('--protocol is 1.0 or 2.0')
  const contenders: Contender[] = []
  if (args.url !== undefined) {
    const pid = args.pid === undefined ? undefined : Number(args.pid)
    contenders.push({ kind: 'running', name: 'running', protocol, url: new URL(args.url), pid })
  } else if (!args['peer-only']) {
    const config =
      args.config === undefined ? {} : (parse(readFileSync(args.config, 'utf8')) as Record<string, unknown>)
    contenders.push({ kind: 'sluice', name: 'sluice', protocol, config })
  }
  if (args.peer !== undefined) {
    if (args['peer-url'] === undefined) throw new Error('--peer needs --peer-url')
    const [command, url] = [args.peer, new URL(args['peer-url'])]
    contenders.push({ kind: 'command', name: 'peer', protocol: '1.0', command, url })
  }
  return contenders
}

function line(r: Result): string {
  const statuses = Object.entries(r.statuses).map(([status, n]) => `${status}: ${n}`)
  const cells: readonly (readonly [text: string, width: number])[] = [
    [`${(r.samplesPerSecond / 1_000).toFixed(0)} k`, 11],
    [r.cpuPerMillion.toFixed(2), 11],
    [`${(r.peakRss / 1024 / 1024).toFixed(0)} MiB`, 10],
    [`${r.p50.toFixed(1)} ms`, 11],
    [`${r.p99.toFixed(1)} ms`, 11],
    [`${r.p999.toFixed(1)} ms`, 11],
    [`${(r.failed * 100).toFixed(1)} %`, 8],
    [r.storeRequestsPerSecond.toFixed(0), 13],
    [r.storeBytesPerSample.toFixed(1), 10],
  ]
  return `${cells.map(([text, width]) => text.padStart(width)).join('')}  ${statuses.join(', ')}`
}
