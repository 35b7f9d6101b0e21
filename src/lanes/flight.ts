/**
 * The way of one batch: its request and its retries, and again in parts where the store's answer asks for that. It holds
 * one slot all the while, but for the time between two attempts.
 */
import type { Carried, Courier, Dialect, LaneSide, Parcel, Trip } from '../protocol.ts'
import type { Cancellation } from '../share/cancellation.ts'
import type { Counts, Share } from '../share/share.ts'
import { sumOf, type Verdict, worstOf } from '../share/verdict.ts'
import { Batch, partsOf, wantsParts } from './batch.ts'
import { backoff, type RetryPolicy } from './retry.ts'
import { OF_ONE_PUSH, type QueuedShare } from './shipment.ts'

/** What all flights of a lane have in common. */
export interface Crew {
  readonly side: LaneSide
  readonly courier: Courier
  readonly dialect: Pick<Dialect, 'halve' | 'countsOf'>
  readonly retry: RetryPolicy
  readonly now: () => number
  readonly random: () => number
  readonly happened: (what: 'retry' | 'batch_split' | 'written_differs') => void
  /** Told once for each share, of how it ended. */
  readonly concluded: (shares: readonly QueuedShare[], verdict: Verdict) => void
  /** Told of a share that, merged again, would make its batch go twice again. */
  readonly spoils: (queued: QueuedShare) => void
}

export class Flight {
  readonly #batch: Batch
  readonly #crew: Crew

  constructor(batch: Batch, crew: Crew) {
    this.#batch = batch
    this.#crew = crew
  }

  /** Resolves when each share of the batch has been concluded. */
  async fly(): Promise<void> {
    const { shares } = this.#batch
    const parcel = this.#crew.courier.load(shares.map(queued => queued.share))
    let outcome = await parcel.carry(this.#trip(0))
    if (outcome.verdict.kind === 'unreachable') outcome = await this.#retried(outcome, parcel)
    const { verdict, unclear, each } = outcome
    if (verdict.kind === 'delivered') parcel.release()
    if (unclear || wantsParts(verdict)) await this.#inParts(outcome)
    else if (each === undefined) this.#crew.concluded(shares, verdict)
    else for (const [i, queued] of shares.entries()) this.#concludeOne(queued, verdict, each[i])
  }

  #concludeOne(queued: QueuedShare, verdict: Verdict, written: Counts | undefined): void {
    this.#crew.concluded([queued], { ...verdict, written: written ?? verdict.written })
  }

  /** After an answer that says nothing of each share. */
  async #inParts({ verdict, unclear }: Carried): Promise<void> {
    const { side, concluded, happened, spoils } = this.#crew
    const batch = this.#batch
    const [first, second] = batch.shares as readonly [QueuedShare, QueuedShare?]
    if (second === undefined) {
      concluded(batch.shares, await this.#halvesOf(first.share, verdict))
      return
    }
    happened(unclear ? 'written_differs' : 'batch_split')
    for (const part of partsOf(batch.rest(), verdict.kind === 'rejected' ? verdict.status : 0)) {
      const live = part.filter(queued => queued.live)
      if (live.length === 0) continue
      // The store may fail before all parts are through; whoever comes later would wait for nothing.
      if (side.health.waitMs > 0) concluded(live, side.health.refusal)
      else await new Flight(new Batch(live), this.#crew).fly()
      // What is whole was held up by what is not, and would be with each batch.
      if (unclear) for (const queued of live) if (isPartial(queued.verdict)) spoils(queued)
    }
  }

  /** One share that is too large for the store goes in halves of its entries; a single entry that is too large is rejected. */
  async #halvesOf(share: Share, verdict: Verdict): Promise<Verdict> {
    if (verdict.kind !== 'rejected' || verdict.status !== 413) return verdict
    const { side, dialect, happened } = this.#crew
    const halves = dialect.halve(share)
    if (halves === undefined) return verdict
    happened('batch_split')
    const verdicts: Verdict[] = []
    const written: Counts[] = []
    for (const half of halves) {
      const came =
        side.health.waitMs > 0 ? side.health.refusal : await this.#halvesOf(half, await this.#flyAlone(half))
      verdicts.push(came)
      written.push(came.written === 'all' ? dialect.countsOf(half) : came.written)
    }
    const all = verdicts.every(came => came.written === 'all')
    return { ...worstOf(verdicts), written: all ? 'all' : sumOf(written) }
  }

  async #flyAlone(share: Share): Promise<Verdict> {
    const parcel = this.#crew.courier.load([share])
    const { verdict } = await this.#retried(await parcel.carry(this.#trip(0)), parcel)
    if (verdict.kind === 'delivered') parcel.release()
    return verdict
  }

  /** What the retries of a request come to, where its outcome asks for any. */
  async #retried(first: Carried, parcel: Parcel): Promise<Carried> {
    const { retry, side, now, random, happened } = this.#crew
    const batch = this.#batch
    let outcome = first
    for (let made = 1; ; made++) {
      const { verdict } = outcome
      const wait = isForSender(verdict, batch)
        ? undefined
        : backoff(verdict, made, batch.deadline - now(), retry, random)
      if (wait === undefined || side.health.waitMs > 0 || batch.cancellation.cancelled) return outcome
      happened('retry')
      // A slot is not held while nothing is sent.
      await side.withoutSlot(() => sleep(wait, batch.cancellation))
      // Others of this lane, or of all, may have opened a breaker meanwhile.
      if (batch.cancellation.cancelled || side.health.waitMs > 0) return outcome
      outcome = await parcel.carry(this.#trip(made))
    }
  }

  #trip(retries: number): Trip {
    return { headers: headersOf(this.#batch, retries), cancellation: this.#batch.cancellation }
  }
}

function isPartial(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'delivered' && verdict.written !== 'all'
}

/**
 * Whether all who pushed this are sending it again already, and what stands in the way is an answer of the store: they
 * have heard one before and wait longer each time, and retries of ours would begin anew within each of theirs.
 */
function isForSender(verdict: Verdict, { shares }: Batch): boolean {
  if (verdict.kind !== 'unreachable' || verdict.cause !== 'answer') return false
  return shares.every(({ context }) => context.headers['retry-attempt'] !== undefined)
}

/**
 * A request that several pushes share says nothing of one of them, but for the highest number of its retries, to which
 * ours are added: whoever stores counts all that it sees.
 */
function headersOf({ shares }: Batch, retries: number): Trip['headers'] {
  const [first] = shares as readonly [QueuedShare]
  const { headers } = first.context
  if (shares.length === 1 && retries === 0) return headers
  let attempt = 0
  for (const { context } of shares) {
    const its = context.headers['retry-attempt']
    if (its !== undefined) attempt = Math.max(attempt, Number(its))
  }
  attempt += retries
  const common = shares.length === 1 ? headers : withoutOwn(headers)
  return attempt > 0 ? { ...common, 'retry-attempt': String(attempt) } : common
}

const NO_HEADERS: Trip['headers'] = {}

/** In the common case nothing is left, and nothing made. */
function withoutOwn(headers: Trip['headers']): Trip['headers'] {
  let rest: Record<string, string> | undefined
  for (const name in headers) {
    if (OF_ONE_PUSH.has(name)) continue
    rest ??= {}
    rest[name] = headers[name] as string
  }
  return rest ?? NO_HEADERS
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
