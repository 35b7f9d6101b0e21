/**
 * Where the split runs: on piscina's threads, or inline with `threads: 0`. Whoever calls sees one function.
 */
import { Piscina } from 'piscina'
import type { Push, Split, SplitResult, SplitRules } from './split.ts'

/** What travels to a thread; plain values. */
export interface SplitTask {
  readonly push: Push
  readonly rules: SplitRules
}

export interface SplitterOptions {
  /** 0 splits inline, with `engine`. */
  readonly threads: number
  readonly engine: Split
}

export interface Splitter {
  /** Takes `push.body`, which must own its ArrayBuffer: it is moved to a thread, not copied. */
  split(push: Push, rules: SplitRules): Promise<SplitResult>
  /** Resolves when every thread has loaded its engine and run it once. */
  warm(): Promise<void>
  /** Pushes that wait for a thread. */
  readonly waiting: number
  close(): Promise<void>
}

export function createSplitter(options: SplitterOptions): Splitter {
  return options.threads === 0 ? inline(options.engine) : threaded(options.threads)
}

function inline(engine: Split): Splitter {
  return {
    split: async (push, rules) => engine(push, rules),
    warm: async () => {},
    waiting: 0,
    close: async () => {},
  }
}

function threaded(threads: number): Splitter {
  const pool = new Piscina({
    filename: new URL(
      `../../workers/split${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
      import.meta.url,
    ).href,
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
  })

  const run = (task: SplitTask) =>
    // piscina's own type for the list does not fit the current @types/node.
    pool.run(task, { transferList: [task.push.body.buffer] as never }) as Promise<SplitResult>
  return {
    split: (push, rules) => run({ push, rules }),
    async warm() {
      await Promise.all(Array.from({ length: threads }, () => run(warmUp())))
    },
    get waiting() {
      return pool.queueSize
    },
    close: () => pool.destroy(),
  }
}

/** An empty push: one byte, which claims no bytes. */
const warmUp = (): SplitTask => ({
  push: { body: Uint8Array.of(0), encoding: 'snappy', protocol: '1.0' },
  rules: {
    labels: ['tenant'],
    precedence: 'config',
    strip: false,
    prefix: '',
    defaultTenant: '',
    missing: 'reject',
    invalid: 'reject',
    format: 'mimir',
    metadata: 'drop',
    haLabels: [],
    compression: 'fast',
    maxDecodedBytes: 1,
    maxOutputBytes: 1,
    maxTenants: 1,
    maxSeries: 1,
  },
})
