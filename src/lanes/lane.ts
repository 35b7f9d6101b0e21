/**
 * One tenant's way to the store: a bounded queue, and a bounded number of requests in flight. While a request is in
 * flight, arriving shares wait and leave together with the next ("natural batching"): the slower the store, the fewer
 * and larger its requests. A second request flies only while a full batch is waiting.
 */
import type { Dialect } from '../protocol.ts'
import { localVerdict, type Verdict } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import { Batch } from './batch.ts'
import type { Breaker } from './breaker.ts'
import type { Departures } from './departures.ts'
import { type Crew, Flight } from './flight.ts'
import { Health, type HealthPolicy } from './health.ts'
import { type BatchLimits, LaneQueue } from './lane-queue.ts'
import type { RetryPolicy } from './retry.ts'
import type { Carrier, QueuedShare } from './shipment.ts'
import { type AttemptReport, Side, type StoreLane } from './side.ts'
import { Claim, type Slots } from './slots.ts'

export interface LanePolicy extends HealthPolicy {
  /** Requests in flight, while full batches wait. */
  readonly concurrency: number
  readonly maxBatchBytes: number
  readonly maxBatchEntries: number
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

/** What happens here is counted by whoever listens; no branch counts by itself. */
export interface LaneEvents {
  attempted(attempt: AttemptReport): void
  happened(what: LaneEvent): void
  /** A bug of ours. */
  broke(error: unknown): void
}

export interface LaneDependencies {
  readonly dialect: Dialect
  readonly storeOf: (tenant: TenantId) => StoreLane
  readonly storeBreaker: Breaker
  readonly slots: Slots
  readonly departures: Departures
  readonly events: LaneEvents
  readonly now: () => number
  readonly random: () => number
}

/** After a 429 or a rejection: how long a lane keeps its smaller batches, and a sender travels alone. */
const REMEMBERED_MS = 60_000
/** No 429 makes batches smaller than this: below it, requests cost a store more than their series. */
const MIN_BATCH_ENTRIES = 100

export class Lane implements Carrier {
  readonly tenant: TenantId
  readonly #policy: LanePolicy
  readonly #dependencies: LaneDependencies
  readonly #claim = new Claim()
  readonly #queue: LaneQueue
  readonly #health: Health
  readonly #crew: Crew
  /** While no 429 has made them smaller. */
  readonly #usualLimits: BatchLimits
  /** Slots asked for and not yet granted. */
  #asked = 0
  #flying = 0
  #linger: NodeJS.Timeout | undefined
  #lingerUntil = 0
  #lastBatchMs = 0
  #halvings = 0
  #halvedUntil = 0
  #idleSince: number

  constructor(tenant: TenantId, policy: LanePolicy, dependencies: LaneDependencies) {
    const { dialect, storeOf, storeBreaker, slots, events, now, random } = dependencies
    this.tenant = tenant
    this.#policy = policy
    this.#dependencies = dependencies
    this.#queue = new LaneQueue(dialect, now)
    this.#health = new Health(policy, storeBreaker, now)
    this.#usualLimits = { maxEntries: policy.maxBatchEntries, maxBytes: policy.maxBatchBytes }
    const store = storeOf(tenant)
    const side = new Side({ tenant, store, health: this.#health, slots, claim: this.#claim, events, now })
    this.#crew = {
      side,
      courier: dialect.courier(side),
      dialect,
      retry: policy.retry,
      now,
      random,
      happened: what => events.happened(what),
      concluded: (shares, verdict) => this.#conclude(shares, verdict),
      spoils: queued => this.#isolate(queued),
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
    queued.quarantined = context.identity.quarantine.travelsAlone(this.tenant, this.#dependencies.now)
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

  /** Asks for as many slots as there is work for. */
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
    this.#dependencies.departures.atTurnsEnd(this.#takeSlot)
  }

  readonly #takeSlot = (): void => this.#dependencies.slots.take(this.#claim, this.#depart)

  /** How long the lane stays on the ground although a slot could be had. */
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
    const { maxBatchEntries, maxBatchBytes } = this.#policy
    return {
      maxEntries: Math.max(Math.min(MIN_BATCH_ENTRIES, maxBatchEntries), maxBatchEntries >> halvings),
      maxBytes: maxBatchBytes / 2 ** halvings,
    }
  }

  #currentHalvings(): number {
    if (this.#halvings > 0 && this.#dependencies.now() >= this.#halvedUntil) this.#halvings = 0
    return this.#halvings
  }

  /** A slot is there: forms the batch as late as this, so that as many shares as possible are in it. */
  readonly #depart = (): void => {
    this.#asked--
    if (this.#health.waitMs > 0) {
      // A breaker opened while they waited.
      const { refusal } = this.#health
      for (const queued of this.#queue.takeAll()) this.#settle(queued, refusal)
    }
    const shares = this.#queue.take(this.#limits(), this.#lastBatchMs)
    if (shares.length === 0) {
      this.#dependencies.slots.give(this.#claim)
      this.#rest()
      return
    }
    this.#flying++
    void this.#carry(new Batch(shares))
  }

  async #carry(batch: Batch): Promise<void> {
    const { slots, events, now } = this.#dependencies
    const departed = now()
    try {
      await new Flight(batch, this.#crew).fly()
      this.#lastBatchMs = now() - departed
    } catch (error) {
      // A bug of ours must not keep senders waiting, and is no reason to believe that anything was stored.
      events.broke(error)
      batch.settle(localVerdict('internal error'))
    } finally {
      slots.give(this.#claim)
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
      for (const queued of shares) this.#isolate(queued)
    }
    for (const queued of shares) this.#settle(queued, verdict)
  }

  /** Its sender's shares of this tenant travel alone for a while. */
  #isolate({ context }: QueuedShare): void {
    context.identity.quarantine.rejected(this.tenant, this.#dependencies.now() + REMEMBERED_MS)
  }

  /** The tenant's failure policy has the last word. */
  #settle(queued: QueuedShare, verdict: Verdict): void {
    const shed = this.#health.shed(verdict)
    if (shed !== undefined) this.#dependencies.events.happened('shed')
    queued.settle(shed ?? this.#dependencies.dialect.verdictFor(queued.share, verdict))
  }
}
