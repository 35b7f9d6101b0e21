/**
 * One tenant's way to the store: a bounded queue, and a bounded number of requests in flight. While a request is in
 * flight, arriving shares wait and leave together with the next ("natural batching"): the slower the store, the fewer
 * and larger its requests. A second request flies only while a full batch is waiting.
 */

import { halve } from '../split/halve.ts'
import { canMerge } from '../split/merge.ts'
import type { TenantId } from '../tenant.ts'
import { Batch, partsOf, wantsParts } from './batch.ts'
import { Breaker, type BreakerPolicy } from './breaker.ts'
import type { Cancellation } from './cancellation.ts'
import { Account, type Connections } from './connections.ts'
import type { Departures } from './departures.ts'
import { backoff, type RetryPolicy } from './retry.ts'
import type { Carrier, QueuedShare } from './shipment.ts'
import type { Route, Upstream } from './upstream.ts'
import { localVerdict, type Verdict, worstOf } from './verdict.ts'

export interface LanePolicy {
  /** Requests in flight, while full batches wait. */
  readonly concurrency: number
  readonly maxBatchBytes: number
  readonly maxBatchSeries: number
  readonly maxQueuedBytes: number
  /** How long a share may wait for others although nothing is in flight. */
  readonly lingerMs: number
  readonly retry: RetryPolicy
  readonly breaker: BreakerPolicy
  /** How long a tenant's store may fail before its shares are given up; undefined keeps them with the sender for ever. */
  readonly shedAfterMs: number | undefined
}

/** One request to the store. */
export interface AttemptReport {
  readonly tenant: TenantId
  readonly seconds: number
  readonly verdict: Verdict
  /** How many shares it carried. */
  readonly shares: number
}

export type LaneEvent =
  | 'retry'
  | 'batch_split'
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
  readonly upstream: Pick<Upstream, 'attempt' | 'route'>
  readonly upstreamBreaker: Breaker
  readonly connections: Connections
  readonly departures: Departures
  readonly events: LaneEvents
  readonly now: () => number
  readonly random: () => number
}

/** After a 429 or a rejection: how long a lane keeps its smaller batches, and a sender travels alone. */
const REMEMBERED_MS = 60_000
/** Batches of the others that go before a sender that travels alone, so that it does not double the store's requests. */
const BATCHES_BEFORE_LONE = 5
const MAX_LONE_WAIT_MS = 5000
/** No 429 makes batches smaller than this: below it, requests cost a store more than their series. */
const MIN_BATCH_SERIES = 100

export class Lane implements Carrier {
  readonly tenant: TenantId
  readonly #policy: LanePolicy
  readonly #dependencies: LaneDependencies
  readonly #route: Route
  readonly #account = new Account()
  readonly #breaker: Breaker
  #queue: QueuedShare[] = []
  #lone: QueuedShare[] = []
  #queuedBytes = 0
  #queuedSeries = 0
  #queuedShares = 0
  /** Shares in the queues that are dead, at most. */
  #withdrawn = 0
  /** Connections asked for and not yet granted. */
  #asked = 0
  #flying = 0
  #linger: NodeJS.Timeout | undefined
  #lingerUntil = 0
  /** Live shares in `#lone`, and since when there are any. */
  #lonely = 0
  #lonelySince = 0
  #batchesSinceLone = 0
  #lastBatchMs = 0
  #halvings = 0
  #halvedUntil = 0
  #failingSince = 0
  /** When it last had something to carry. */
  idleSince: number

  constructor(tenant: TenantId, policy: LanePolicy, dependencies: LaneDependencies) {
    this.tenant = tenant
    this.#policy = policy
    this.#dependencies = dependencies
    this.#route = dependencies.upstream.route(tenant)
    this.#breaker = new Breaker(policy.breaker, dependencies.now)
    this.idleSince = dependencies.now()
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get queuedShares(): number {
    return this.#queuedShares
  }

  get inFlight(): number {
    return this.#flying
  }

  get idle(): boolean {
    return this.#queuedShares === 0 && this.#flying === 0 && this.#asked === 0
  }

  get breakerOpen(): boolean {
    return this.#breaker.open
  }

  /** Takes a live share. Whatever happens to it is a verdict, sooner or later. */
  push(queued: QueuedShare): void {
    const waitMs = this.#waitMs()
    if (waitMs > 0) {
      this.#settle(queued, brokenVerdict(waitMs))
      return
    }
    const { share, context } = queued
    if (this.#queuedShares > 0 && this.#queuedBytes + share.decodedBytes > this.#policy.maxQueuedBytes) {
      this.#dependencies.events.happened('queue_full')
      this.#settle(queued, localVerdict('the tenant’s queue is full (lanes.max_queued_bytes)'))
      return
    }
    queued.carrier = this
    this.#queuedBytes += share.decodedBytes
    this.#queuedSeries += share.series
    this.#queuedShares++
    queued.quarantined = context.sender.travelsAlone(this.tenant, this.#dependencies.now())
    if (queued.quarantined) {
      if (this.#lonely++ === 0) this.#lonelySince = this.#dependencies.now()
      this.#lone.push(queued)
    } else {
      this.#queue.push(queued)
    }
    this.#ask()
  }

  /** A share whose push was called off is skipped when its turn comes; many of them are not kept until then. */
  leave(queued: QueuedShare): boolean {
    this.#uncount(queued)
    this.#dependencies.events.happened('withdrawn')
    if (++this.#withdrawn > 64 && this.#withdrawn > this.#queuedShares) {
      // This one is still live for a moment longer.
      const stays = (other: QueuedShare) => other.live && other !== queued
      this.#queue = this.#queue.filter(stays)
      this.#lone = this.#lone.filter(stays)
      this.#withdrawn = 0
    }
    return false
  }

  #waitMs(): number {
    return Math.max(this.#breaker.waitMs, this.#dependencies.upstreamBreaker.waitMs)
  }

  /** Asks for as many connections as there is work for. */
  #ask(): void {
    if (this.#queuedShares === 0) return
    if (this.#flying + this.#asked === 0) {
      const waitMs = this.#fullBatches() >= 1 ? 0 : this.#waitForCompanyMs()
      if (waitMs > 0) this.#waitForCompany(waitMs)
      else this.#take()
      return
    }
    while (this.#flying + this.#asked < this.#policy.concurrency && this.#fullBatches() >= this.#asked + 1)
      this.#take()
  }

  readonly #takeConnection = (): void => this.#dependencies.connections.take(this.#account, this.#granted)

  readonly #granted = (): void => {
    this.#asked--
    this.#depart()
  }

  #take(): void {
    this.#asked++
    this.#dependencies.departures.atTurnsEnd(this.#takeConnection)
  }

  /** How long the lane stays on the ground although a connection could be had. */
  #waitForCompanyMs(): number {
    return this.#queuedShares > this.#lonely ? this.#policy.lingerMs : this.#loneWaitMs()
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
      if (this.#queuedShares > 0 && this.#flying + this.#asked === 0) this.#take()
    }, ms)
  }

  #fullBatches(): number {
    return Math.floor(Math.max(this.#queuedSeries / this.#maxSeries(), this.#queuedBytes / this.#maxBytes()))
  }

  /** A store refuses a request beyond the tenant's burst as a whole, so a 429 makes batches smaller for a while. */
  #maxSeries(): number {
    const { maxBatchSeries } = this.#policy
    return Math.max(Math.min(MIN_BATCH_SERIES, maxBatchSeries), maxBatchSeries >> this.#currentHalvings())
  }

  #maxBytes(): number {
    return this.#policy.maxBatchBytes / 2 ** this.#currentHalvings()
  }

  #currentHalvings(): number {
    if (this.#halvings > 0 && this.#dependencies.now() >= this.#halvedUntil) this.#halvings = 0
    return this.#halvings
  }

  /** A connection is there: forms the batch as late as this, so that as many shares as possible are in it. */
  #depart(): void {
    const waitMs = this.#waitMs()
    if (waitMs > 0) this.#settleQueued(brokenVerdict(waitMs))
    const shares = this.#nextShares()
    if (shares.length === 0) {
      this.#dependencies.connections.give(this.#account)
      this.#rest()
      return
    }
    this.#flying++
    void this.#fly(new Batch(shares))
  }

  /** A breaker opened while they waited. */
  #settleQueued(verdict: Verdict): void {
    const queued = [...this.#lone, ...this.#queue].filter(isLive)
    this.#lone = []
    this.#queue = []
    for (const one of queued) {
      this.#uncount(one)
      this.#settle(one, verdict)
    }
  }

  async #fly(batch: Batch): Promise<void> {
    const { now } = this.#dependencies
    const departed = now()
    try {
      await this.#send(batch)
      this.#lastBatchMs = now() - departed
    } catch (error) {
      // A bug of ours must not keep senders waiting, and is no reason to believe that anything was stored.
      this.#dependencies.events.broke(error)
      batch.settle(localVerdict('internal error'))
    } finally {
      this.#dependencies.connections.give(this.#account)
      this.#flying--
      this.#rest()
      this.#ask()
    }
  }

  #rest(): void {
    if (this.idle) this.idleSince = this.#dependencies.now()
  }

  /** Sends a batch, and again in parts where that is what its answer asks for. Holds one connection all the while. */
  async #send(batch: Batch): Promise<void> {
    const verdict = await this.#attempts(batch, batch.body())
    if (!wantsParts(verdict)) {
      this.#conclude(batch, verdict)
      return
    }
    if (batch.shares.length === 1) {
      this.#conclude(
        batch,
        verdict.status === 413 ? await this.#sendHalves(batch, batch.body(), verdict) : verdict,
      )
      return
    }
    this.#dependencies.events.happened('batch_split')
    for (const part of partsOf(batch.rest(), verdict.status)) {
      const live = part.filter(isLive)
      const waitMs = this.#waitMs()
      // The store may fail before all parts are through; whoever comes later would wait for nothing.
      if (waitMs > 0) for (const queued of live) this.#settle(queued, brokenVerdict(waitMs))
      else if (live.length > 0) await this.#send(new Batch(live))
    }
  }

  /** One share that is too large for the store goes in halves of its series; a single series that is too large is rejected. */
  async #sendHalves(batch: Batch, body: Uint8Array, verdict: Verdict): Promise<Verdict> {
    const [first] = batch.shares as readonly [QueuedShare]
    const halves = halve(body, first.context.protocol)
    if (halves === undefined) return verdict
    this.#dependencies.events.happened('batch_split')
    const verdicts: Verdict[] = []
    for (const half of halves) {
      const answer = await this.#attempts(batch, half)
      const tooLarge = answer.kind === 'rejected' && answer.status === 413
      verdicts.push(tooLarge ? await this.#sendHalves(batch, half, answer) : answer)
    }
    return worstOf(verdicts)
  }

  #conclude(batch: Batch, verdict: Verdict): void {
    const { now, events } = this.#dependencies
    if (verdict.kind === 'throttled') {
      events.happened('limit_halved')
      this.#halvings = Math.min(this.#currentHalvings() + 1, 16)
      this.#halvedUntil = now() + REMEMBERED_MS
    } else if (verdict.kind === 'rejected' && !verdict.refusal) {
      for (const { context } of batch.shares) context.sender.rejected(this.tenant, now() + REMEMBERED_MS)
    }
    for (const queued of batch.shares) this.#settle(queued, verdict)
  }

  /** One request, and its retries. */
  async #attempts(batch: Batch, body: Uint8Array): Promise<Verdict> {
    const { upstream, connections, events, now, random } = this.#dependencies
    const headers = headersOf(batch)
    for (let attempts = 1; ; attempts++) {
      this.#breaker.attempting()
      this.#dependencies.upstreamBreaker.attempting()
      const started = now()
      const verdict = await upstream.attempt({ route: this.#route, body, headers }, batch.cancellation)
      const seconds = (now() - started) / 1000
      events.attempted({ tenant: this.tenant, seconds, verdict, shares: batch.shares.length })
      this.#learn(verdict)

      const wait = backoff(verdict, attempts, batch.deadline - now(), this.#policy.retry, random)
      if (wait === undefined || this.#breaker.waitMs > 0 || batch.cancellation.cancelled) return verdict
      events.happened('retry')
      // A connection is not held while nothing is sent.
      connections.give(this.#account)
      await sleep(wait, batch.cancellation)
      await new Promise<void>(resolve => connections.take(this.#account, resolve))
      // Others of this lane, or of all, may have opened a breaker meanwhile.
      if (batch.cancellation.cancelled || this.#waitMs() > 0) return verdict
    }
  }

  /** The breakers, and the time since which this tenant fails. */
  #learn(verdict: Verdict): void {
    const { upstreamBreaker, events, now } = this.#dependencies
    if (verdict.kind !== 'unreachable') {
      this.#breaker.succeeded()
      upstreamBreaker.succeeded()
      this.#failingSince = 0
      return
    }
    if (verdict.cause === 'cancelled') {
      this.#breaker.ended()
      upstreamBreaker.ended()
      return
    }
    if (this.#failingSince === 0) this.#failingSince = now()
    const wasOpen = this.#breaker.open
    this.#breaker.failed()
    if (!wasOpen && this.#breaker.open) events.happened('breaker_opened')
    // One tenant's 503, reset or hanging says nothing of the others; a port where nobody listens does.
    if (verdict.cause === 'connect') upstreamBreaker.failed()
    else if (verdict.cause === 'answer' || verdict.cause === 'connection') upstreamBreaker.succeeded()
    else upstreamBreaker.ended()
  }

  /** The tenant's failure policy has the last word: `block` leaves the data with its sender, `shed` gives it up after a time. */
  #settle(queued: QueuedShare, verdict: Verdict): void {
    const { shedAfterMs } = this.#policy
    const { now, events } = this.#dependencies
    const sheds =
      shedAfterMs !== undefined &&
      verdict.kind === 'unreachable' &&
      verdict.cause !== 'cancelled' &&
      this.#failingSince > 0 &&
      now() - this.#failingSince >= shedAfterMs
    if (!sheds) {
      queued.settle(verdict)
      return
    }
    events.happened('shed')
    const reason = `shed by tenant_failure.shed: the store has failed for this tenant for ${Math.round((now() - this.#failingSince) / 1000)} s`
    queued.settle({ kind: 'rejected', status: 0, reason, refusal: false })
  }

  /** Takes the shares of the next batch out of the queue; empty where all were withdrawn. */
  #nextShares(): readonly QueuedShare[] {
    this.#lone = this.#lone.filter(isLive)
    const [lone] = this.#lone
    if (lone !== undefined && (this.#queuedShares === this.#lonely || this.#loneWaitMs() === 0)) {
      this.#lone.shift()
      this.#uncount(lone)
      this.#batchesSinceLone = 0
      this.#lonelySince = this.#dependencies.now()
      return [lone]
    }
    this.#batchesSinceLone++
    return this.#nextMerged()
  }

  /**
   * How long a share that travels alone still waits. Where its sender has the lane for itself, not at all. Where others
   * use it, until some of their batches have left, or twice that many would have: its requests must not double the store's.
   */
  #loneWaitMs(): number {
    if (this.#batchesSinceLone >= BATCHES_BEFORE_LONE) return 0
    if (this.#batchesSinceLone === 0 && this.#queuedShares === this.#lonely) return 0
    const waitMs = Math.min(2 * BATCHES_BEFORE_LONE * this.#lastBatchMs, MAX_LONE_WAIT_MS)
    return Math.max(0, this.#lonelySince + waitMs - this.#dependencies.now())
  }

  #nextMerged(): readonly QueuedShare[] {
    const maxSeries = this.#maxSeries()
    const maxBytes = this.#maxBytes()
    const taken: QueuedShare[] = []
    const left: QueuedShare[] = []
    let series = 0
    let bytes = 0
    let at = 0
    for (; at < this.#queue.length; at++) {
      const queued = this.#queue[at] as QueuedShare
      if (!queued.live) continue
      const first = taken[0]
      if (first !== undefined) {
        if (!mergeable(first, queued)) {
          left.push(queued)
          continue
        }
        // Stops at the first that does not fit: those behind it keep their turn.
        if (series + queued.share.series > maxSeries || bytes + queued.share.decodedBytes > maxBytes) break
      }
      taken.push(queued)
      series += queued.share.series
      bytes += queued.share.decodedBytes
      this.#uncount(queued)
      if (queued.share.alone) {
        at++
        break
      }
    }
    this.#queue = left.concat(this.#queue.slice(at))
    return taken
  }

  #uncount({ share, quarantined }: QueuedShare): void {
    if (quarantined) this.#lonely--
    this.#queuedBytes -= share.decodedBytes
    this.#queuedSeries -= share.series
    this.#queuedShares--
  }
}

const brokenVerdict = (waitMs: number) =>
  localVerdict('the store failed again and again; it is tried again soon', waitMs)

const isLive = (queued: QueuedShare) => queued.live

/**
 * Whether two shares may be one request: the same protocol and forwarded headers, and the same HA replica, because a
 * store decides about duplicates of a whole request from its first series.
 */
function mergeable(a: QueuedShare, b: QueuedShare): boolean {
  return (
    canMerge(a.share, b.share) &&
    a.context.protocol === '1.0' &&
    b.context.protocol === '1.0' &&
    a.context.forwarded === b.context.forwarded
  )
}

/** A request that several pushes share says nothing of one of them, but for the highest number of its retries. */
function headersOf({ shares }: Batch): Readonly<Record<string, string>> {
  const [first] = shares as readonly [QueuedShare]
  if (shares.length === 1) return first.context.headers
  let highest = 0
  for (const { context } of shares) highest = Math.max(highest, Number(context.headers['retry-attempt'] ?? 0))
  const {
    'user-agent': _userAgent,
    traceparent: _traceparent,
    'retry-attempt': _attempt,
    'x-cortex-tenant-client': _client,
    'x-cortex-tenant-reqid': _request,
    ...rest
  } = first.context.headers
  return highest > 0 ? { ...rest, 'retry-attempt': String(highest) } : rest
}

/** Resolves after `ms`, or at once when it is cancelled. */
function sleep(ms: number, cancellation: Cancellation): Promise<void> {
  return new Promise(resolve => {
    if (cancellation.cancelled) {
      resolve()
      return
    }
    const end = () => {
      clearTimeout(timer)
      cancellation.listen(undefined)
      resolve()
    }
    const timer = setTimeout(end, ms)
    cancellation.listen(end)
  })
}
