/** The thread's side of the split: unwrap, call, move the memory back. Answers with values, never throws for a bad body. */
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import { createEngine, type EngineName } from '../src/remote-write/engine.ts'
import { pack } from '../src/remote-write/packed.ts'
import type { SplitAnswer, SplitTask } from '../src/remote-write/splitter.ts'

const engine = createEngine(workerData as EngineName)

export default function split({ push, rules }: SplitTask): unknown {
  const result = engine.split(push, rules)
  const packed = pack(result)
  const answer: SplitAnswer = { packed, body: push.body }
  const buffers = new Set([push.body.buffer, ...packed.buffers])
  // piscina transfers what the first symbol names, and the caller gets what the second holds.
  return move({ [transferableSymbol]: [...buffers], [valueSymbol]: answer } as never)
}
