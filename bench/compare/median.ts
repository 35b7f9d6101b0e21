/** The median of what was measured, and how well it is known. */
import { seeded } from '../../test/ledger/chaos.ts'

export interface Estimate {
  readonly median: number
  /** The 95 % interval of the median. */
  readonly low: number
  readonly high: number
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

const RESAMPLES = 10_000

/** By the percentile bootstrap: the same values give the same interval, as `random` is seeded. */
export function estimate(values: readonly number[], random: () => number = seeded(1)): Estimate {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)]!)),
  ).sort((a, b) => a - b)
  return {
    median: median(values),
    low: medians[Math.floor(RESAMPLES * 0.025)]!,
    high: medians[Math.ceil(RESAMPLES * 0.975) - 1]!,
  }
}
