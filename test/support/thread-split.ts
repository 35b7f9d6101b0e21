/**
 * The splitter with one thread as a function that answers at once, so that the cases of the engines can run on it: this
 * thread sleeps until the answer is there. A worker between the two runs the splitter as the process does.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Split, SplitResult } from '../../src/remote-write/split.ts'

export interface ThreadSplit {
  readonly split: Split
  close(): Promise<void>
}

export function threadSplit(): ThreadSplit {
  const { port1, port2 } = new MessageChannel()
  const answered = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./thread-split-worker.ts', import.meta.url), {
    workerData: { port: port2, answered },
    transferList: [port2],
  })
  return {
    split(push, rules) {
      Atomics.store(answered, 0, 0)
      port1.postMessage({ push: { ...push, body: new Uint8Array(push.body) }, rules })
      if (Atomics.wait(answered, 0, 0, 20_000) === 'timed-out') throw new Error('the thread does not answer')
      return (receiveMessageOnPort(port1) as { message: SplitResult }).message
    },
    close: async () => {
      await worker.terminate()
    },
  }
}
