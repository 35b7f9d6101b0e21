/** Several rounds of the same load through all contenders, in alternating order; medians of what they reached. */
import { type Contender, type Generator, type Load, type Result, runRound, startGenerator } from './round.ts'

/** What one contender reached. */
export interface Standing {
  /** Median of each figure by itself; statuses are summed up. */
  readonly median: Result
  readonly rounds: readonly Result[]
}

/** One standing per contender, in their order. */
export async function runContest(
  contenders: readonly Contender[],
  load: Load,
  rounds: number,
  tell: (line: string) => void,
): Promise<readonly Standing[]> {
  const results: Result[][] = contenders.map(() => [])
  const generators = new Map<Contender['protocol'], Generator>()
  try {
    for (const { protocol } of contenders) {
      if (!generators.has(protocol)) generators.set(protocol, await startGenerator({ ...load, protocol }))
    }
    for (let round = 0; round < rounds; round++) {
      const order = contenders.map((_, n) => n)
      if (round % 2 === 1) order.reverse()
      for (const n of order) {
        const contender = contenders[n]!
        const result = await runRound(contender, load, generators.get(contender.protocol)!)
        results[n]!.push(result)
        const speed = Math.round(result.samplesPerSecond)
        const answers = JSON.stringify(result.statuses)
        tell(`round ${round + 1}/${rounds} ${contender.name}: ${speed} samples/s, answers ${answers}`)
      }
    }
  } finally {
    for (const generator of generators.values()) await generator.stop()
  }
  return results.map(rounds => ({ median: medians(rounds), rounds }))
}

/**
 * Median over the rounds of `one` to `other` in the same round: what else runs on the machine slows both, so this is
 * steadier than the ratio of the medians.
 */
export function ratio(one: Standing, other: Standing, pick: (result: Result) => number): number {
  return middle(one.rounds.map((result, n) => pick(result) / pick(other.rounds[n]!)))
}

function middle(values: readonly number[]): number {
  const sorted = values.filter(value => !Number.isNaN(value)).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function medians(results: readonly Result[]): Result {
  const of = (pick: (result: Result) => number): number => middle(results.map(pick))
  const statuses: Record<string, number> = {}
  for (const result of results)
    for (const [status, n] of Object.entries(result.statuses)) statuses[status] = (statuses[status] ?? 0) + n
  return {
    samplesPerSecond: of(r => r.samplesPerSecond),
    cpuPerMillion: of(r => r.cpuPerMillion),
    peakRss: of(r => r.peakRss),
    p50: of(r => r.p50),
    p99: of(r => r.p99),
    p999: of(r => r.p999),
    failed: of(r => r.failed),
    storeRequestsPerSecond: of(r => r.storeRequestsPerSecond),
    storeBytesPerSample: of(r => r.storeBytesPerSample),
    statuses,
  }
}
