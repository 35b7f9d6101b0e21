/** One figure of the working tree beside the base's, measured in pairs. */
import { type Estimate, estimate, median } from './median.ts'

/** One figure, round by round: `tree[n]`, `base[n]` and `again[n]` were measured one after the other. */
export interface Figures {
  readonly tree: readonly number[]
  readonly base: readonly number[]
  /** The base once more, for the A/A run. */
  readonly again: readonly number[] | undefined
}

export interface Compared {
  readonly name: string
  /** Medians of the figure itself. */
  readonly tree: number
  readonly base: number
  /** Tree to base, pair by pair, and what they say. */
  readonly pairs: readonly number[]
  readonly ratio: Estimate
  /** The same of the base to itself: what a ratio is when nothing has changed. */
  readonly aaPairs: readonly number[] | undefined
  readonly aa: Estimate | undefined
}

export function compared(name: string, { tree, base, again }: Figures): Compared {
  const pairs = ratios(tree, base)
  const aaPairs = again && ratios(again, base)
  return {
    name,
    tree: median(tree),
    base: median(base),
    pairs,
    ratio: estimate(pairs),
    aaPairs,
    aa: aaPairs && estimate(aaPairs),
  }
}

const ratios = (over: readonly number[], under: readonly number[]): number[] =>
  over.map((value, n) => value / under[n]!)
