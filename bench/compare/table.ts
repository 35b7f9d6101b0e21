/** What was compared, as text for a terminal. */
import type { Compared } from './compared.ts'
import type { Estimate } from './median.ts'
import { judge, VERDICT_TEXT } from './verdict.ts'

/** `title` above one line per figure; without A/A its columns are left out. */
export function tableLines(title: string, all: readonly Compared[]): string[] {
  const withAa = all.some(({ aa }) => aa !== undefined)
  const head = [title, 'base', 'tree', 'ratio', '95 %', ...(withAa ? ['A/A', '95 %'] : [])]
  const rows = all.map(({ name, base, tree, ratio, aa }) => [
    name,
    figure(base),
    figure(tree),
    ...estimateCells(ratio),
    ...(aa === undefined ? [] : estimateCells(aa)),
  ])
  return aligned([head, ...rows])
}

/** The ratios pair by pair, those of the A/A run in brackets. */
export function pairLines(all: readonly Compared[]): string[] {
  const pairs = all[0]?.pairs.map((_, n) => [
    `${n + 1}`,
    ...all.map(it => {
      const aa = it.aaPairs?.[n]
      return it.pairs[n]!.toFixed(3) + (aa === undefined ? '' : ` (${aa.toFixed(3)})`)
    }),
  ])
  return aligned([['pair', ...all.map(({ name }) => name)], ...(pairs ?? [])])
}

/** What `bound` says of a figure that should be small. */
export function verdictLine({ name, ratio }: Compared, bound: number): string {
  const { median, low, high } = ratio
  const found = `${median.toFixed(3)}×, between ${low.toFixed(3)} and ${high.toFixed(3)}`
  return `${name}: ${found}; at most ${bound} is asked: ${VERDICT_TEXT[judge(ratio, bound)]}`
}

const estimateCells = ({ median, low, high }: Estimate): string[] => [
  `${median.toFixed(3)}×`,
  `${low.toFixed(3)}–${high.toFixed(3)}`,
]

const figure = (value: number): string => value.toFixed(value >= 100 ? 0 : 3)

/** The first column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ')
      .trimEnd(),
  )
}
