/**
 * Where the split runs: large pushes on piscina's threads, small ones inline, because the way to a thread and back costs
 * more than they do. Whoever calls sees one function.
 */
import { createRequire } from 'node:module'
import type { Piscina } from 'piscina'
import type { Gauge } from '../gauge.ts'
import { type Converted, convert } from './convert.ts'
import { createEngine, type EngineName } from './engine.ts'
import { halve } from './halve.ts'
import type { MergeRequests } from './merge.ts'
import { type Packed, unpack } from './packed.ts'
import type { Protocol, Push, SplitResult, SplitRules, SplitShare } from './split.ts'
import { Turns } from './turns.ts'

const require = createRequire(import.meta.url)

/** What travels to a thread; plain values. */
export interface SplitTask {
  readonly push: Push
  readonly rules: SplitRules
}

/** What comes back, the body too: it may have moved to a thread, and is asked for again when the push fails. */
interface SplitOutcome {
  readonly result: SplitResult
  readonly body: Uint8Array
}

/** What a thread answers with. */
export interface SplitAnswer {
  readonly packed: Packed
  readonly body: Uint8Array
}

export interface SplitterOptions {
  /** 0 splits everything inline. */
  readonly threads: number
  readonly engine: EngineName
  /** Bodies shorter than this are split inline. */
  readonly inlineBelowBytes?: number
  /** Told where threads can't be started; everything is split inline then. */
  readonly broke?: (error: unknown) => void
}

export interface Splitter {
  /**
   * Takes `push.body`, which must own its ArrayBuffer: it may be moved to a thread, not copied. `begin` is called when its
   * turn has come, before any memory is taken for it; what it throws ends the split, with the body unmoved.
   */
  split(push: Push, rules: SplitRules, begin?: () => void): Promise<SplitOutcome>
  /** On this thread, whatever the size: a batch is made at the moment it leaves. */
  readonly mergeRequests: MergeRequests
  /**
   * The same; it is asked for only while a store is not known, or where the stores of a push take different protocols.
   * Borrows the share; see convert.ts.
   */
  convert(share: SplitShare, to: Protocol, maxOutputBytes: number, workBytes?: number): Converted
  /** The same; for a share that a store finds too large. See halve.ts. */
  halve(share: SplitShare): readonly [SplitShare, SplitShare] | undefined
  /**
   * Resolves when every thread has loaded its engine and run it once; rejects where that can't be. Threads take memory
   * (some 30 MiB each), so they are started by the first push that is meant for one, and what comes before they are warm is
   * split inline: nobody has to call this, or waits for it.
   */
  warm(): Promise<void>
  /** Pushes that wait for a thread. */
  readonly waiting: number
  readonly gauges: readonly Gauge[]
  /** The engine in use: the reference, whatever was asked for, where this machine can't run the kernel. */
  readonly engine: EngineName
  close(): Promise<void>
}

/**
 * Bodies shorter than this are split inline. What a hop costs, on 2 busy cores (`npm run bench -- hop`; CPU of the main
 * thread per push of one tenant, and of all threads in brackets):
 *
 *     series   body       inline                on a thread
 *        100     4 KB       28 µs (32)            68 µs (165)
 *        500    17 KB      136 µs (142)           66 µs (257)
 *      2,000    67 KB      429 µs (443)           63 µs (501)
 *     10,000   337 KB    2,193 µs (2,335)        158 µs (2,463)
 *
 * So where cores are idle, all above 16 KiB belongs on a thread. Where there are only two, the hop takes from the same
 * cores what it frees, and the senders and the store want them too (`npm run bench -- load`, 8 senders, 2,000 series a
 * push; samples/s and CPU-s per million samples):
 *
 *     tenants   inline             on a thread
 *           1   1,954 k/s   0.61   648 k/s   0.90
 *          10   1,124 k/s   0.68   780 k/s   0.86
 *         100     369 k/s   1.28   280 k/s   1.85
 *
 * There, only what would hold up the main thread for longer than a millisecond goes. More than two cores were not at hand
 * to measure the border between the two.
 */
const INLINE_BELOW_BYTES = { fewCores: 128 * 1024, manyCores: 16 * 1024 }
/** Threads (one less than there are cores, by default) from which on cores count as many. */
const MANY_THREADS = 3

/** `start` starts the threads. */
export function createSplitter(options: SplitterOptions, start = startThreads): Splitter {
  const { name, split, mergeRequests } = createEngine(options.engine)
  const inline = (push: Push, rules: SplitRules, begin?: () => void) => {
    begin?.()
    return { result: split(push, rules), body: push.body }
  }
  const asOther: Splitter['convert'] = (share, to, maxOutputBytes, workBytes) =>
    convert(split, share, to, maxOutputBytes, workBytes)
  const halves: Splitter['halve'] = share => halve({ split, mergeRequests }, share)
  if (options.threads === 0) {
    return {
      engine: name,
      mergeRequests,
      convert: asOther,
      halve: halves,
      split: async (push, rules, begin) => inline(push, rules, begin),
      warm: async () => {},
      waiting: 0,
      gauges: gaugesOf(() => 0),
      close: async () => {},
    }
  }
  const { threads } = options
  const { fewCores, manyCores } = INLINE_BELOW_BYTES
  const { inlineBelowBytes = threads >= MANY_THREADS ? manyCores : fewCores } = options
  // One that is split and one that is ready for each thread: what waits beyond that holds its body and nothing else.
  const turns = new Turns(2 * threads)
  let pool: Piscina | undefined
  let warming: Promise<void> | undefined
  let warm = false
  let closed = false
  const run = async (on: Piscina, task: SplitTask): Promise<SplitOutcome> => {
    // piscina's own type for the list does not fit the current @types/node.
    const options = { transferList: [task.push.body.buffer] as never }
    const { packed, body } = (await on.run(task, options)) as SplitAnswer
    return { result: unpack(packed), body }
  }
  let said = false
  const broke = (error: unknown) => {
    if (!closed && !said) options.broke?.(error)
    said = true
  }
  const warmUp = async () => {
    const started = start(threads, name)
    // A thread that fails while it has no task would end the process. Its next task is refused or finds another thread.
    started.on('error', broke)
    pool = started
    await Promise.all(Array.from({ length: threads }, () => run(started, emptyTask())))
    warm = true
  }
  const warmOnce = () => {
    warming ??= warmUp()
    return warming
  }
  const waiting = () => turns.waiting + (pool?.queueSize ?? 0)
  return {
    engine: name,
    gauges: gaugesOf(waiting),
    mergeRequests,
    convert: asOther,
    halve: halves,
    split: async (push, rules, begin) => {
      if (push.body.length < inlineBelowBytes) return inline(push, rules, begin)
      const on = pool
      if (warm && on !== undefined) {
        return turns.run(() => {
          begin?.()
          return run(on, { push, rules })
        })
      }
      if (warming === undefined) {
        warmOnce().catch(broke)
      }
      return inline(push, rules, begin)
    },
    warm: warmOnce,
    get waiting() {
      return waiting()
    },
    close: async () => {
      closed = true
      await pool?.destroy()
    },
  }
}

function gaugesOf(waiting: () => number): readonly Gauge[] {
  return [{ name: 'split_waiting', help: 'Pushes that wait for a thread.', read: waiting }]
}

function startThreads(threads: number, engine: EngineName): Piscina {
  // Threads start late, or never.
  const { Piscina: Pool }: typeof import('piscina') = require('piscina')
  return new Pool({
    // In the sources as in what is packed, the worker's file ends like this one's.
    filename: new URL(`../../workers/split${import.meta.url.slice(-3)}`, import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    workerData: engine,
    // It holds a message and its shares for a moment; the kernel's memory is not a part of it.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
}

/** An empty push: one byte, which claims no bytes. */
const emptyTask = (): SplitTask => ({
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
    output: 'same',
    metadata: 'drop',
    families: 'none',
    haLabels: [],
    compression: 'fast',
    maxDecodedBytes: 1,
    maxOutputBytes: 1,
    maxTenants: 1,
    maxSeries: 1,
  },
})
