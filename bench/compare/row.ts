/** One load through both trees. */
import { runContest } from '../load/contest.ts'
import { type Contender, type Load, type Result, runRound, startGenerator } from '../load/round.ts'
import { type Compared, compared } from './compared.ts'

export interface RowOptions {
  readonly load: Load
  readonly protocol: Contender['protocol']
  /** Of both trees. */
  readonly config: Readonly<Record<string, unknown>>
  readonly pairs: number
  /** Whether the base is measured against itself, too. */
  readonly aa: boolean
}

export interface Row {
  readonly cpu: Compared
  /** All figures, `cpu` first. */
  readonly figures: readonly Compared[]
  /** Largest part of a round's pushes that were not answered 2xx, of either tree. */
  readonly failed: number
}

/**
 * The base runs between the tree and itself, in alternating direction: so both pairs are neighbours, and the A/A run
 * has whatever a place in the order brings as the comparison has it.
 */
export async function compareRow(
  base: string,
  options: RowOptions,
  tell: (line: string) => void,
): Promise<Row> {
  const { load, pairs, aa } = options
  const [tree, under, again] = contenders(base, options)
  const standings = await runContest([tree, under, ...(aa ? [again] : [])], load, pairs, tell)
  const rounds = standings.flatMap(standing => standing.rounds)
  if (rounds.some(({ failed }) => !(failed < 1))) throw new Error('a round in which no push was delivered')
  const figures = FIGURES.map(([name, pick]) => {
    const [ours, bases, agains] = standings.map(standing => standing.rounds.map(it => pick(it, load)))
    return compared(name, { tree: ours!, base: bases!, again: agains })
  })
  return { cpu: figures[0]!, figures, failed: Math.max(...rounds.map(({ failed }) => failed)) }
}

/**
 * Runs each tree once and ends it in good order, so that it keeps its compiled sources. Else the tree that was started
 * before would need less CPU and some 40 MB less than the base, which never was.
 */
export async function warmUp(base: string, options: RowOptions): Promise<void> {
  const { protocol } = options
  const load = { ...options.load, seconds: 0, warmupSeconds: 1 }
  const generator = await startGenerator({ ...load, protocol })
  try {
    const [tree, under] = contenders(base, options)
    for (const contender of [tree, under]) await runRound(contender, load, generator, 'SIGTERM')
  } finally {
    await generator.stop()
  }
}

const FIGURES: readonly (readonly [name: string, pick: (result: Result, load: Load) => number])[] = [
  ['CPU-s per million samples', ({ cpuPerMillion }) => cpuPerMillion],
  ['samples/s', ({ samplesPerSecond }) => samplesPerSecond],
  ['peak RSS, MiB', ({ peakRss }) => peakRss / 1024 / 1024],
  [
    'store requests per share',
    ({ storeRequestsPerSecond, samplesPerSecond }, { series, tenants }) =>
      storeRequestsPerSecond / ((samplesPerSecond / series) * tenants),
  ],
]

function contenders(root: string, { protocol, config }: RowOptions): [Contender, Contender, Contender] {
  const sluice = { kind: 'sluice', protocol, config } as const
  return [
    { ...sluice, name: 'tree' },
    { ...sluice, name: 'base', root },
    { ...sluice, name: 'base again', root },
  ]
}
