/** The thread's side of the split: unwrap, call, move the memory back. Answers with values, never throws for a bad body. */
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import { createEngine, type EngineName } from '../src/split/engine.ts'
import type { SplitOutcome, SplitTask } from '../src/split/splitter.ts'

const engine = createEngine(workerData as EngineName)

export default function split({ push, rules }: SplitTask): unknown {
  const result = engine.split(push, rules)
  const outcome: SplitOutcome = { result, body: push.body }
  const shares = result.ok ? result.shares : []
  const buffers = new Set([push.body.buffer, ...shares.map(share => share.body.buffer)])
  // piscina transfers what the first symbol names, and the caller gets what the second holds.
  return move({ [transferableSymbol]: [...buffers], [valueSymbol]: outcome } as never)
}
