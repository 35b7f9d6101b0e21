/** A process of our own that answers calls, one after the other, over Node's IPC channel. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Child<Call, Answer> {
  readonly pid: number
  call(call: Call): Promise<Answer>
  /** SIGKILL by default: these processes keep nothing that a tidy end would save. Resolves when it is gone. */
  stop(): Promise<void>
}

/** Starts `file`, which must call `answerCalls`, with `options` as its one argument. */
export async function startChild<Call, Answer>(file: URL, options: unknown): Promise<Child<Call, Answer>> {
  const child = fork(fileURLToPath(file), [JSON.stringify(options)], { execArgv: [] })
  await answerOf(child, 'ready')
  return {
    pid: child.pid as number,
    async call(call) {
      child.send({ call })
      return (await answerOf(child, file.pathname)) as Answer
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** The child's side. It ends with its parent, so that an interrupted run leaves nothing behind. */
export function answerCalls<Call, Answer>(answer: (call: Call) => Answer | Promise<Answer>): void {
  process.on('message', async message => {
    process.send?.({ answer: await answer((message as { call: Call }).call) })
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ answer: 'ready' })
}

/** What the parent gave to `startChild`. */
export const childOptions = <T>(): T => JSON.parse(process.argv[2] ?? '{}') as T

function answerOf(child: ChildProcess, what: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null, signal: string | null) => {
      child.off('message', answered)
      reject(new Error(`${what}: the process ended with ${signal ?? code}`))
    }
    const answered = (message: unknown) => {
      child.off('exit', gone)
      resolve((message as { answer: unknown }).answer)
    }
    child.once('exit', gone)
    child.once('message', answered)
  })
}
