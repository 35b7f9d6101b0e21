/** The worker behind thread-split.ts. */
import { type MessagePort, workerData } from 'node:worker_threads'
import { createSplitter, type SplitTask } from '../../src/remote-write/splitter.ts'

const { port, answered } = workerData as { port: MessagePort; answered: Int32Array }
const splitter = createSplitter({ threads: 1, engine: 'wasm', inlineBelowBytes: 0 })

port.on('message', async ({ push, rules }: SplitTask) => {
  const { result } = await splitter.split(push, rules)
  port.postMessage(result)
  Atomics.store(answered, 0, 1)
  Atomics.notify(answered, 0)
})
