/**
 * The shares that wait in one lane, and which of them leave together next. Shares of senders whose data was rejected not
 * long ago wait apart: each goes by itself, and not so often that it doubles the store's requests.
 */
import type { Dialect } from '../protocol.ts'
import type { QueuedShare } from './shipment.ts'

export interface BatchLimits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** From here on a store is far: requests in flight are what is scarce. */
const FAR_MS = 10
/** Batches of the others that go before a share that travels alone. */
const BATCHES_BEFORE_LONE = 5
const MAX_LONE_WAIT_MS = 5000
/** Withdrawn shares are skipped when their turn comes; this many of them are not kept until then. */
const MAX_WITHDRAWN = 64

type MergingDialect = Pick<Dialect, 'merges' | 'mergesCheaply'>

export class LaneQueue {
  readonly #dialect: MergingDialect
  readonly #now: () => number
  #queue: QueuedShare[] = []
  #lone: QueuedShare[] = []
  #shares = 0
  #entries = 0
  #bytes = 0
  /** Live shares in `#lone`, and since when there are any or the last of them left. */
  #lonely = 0
  #lonelySince = 0
  #batchesSinceLone = 0
  /** Shares in the queues that are dead, at most. */
  #withdrawn = 0

  constructor(dialect: MergingDialect, now: () => number) {
    this.#dialect = dialect
    this.#now = now
  }

  get shares(): number {
    return this.#shares
  }

  /** Before compression. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether only shares wait that travel alone. */
  get onlyLone(): boolean {
    return this.#shares === this.#lonely
  }

  /** How many batches of this size wait, the last one not full. */
  fullBatches({ maxEntries, maxBytes }: BatchLimits): number {
    return Math.floor(Math.max(this.#entries / maxEntries, this.#bytes / maxBytes))
  }

  /** Takes a live share. */
  add(queued: QueuedShare): void {
    const { share, quarantined } = queued
    this.#bytes += share.decodedBytes
    this.#entries += share.entries
    this.#shares++
    if (!quarantined) {
      this.#queue.push(queued)
      return
    }
    if (this.#lonely++ === 0) this.#lonelySince = this.#now()
    this.#lone.push(queued)
  }

  /** A share whose push was called off. */
  withdraw(queued: QueuedShare): void {
    this.#uncount(queued)
    if (++this.#withdrawn <= MAX_WITHDRAWN || this.#withdrawn <= this.#shares) return
    // This one is still live for a moment longer.
    const stays = (other: QueuedShare) => other.live && other !== queued
    this.#queue = this.#queue.filter(stays)
    this.#lone = this.#lone.filter(stays)
    this.#withdrawn = 0
  }

  /** All that wait, out of the queue. */
  takeAll(): readonly QueuedShare[] {
    const all = [...this.#lone, ...this.#queue].filter(queued => queued.live)
    this.#lone = []
    this.#queue = []
    for (const queued of all) this.#uncount(queued)
    return all
  }

  /** The shares of the next batch, out of the queue; empty where all were withdrawn. */
  take(limits: BatchLimits, lastBatchMs: number): readonly QueuedShare[] {
    if (this.#lone.length > 0) this.#lone = this.#lone.filter(queued => queued.live)
    const lone = this.#lone[0]
    if (lone !== undefined && (this.onlyLone || this.loneWaitMs(lastBatchMs) === 0)) {
      this.#lone.shift()
      this.#uncount(lone)
      this.#batchesSinceLone = 0
      this.#lonelySince = this.#now()
      return [lone]
    }
    this.#batchesSinceLone++
    return this.#takeMerged(limits, lastBatchMs >= FAR_MS)
  }

  /**
   * How long a share that travels alone still waits. Where its sender has the lane for itself, not at all. Where others
   * use it, until some of their batches have left, or twice that many would have.
   */
  loneWaitMs(lastBatchMs: number): number {
    if (this.#batchesSinceLone >= BATCHES_BEFORE_LONE) return 0
    if (this.#batchesSinceLone === 0 && this.onlyLone) return 0
    const waitMs = Math.min(2 * BATCHES_BEFORE_LONE * lastBatchMs, MAX_LONE_WAIT_MS)
    return Math.max(0, this.#lonelySince + waitMs - this.#now())
  }

  #takeMerged({ maxEntries, maxBytes }: BatchLimits, isFar: boolean): readonly QueuedShare[] {
    const taken: QueuedShare[] = []
    const left: QueuedShare[] = []
    let entries = 0
    let bytes = 0
    let at = 0
    for (; at < this.#queue.length; at++) {
      const queued = this.#queue[at] as QueuedShare
      if (!queued.live) continue
      const { share } = queued
      const goesAlone = share.alone || !(isFar || this.#dialect.mergesCheaply(share))
      const first = taken[0]
      if (first !== undefined) {
        if (goesAlone || !this.#mergeable(first, queued)) {
          left.push(queued)
          continue
        }
        // Stops at the first that does not fit: those behind it keep their turn.
        if (entries + share.entries > maxEntries || bytes + share.decodedBytes > maxBytes) break
      }
      taken.push(queued)
      entries += share.entries
      bytes += share.decodedBytes
      this.#uncount(queued)
      if (goesAlone) {
        at++
        break
      }
    }
    this.#queue = at === this.#queue.length ? left : left.concat(this.#queue.slice(at))
    return taken
  }

  #uncount({ share, quarantined }: QueuedShare): void {
    if (quarantined) this.#lonely--
    this.#bytes -= share.decodedBytes
    this.#entries -= share.entries
    this.#shares--
  }

  #mergeable(a: QueuedShare, b: QueuedShare): boolean {
    return (
      a.context.identity.mergeKey === b.context.identity.mergeKey && this.#dialect.merges(a.share, b.share)
    )
  }
}
