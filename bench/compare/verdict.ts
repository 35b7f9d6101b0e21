/** Whether a ratio is within a bound: as far as its interval can tell. */
import type { Estimate } from './median.ts'

export type Verdict = 'passes' | 'fails' | 'undecided'

/** Of a ratio that should be small; `bound` is the most that it may be. */
export function judge({ low, high }: Estimate, bound: number): Verdict {
  if (high <= bound) return 'passes'
  return low > bound ? 'fails' : 'undecided'
}

export const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  passes: 'passes',
  fails: 'FAILS',
  undecided: 'undecided, measure longer',
}
