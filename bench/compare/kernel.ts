/** The kernels of both trees, case by case as bench/split has them. */
import { type Child, startChild } from '../../test/support/child.ts'
import { TREE } from './base.ts'
import { type Compared, compared } from './compared.ts'
import type { RoundsAnswer, RoundsCall, RoundsOptions } from './kernel-rounds.ts'
import { median } from './median.ts'

export interface KernelOptions {
  /** Part of the names of wanted cases. */
  readonly filter: string
  /** How often all processes are started afresh; each start is one pair. */
  readonly starts: number
  /** Whether the base is measured against itself, too: in a process of its own. */
  readonly aa: boolean
}

type Rounds = Child<RoundsCall, RoundsAnswer>

const WARM_UP_MS = 200
/** Long beside one run, short beside what else happens on the machine. */
const ROUND_MS = 20
/** Of a case in one start: with the usual 15 starts, 45 in all. */
const ROUNDS = 3

/**
 * Nanoseconds per series. Each pair is a new start: in one, two processes of the same build differed by 5 to 7 % in all
 * five rounds of a case (merge-rw2/10-tenants, on a busy machine), which more rounds would have called a change.
 */
export async function compareKernels(
  base: string,
  { filter, starts, aa }: KernelOptions,
  tell: (line: string) => void,
): Promise<readonly Compared[]> {
  const roots = [TREE, base, ...(aa ? [base] : [])]
  /** By case, a list for each root. */
  const times = new Map<string, number[][]>()
  for (let start = 0; start < starts; start++) {
    const order = roots.map((_, n) => n)
    if (start % 2 === 1) order.reverse()
    const children = new Map<number, Rounds>()
    try {
      for (const n of order) children.set(n, await startRounds({ root: roots[n]!, filter }))
      const { names } = await children.get(0)!.call({ kind: 'list' })
      for (const name of names) {
        const all = times.get(name) ?? roots.map(() => [])
        times.set(name, all)
        for (const [n, time] of await alternate(children, name)) all[n]!.push(time)
      }
    } finally {
      for (const child of children.values()) await child.stop()
    }
    tell(`start ${start + 1}/${starts}: ${times.size} cases`)
  }
  return [...times].map(([name, [tree, under, again]]) =>
    compared(name, { tree: tree!, base: under!, again }),
  )
}

const startRounds = (options: RoundsOptions): Promise<Rounds> =>
  startChild(new URL('./kernel-rounds.ts', import.meta.url), options)

/** The median of each child's rounds, which take turns: forth and back. */
async function alternate(
  children: ReadonlyMap<number, Rounds>,
  name: string,
): Promise<ReadonlyMap<number, number>> {
  const order = [...children]
  const times = new Map(order.map(([n]) => [n, [] as number[]]))
  for (const [, child] of order) await child.call({ kind: 'round', name, ms: WARM_UP_MS })
  for (let round = 0; round < ROUNDS; round++) {
    for (const [n, child] of order) {
      const { nsPerSeries } = await child.call({ kind: 'round', name, ms: ROUND_MS })
      times.get(n)!.push(nsPerSeries)
    }
    order.reverse()
  }
  return new Map([...times].map(([n, all]) => [n, median(all)]))
}
