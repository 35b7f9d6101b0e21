/**
 * `npm run bench -- compare BASE`: the working tree against a commit, in interleaved pairs of fresh processes, with the
 * median of the ratios, its 95 % interval, and the base against itself beside it. Ends with 1 where a row fails.
 */
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { buildKernel, checkOut, TREE } from './compare/base.ts'
import type { Compared } from './compare/compared.ts'
import { compareKernels } from './compare/kernel.ts'
import { compareRow, type RowOptions, warmUp } from './compare/row.ts'
import { pairLines, tableLines, verdictLine } from './compare/table.ts'
import { judge } from './compare/verdict.ts'

const USUAL_PAIRS = 15

const HELP = `npm run bench -- compare BASE [options]
  BASE               any commit; it is checked out into a scratch folder
  --tenants N,N      in each push, a row for each (1,10,100,1000)
  --senders N        connections, each with one push in flight (8)
  --series N         series per push, one sample each (2000)
  --latency MS       of the store (0)
  --protocol P       that both are sent, 1.0 or 2.0 (1.0)
  --connections N    that each may open to the store (64)
  --config FILE      further keys of sluice.yaml, for both
  --seconds N        measured, after --warmup (4)
  --warmup N         seconds before (2)
  --pairs N          rounds of each tree, a row; starts of each with --kernel (${USUAL_PAIRS})
  --bound X          the most that CPU per sample, or a case, may take, relative to the base (1.03)
  --no-aa            without the base against itself
  --kernel           the kernels alone, as \`bench -- split\` has them: nanoseconds per series
  --cases TEXT       with --kernel, only cases with it in their name
  --verbose          the ratio of each pair, too
`

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    tenants: { type: 'string', default: '1,10,100,1000' },
    senders: { type: 'string', default: '8' },
    series: { type: 'string', default: '2000' },
    latency: { type: 'string', default: '0' },
    protocol: { type: 'string', default: '1.0' },
    connections: { type: 'string', default: '64' },
    config: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '2' },
    pairs: { type: 'string', default: `${USUAL_PAIRS}` },
    bound: { type: 'string', default: '1.03' },
    aa: { type: 'boolean', default: true },
    kernel: { type: 'boolean', default: false },
    cases: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const print = (line: string) => void process.stdout.write(`${line}\n`)
const tell = (line: string) => void process.stderr.write(`${line}\n`)

const [commitish, ...rest] = positionals
if (args.help || commitish === undefined || rest.length > 0) {
  print(HELP)
  if (!args.help) process.exitCode = 2
} else {
  const bound = number('bound', args.bound, 0)
  const rows = chooseRows()
  const [load = 0] = loadavg()
  if (load > 1) tell(`warning: the load average is ${load.toFixed(1)}; below 1 this tells more`)
  if (rows[0]!.pairs < USUAL_PAIRS)
    tell(`warning: fewer than ${USUAL_PAIRS} pairs tell little, and fewer than 6 have no 95 % interval`)
  const base = checkOut(commitish, tell)
  // Ours may be of earlier sources.
  buildKernel(TREE)
  print(
    `the working tree against ${base.commit}; ratios are tree to base, with the 95 % interval of the median`,
  )
  const judged = args.kernel
    ? await kernels(base.root, rows[0]!.pairs, bound)
    : await loads(base.root, rows, bound)
  if (judged.some(({ ratio }) => judge(ratio, bound) === 'fails')) process.exitCode = 1
}

/** What is held against the bound. */
async function loads(base: string, rows: readonly RowOptions[], bound: number): Promise<readonly Compared[]> {
  const judged: Compared[] = []
  await warmUp(base, rows[0]!)
  for (const row of rows) {
    const { senders, tenants, series, latencyMs } = row.load
    const { cpu, figures, failed } = await compareRow(base, row, tell)
    const store = latencyMs === 0 ? '' : `, store answers in ${latencyMs} ms`
    print(`\n${senders} senders, ${tenants} tenants, ${series} series of ${row.protocol}${store}`)
    tableLines(`${row.pairs} pairs`, figures).forEach(print)
    if (args.verbose) pairLines(figures).forEach(print)
    if (failed > 0) print(`warning: in some round ${(failed * 100).toFixed(1)} % of the pushes failed`)
    print(verdictLine(cpu, bound))
    judged.push(cpu)
  }
  return judged
}

async function kernels(base: string, starts: number, bound: number): Promise<readonly Compared[]> {
  const judged = await compareKernels(base, { filter: args.cases, starts, aa: args.aa }, tell)
  if (judged.length === 0) throw new Error(`--cases: no case has ${args.cases} in its name`)
  tableLines(`ns per series, ${starts} pairs`, judged).forEach(print)
  for (const one of judged) {
    if (args.verbose) pairLines([one]).forEach(print)
    if (judge(one.ratio, bound) !== 'passes') print(verdictLine(one, bound))
  }
  return judged
}

function chooseRows(): readonly RowOptions[] {
  const { protocol } = args
  if (protocol !== '1.0' && protocol !== '2.0') throw new Error('--protocol is 1.0 or 2.0')
  const config =
    args.config === undefined ? {} : (parse(readFileSync(args.config, 'utf8')) as Record<string, unknown>)
  const load = {
    senders: number('senders', args.senders),
    series: number('series', args.series),
    latencyMs: number('latency', args.latency, 0),
    seconds: number('seconds', args.seconds),
    warmupSeconds: number('warmup', args.warmup, 0),
    connections: number('connections', args.connections),
  }
  const pairs = number('pairs', args.pairs)
  return args.tenants.split(',').map(text => {
    return { load: { ...load, tenants: number('tenants', text) }, protocol, config, pairs, aa: args.aa }
  })
}

/** A mistyped number would be found out after minutes, or not at all. */
function number(name: string, text: string, least = 1): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= least)) throw new Error(`--${name} is a number of at least ${least}`)
  return value
}
