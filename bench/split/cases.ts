/** What is measured of an engine: splitting a payload, and joining the shares that its senders have for one tenant. */
import type { Engine } from '../../src/remote-write/engine.ts'
import type { mergeBodies } from '../../src/remote-write/merge.ts'
import type { Split, SplitRules, SplitShare } from '../../src/remote-write/split.ts'
import type { Payload } from './payloads.ts'

export interface Case {
  readonly name: string
  /** How many one run goes through. */
  readonly series: number
  run(): void
}

export interface MergeCase extends Case {
  readonly shares: number
}

/** Shares are written in the protocol of the payload's output, whatever `rules` say. */
export function splitCase(split: Split, rules: SplitRules, payload: Payload): Case {
  const { name, bodies, protocol, output } = payload
  const all = { ...rules, output }
  return {
    name,
    series: splitAll(split, rules, payload).reduce((sum, { received }) => sum + received.series, 0),
    run() {
      for (const body of bodies) split({ body, encoding: 'snappy', protocol }, all)
    },
  }
}

export function mergeCases(
  { split, mergeRequests }: Pick<Engine, 'split' | 'mergeRequests'>,
  merge: typeof mergeBodies,
  rules: SplitRules,
  payloads: readonly Payload[],
): MergeCase[] {
  const caseOf = (name: string, from: string, join: (batch: readonly SplitShare[]) => unknown): MergeCase => {
    const payload = payloads.find(it => it.name === from)!
    const shares = splitAll(split, rules, payload).flatMap(result => result.shares)
    const [{ tenant, series }] = shares as [SplitShare]
    const batch = shares.filter(it => it.tenant === tenant)
    return { name, series: series * batch.length, shares: batch.length, run: () => void join(batch) }
  }
  return [
    caseOf('merge', 'rw1/10-tenants/2000', merge),
    ...[1, 10, 100].map(tenants => {
      const from = `rw2/${tenants}-tenants/2000`
      return caseOf(`merge-${from}`, from, batch =>
        mergeRequests(
          batch.map(({ body }) => body),
          'fast',
        ),
      )
    }),
  ]
}

/** Of each body; throws where one can't be split. */
export function splitAll(split: Split, rules: SplitRules, { bodies, protocol, output }: Payload) {
  return bodies.map(body => {
    const result = split({ body, encoding: 'snappy', protocol }, { ...rules, output })
    if (!result.ok) throw new Error(result.detail)
    return result
  })
}

/** Of one run, per series. */
export function nanoseconds({ series, run }: Case): number {
  const start = performance.now()
  run()
  return ((performance.now() - start) * 1e6) / series
}
