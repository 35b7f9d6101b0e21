/** A process with one tree's kernel, which does rounds of a case as it is asked to. */
import { answerCalls, childOptions } from '../../test/support/child.ts'
import { type Case, mergeCases, nanoseconds, splitCase } from '../split/cases.ts'
import { payloads } from '../split/payloads.ts'
import { median } from './median.ts'
import { loadEngine } from './tree-engine.ts'

export interface RoundsOptions {
  /** The checkout. What is split is always ours, so that all are given the same bytes. */
  readonly root: string
  /** Part of the names of wanted cases. */
  readonly filter: string
}

export type RoundsCall =
  | { readonly kind: 'list' }
  /** Runs a case until `ms` are over. */
  | { readonly kind: 'round'; readonly name: string; readonly ms: number }

export interface RoundsAnswer {
  readonly names: readonly string[]
  /** Median of the runs; NaN would not survive the way, so 0 where there was none. */
  readonly nsPerSeries: number
}

const { root, filter } = childOptions<RoundsOptions>()
const { engine, mergeBodies, rules } = await loadEngine(root)
const all = payloads()
const cases = new Map<string, Case>(
  [
    ...all.map(payload => splitCase(engine.split, rules, payload)),
    ...mergeCases(engine, mergeBodies, rules, all),
  ]
    .filter(({ name }) => name.includes(filter))
    .map(it => [it.name, it]),
)

answerCalls<RoundsCall, RoundsAnswer>(call => ({
  names: [...cases.keys()],
  nsPerSeries: call.kind === 'round' ? round(cases.get(call.name)!, call.ms) : 0,
}))

function round(one: Case, ms: number): number {
  const times: number[] = []
  for (const end = performance.now() + ms; times.length === 0 || performance.now() < end; )
    times.push(nanoseconds(one))
  return median(times)
}
