/** The thread's side of the split: unwrap, call, move the shares' memory back. Answers with values, never throws for a bad body. */
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { splitByReference } from '../src/split/reference/engine.ts'
import type { SplitTask } from '../src/split/splitter.ts'

export default function split({ push, rules }: SplitTask): unknown {
  const result = splitByReference(push, rules)
  const buffers = new Set(result.ok ? result.shares.map(share => share.body.buffer) : [])
  // piscina transfers what the first symbol names, and the caller gets what the second holds.
  return move({ [transferableSymbol]: [...buffers], [valueSymbol]: result } as never)
}
