/**
 * One tenant's way to the store: a bounded queue, and a bounded number of requests in flight. While a request is in
 * flight, arriving shares wait and leave together with the next ("natural batching"): the slower the store, the fewer
 * and larger its requests. A second request flies only while a full batch is waiting.
 */

import type { BodyOf } from '../remote-write/body.ts'
import type { ConvertShare } from '../remote-write/parcel.ts'
import type { Share } from '../remote-write/split.ts'
import type { UpstreamProtocol } from '../remote-write/store-protocol.ts'
import { localVerdict, type Verdict } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { AttemptReport } from './attempt.ts'
import { Batch } from './batch.ts'
import type { Breaker } from './breaker.ts'
import type { Departures } from './departures.ts'
import { type FlightOptions, fly } from './flight.ts'
import { Health, type HealthPolicy } from './health.ts'
import { type BatchLimits, LaneQueue } from './lane-queue.ts'
import type { RetryPolicy } from './retry.ts'
import type { Carrier, QueuedShare } from './shipment.ts'
import { Account, type Connections } from './slots.ts'

export interface LanePolicy extends HealthPolicy {
  /** Requests in flight, while full batches wait. */
  readonly concurrency: number
  readonly maxBatchBytes: number
  readonly maxBatchSeries: number
  readonly maxQueuedBytes: number
  /** How long a share may wait for others although nothing is in flight. */
  readonly lingerMs: number
  readonly retry: RetryPolicy
}

export type LaneEvent =
  | 'retry'
  | 'batch_split'
  | 'written_differs'
  | 'limit_halved'
  | 'breaker_opened'
  | 'shed'
  | 'withdrawn'
  | 'queue_full'
  | 'turn_awaited'
  | 'fell_back'
  | 'converted'

/** What happens here is counted by whoever listens; no branch counts by itself. */
export interface LaneEvents {
  attempted(attempt: AttemptReport): void
  happened(what: LaneEvent): void
  /** Created and start timestamps, and histograms, that 1.0 can't carry, in shares that had to be converted here. */
  lost(createdTimestamps: number, histograms: number): void
  /** A bug of ours. */
  broke(error: unknown): void
}

export interface LaneDependencies {
  readonly upstream: Pick<Upstream, 'attempt' | 'route'>
  readonly upstreamBreaker: Breaker
  readonly connections: Connections
  readonly departures: Departures
  readonly protocol: UpstreamProtocol
  readonly convert: ConvertShare
  readonly turnMs: number
  readonly omitsWritten: boolean
  readonly bodyOf: BodyOf
  readonly halve: FlightOptions['halve']
  readonly events: LaneEvents
  readonly now: () => number
  readonly random: () => number
}

/** After a 429 or a rejection: how long a lane keeps its smaller batches, and a sender travels alone. */
const REMEMBERED_MS = 60_000
/** No 429 makes batches smaller than this: below it, requests cost a store more than their series. */
const MIN_BATCH_SERIES = 100

export class Lane implements Carrier {
  readonly tenant: TenantId
  readonly #policy: LanePolicy
  readonly #dependencies: LaneDependencies
  readonly #account = new Account()
  readonly #queue: LaneQueue
  readonly #health: Health
  readonly #flight: FlightOptions
  /** While no 429 has made them smaller. */
  readonly #usualLimits: BatchLimits
  /** Connections asked for and not yet granted. */
  #asked = 0
  #flying = 0
  #linger: NodeJS.Timeout | undefined
  #lingerUntil = 0
  #lastBatchMs = 0
  #halvings = 0
  #halvedUntil = 0
  #idleSince: number

  constructor(tenant: TenantId, policy: LanePolicy, dependencies: LaneDependencies) {
    const { upstream, upstreamBreaker, events, now } = dependencies
    this.tenant = tenant
    this.#policy = policy
    this.#dependencies = dependencies
    this.#queue = new LaneQueue(now)
    this.#health = new Health(policy, upstreamBreaker, now)
    this.#usualLimits = { maxSeries: policy.maxBatchSeries, maxBytes: policy.maxBatchBytes }
    this.#flight = {
      ...dependencies,
      tenant,
      route: upstream.route(tenant),
      retry: policy.retry,
      account: this.#account,
      health: this.#health,
      attempted: attempt => events.attempted(attempt),
      happened: what => events.happened(what),
      lost: (createdTimestamps, histograms) => events.lost(createdTimestamps, histograms),
      concluded: (shares, verdict) => this.#conclude(shares, verdict),
      spoils: ({ context }) => context.sender.rejected(tenant, now() + REMEMBERED_MS),
    }
    this.#idleSince = now()
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  get queuedShares(): number {
    return this.#queue.shares
  }

  get inFlight(): number {
    return this.#flying
  }

  get breakerOpen(): boolean {
    return this.#health.breakerOpen
  }

  /** Whether nothing is lost when it is forgotten, having been idle for so long. */
  isForgettable(idleMs: number): boolean {
    const { shedAfterMs = 0 } = this.#policy
    const keptMs = this.#health.sheds ? Math.max(idleMs, 2 * shedAfterMs) : idleMs
    return this.#idle && this.#dependencies.now() - this.#idleSince >= keptMs
  }

  /** Takes a live share. Whatever happens to it is a verdict, sooner or later. */
  push(queued: QueuedShare): void {
    const { share, context } = queued
    if (this.#health.waitMs > 0) {
      this.#settle(queued, this.#health.refusal)
      return
    }
    if (this.#queue.shares > 0 && this.#queue.bytes + share.decodedBytes > this.#policy.maxQueuedBytes) {
      this.#dependencies.events.happened('queue_full')
      this.#settle(queued, localVerdict('the tenant’s queue is full (lanes.max_queued_bytes)'))
      return
    }
    queued.carrier = this
    queued.quarantined = context.sender.travelsAlone(this.tenant, this.#dependencies.now)
    this.#queue.add(queued)
    this.#ask()
  }

  /** A share whose push was called off while it waits here. */
  leave(queued: QueuedShare): boolean {
    this.#queue.withdraw(queued)
    this.#dependencies.events.happened('withdrawn')
    return false
  }

  get #idle(): boolean {
    return this.#queue.shares === 0 && this.#flying === 0 && this.#asked === 0
  }

  /** Asks for as many connections as there is work for. */
  #ask(): void {
    if (this.#queue.shares === 0) return
    const full = this.#queue.fullBatches(this.#limits())
    if (this.#flying + this.#asked === 0) {
      const waitMs = full >= 1 ? 0 : this.#waitForCompanyMs()
      if (waitMs > 0) this.#waitForCompany(waitMs)
      else this.#take()
      return
    }
    while (this.#flying + this.#asked < this.#policy.concurrency && full >= this.#asked + 1) this.#take()
  }

  #take(): void {
    this.#asked++
    this.#dependencies.departures.atTurnsEnd(this.#takeConnection)
  }

  readonly #takeConnection = (): void => this.#dependencies.connections.take(this.#account, this.#depart)

  /** How long the lane stays on the ground although a connection could be had. */
  #waitForCompanyMs(): number {
    return this.#queue.onlyLone ? this.#queue.loneWaitMs(this.#lastBatchMs) : this.#policy.lingerMs
  }

  #waitForCompany(ms: number): void {
    const until = this.#dependencies.now() + ms
    if (this.#linger !== undefined) {
      if (until >= this.#lingerUntil) return
      clearTimeout(this.#linger)
    }
    this.#lingerUntil = until
    this.#linger = setTimeout(() => {
      this.#linger = undefined
      if (this.#queue.shares > 0 && this.#flying + this.#asked === 0) this.#take()
    }, ms)
    // Whoever waits has a connection open, which keeps the process.
    this.#linger.unref()
  }

  /** A store refuses a request beyond the tenant's burst as a whole, so a 429 makes batches smaller for a while. */
  #limits(): BatchLimits {
    const halvings = this.#currentHalvings()
    if (halvings === 0) return this.#usualLimits
    const { maxBatchSeries, maxBatchBytes } = this.#policy
    return {
      maxSeries: Math.max(Math.min(MIN_BATCH_SERIES, maxBatchSeries), maxBatchSeries >> halvings),
      maxBytes: maxBatchBytes / 2 ** halvings,
    }
  }

  #currentHalvings(): number {
    if (this.#halvings > 0 && this.#dependencies.now() >= this.#halvedUntil) this.#halvings = 0
    return this.#halvings
  }

  /** A connection is there: forms the batch as late as this, so that as many shares as possible are in it. */
  readonly #depart = (): void => {
    this.#asked--
    if (this.#health.waitMs > 0) {
      // A breaker opened while they waited.
      const { refusal } = this.#health
      for (const queued of this.#queue.takeAll()) this.#settle(queued, refusal)
    }
    const shares = this.#queue.take(this.#limits(), this.#lastBatchMs)
    if (shares.length === 0) {
      this.#dependencies.connections.give(this.#account)
      this.#rest()
      return
    }
    this.#flying++
    void this.#carry(new Batch(shares))
  }

  async #carry(batch: Batch): Promise<void> {
    const { connections, events, now } = this.#dependencies
    const departed = now()
    try {
      await fly(batch, this.#flight)
      this.#lastBatchMs = now() - departed
    } catch (error) {
      // A bug of ours must not keep senders waiting, and is no reason to believe that anything was stored.
      events.broke(error)
      batch.settle(localVerdict('internal error'))
    } finally {
      connections.give(this.#account)
      this.#flying--
      this.#rest()
      this.#ask()
    }
  }

  #rest(): void {
    if (this.#idle) this.#idleSince = this.#dependencies.now()
  }

  /** A verdict that holds for these shares, and what is learned from it for the next ones. */
  #conclude(shares: readonly QueuedShare[], verdict: Verdict): void {
    const { now, events } = this.#dependencies
    if (verdict.kind === 'throttled') {
      events.happened('limit_halved')
      this.#halvings = Math.min(this.#currentHalvings() + 1, 16)
      this.#halvedUntil = now() + REMEMBERED_MS
    } else if (verdict.kind === 'rejected' && !verdict.refusal) {
      for (const { context } of shares) context.sender.rejected(this.tenant, now() + REMEMBERED_MS)
    }
    for (const queued of shares) this.#settle(queued, verdict)
  }

  /** The tenant's failure policy has the last word. */
  #settle(queued: QueuedShare, verdict: Verdict): void {
    const shed = this.#health.shed(verdict)
    if (shed !== undefined) this.#dependencies.events.happened('shed')
    queued.settle(shed ?? forKind(queued.share, verdict))
  }
}

/**
 * A store that takes only 2.0 refuses the 1.0 message beside a tenant's series, and would for ever: what is in it can't be
 * said otherwise. So to its sender that is rejected data, which it must not keep sending, and no refusal that ends when
 * somebody puts the configuration right.
 */
function forKind({ kind }: Share, verdict: Verdict): Verdict {
  return kind !== 'series' && verdict.kind === 'rejected' && verdict.status === 415
    ? { ...verdict, refusal: false }
    : verdict
}
