/**
 * The way of a push, in one place: admit, read, split, route, deliver, answer. It knows the stages as functions and nothing
 * of HTTP or of any protocol; `docs/life-of-a-push.md` draws it with every exit status.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Identity } from '../auth/identity.ts'
import { SluiceError } from '../errors.ts'
import type { Deliver } from '../lanes/deliver.ts'
import { isFinal, type Memo } from '../lanes/memo.ts'
import type { Destination, Loads } from '../lanes/shipment.ts'
import type { Account, Permit } from '../limits/accounts.ts'
import type { Codec, Head, SplitOutcome } from '../protocol.ts'
import type { Answer } from '../share/answer.ts'
import type { Delivery } from '../share/delivery.ts'
import type { Refusal } from '../share/refusal.ts'
import type { Counts, Share } from '../share/share.ts'
import type { TenantId } from '../tenant.ts'
import { release } from '../wire/release.ts'
import { type AnswerPolicy, answerOf, answerOfError, toSluiceError } from './answer.ts'

/** A push at the door: what its head said, and how to get at its body. */
interface Arrival {
  readonly identity: Identity
  /** In bytes; undefined for a chunked body. */
  readonly contentLength: number | undefined
  /** Returns a fresh buffer of its own, at most `limits.max_body` long; rejects with a SluiceError. */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>
  /** Stands before the tenant instead of the configured prefix, where the sender may choose one. */
  readonly prefix: string | undefined
  /** What of the sender's headers goes on to the store. */
  readonly headers: Readonly<Record<string, string>>
  /** Aborts with a SluiceError when its delivery is to end now: the sender is gone, or this process. */
  readonly cancelled: AbortSignal
}

/** Everything that is to be counted and logged about one push. */
export interface PushReport {
  readonly protocol: string
  readonly identity: Identity
  readonly answer: Answer
  readonly error: SluiceError | undefined
  readonly bodyBytes: number
  readonly split: Pick<SplitOutcome, 'shares' | 'received' | 'refusals'> | undefined
  readonly splitSeconds: number | undefined
  readonly deliveries: readonly Delivery[]
  readonly countsOf: (share: Share) => Counts
  readonly seconds: number
}

export interface PushPolicy extends AnswerPolicy {
  readonly maxBodyBytes: number
  /** From the arrival of its head to its answer. */
  readonly deadlineMs: number
}

/** What a path means for pushes. */
interface PushRoute<R, M extends Head> {
  readonly codec: Codec<R, M>
  readonly rules: R
  /** Tells these rules from others: a part of the memo's scope. */
  readonly scope: string
  readonly policy: PushPolicy
  /** Where a share goes; undefined where no route leads to a store for that tenant. */
  readonly destinationOf: (identity: Identity) => (tenant: TenantId) => Destination | undefined
}

export interface PipelineOptions {
  readonly account: Account
  readonly deliver: Deliver
  readonly memo: Pick<Memo, 'enabled' | 'mayKnow' | 'recall' | 'remember'>
  /** The one place where pushes are counted and logged, so that no branch can skip it. */
  readonly report: (report: PushReport) => void
  readonly now?: () => number
}

/** Reads a head. A refusal is a value; else the push may come in by what is returned, which never rejects. */
export type Door = (headers: IncomingHttpHeaders) => SluiceError | ((arrival: Arrival) => Promise<Answer>)

/** Joins the stages to a door for each route. */
export type Pipeline = <R, M extends Head>(route: PushRoute<R, M>) => Door

/** What is known of a push on its way; the report is made of it, however far it came. */
interface Progress {
  bodyBytes: number
  split: SplitOutcome | undefined
  splitSeconds: number | undefined
  deliveries: readonly Delivery[]
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { account, deliver, memo, report, now = () => performance.now() } = options

  async function pass<R, M extends Head>(
    route: PushRoute<R, M>,
    head: M,
    arrival: Arrival,
    progress: Progress,
    arrived: number,
  ): Promise<Answer> {
    const { policy } = route
    const { identity, headers, cancelled } = arrival
    // A chunked body says nothing of its length, so it is charged the most that it may have; nothing longer is ever read.
    const permit = account
      .child(identity.principal.name)
      .admit(Math.min(arrival.contentLength ?? policy.maxBodyBytes, policy.maxBodyBytes))
    if (!permit.admitted) throw new SluiceError('overloaded', permit.message)
    try {
      const split = await take(route, head, arrival, permit, progress)
      const { loads, refusals } = directed(split, identity, route)
      // What no route leads from is to be counted with the rest.
      if (refusals !== split.refusals) progress.split = { ...split, refusals }
      const scopeOf = () => `${route.codec.name} ${route.scope} ${split.scope}\0${identity.memoScope}`
      const earlier = memo.mayKnow(split.body) ? memo.recall(split.body, scopeOf()) : undefined
      const body = memo.enabled ? split.body : undefined
      if (body === undefined) release(split.body)
      // From here on, nothing else is held. Only metadata that has waited, and was counted there, can make it more than before.
      permit.resize((body?.length ?? 0) + bytesOf(split.shares))
      const context = { identity, headers, deadline: arrived + policy.deadlineMs }
      const { deliveries, sent } = await deliver(loads, context, earlier, cancelled)
      progress.deliveries = deliveries
      split.settle?.(deliveries)
      if (body !== undefined && !deliveries.every(({ verdict }) => isFinal(verdict))) {
        memo.remember(body, scopeOf(), sent, earlier)
      }
      if (body !== undefined) release(body)
      // Nobody reads them any more. A share that failed may be on its way still, for the sake of others.
      if (deliveries.every(({ verdict }) => verdict.kind === 'delivered')) split.release()
      cancelled.throwIfAborted()
      const attempt = Number(headers['retry-attempt'] ?? 0)
      return answerOf({ deliveries, refusals, noun: route.codec.noun, attempt }, policy)
    } finally {
      permit.release()
    }
  }

  /** Reads and splits. What it leaves behind is all that the push holds from then on. */
  async function take<R, M extends Head>(
    { codec, rules }: PushRoute<R, M>,
    head: M,
    { identity, prefix, read }: Arrival,
    permit: Permit,
    progress: Progress,
  ): Promise<SplitOutcome> {
    const body = await read()
    progress.bodyBytes = body.length
    const started = now()
    try {
      const push = { head, body, prefix, from: identity }
      progress.split = await codec.split(push, rules, bytes => hold(permit, bytes))
    } finally {
      progress.splitSeconds = (now() - started) / 1000
    }
    return progress.split
  }

  return route => {
    const { codec, rules } = route
    const countsOf = (share: Share) => codec.countsOf(share)
    return headers => {
      const head = codec.negotiate(headers, rules)
      if (head instanceof SluiceError) return head
      return async arrival => {
        const arrived = now()
        const progress: Progress = {
          bodyBytes: 0,
          split: undefined,
          splitSeconds: undefined,
          deliveries: [],
        }
        let error: SluiceError | undefined
        const said = await pass(route, head, arrival, progress, arrived).catch((thrown: unknown) => {
          error = toSluiceError(thrown)
          return answerOfError(error)
        })
        const answer = codec.respond(said, progress.deliveries, head)
        const { identity } = arrival
        const { protocol } = head
        const seconds = (now() - arrived) / 1000
        report({ protocol, identity, answer, error, ...progress, countsOf, seconds })
        return answer
      }
    }
  }
}

/** Each share and its store. What no route leads from is refused, and the rest goes on. */
function directed<R, M extends Head>(
  { shares, refusals }: SplitOutcome,
  identity: Identity,
  { destinationOf }: PushRoute<R, M>,
): { readonly loads: Loads; readonly refusals: readonly Refusal[] } {
  const of = destinationOf(identity)
  const found = shares.map(share => of(share.tenant))
  // The common case copies nothing.
  if (isComplete(found)) return { loads: { shares, destinations: found }, refusals }
  const taken = shares.filter((_, i) => found[i] !== undefined)
  const homeless = shares.filter((_, i) => found[i] === undefined)
  const entries = homeless.reduce((sum, share) => sum + share.entries, 0)
  return {
    loads: { shares: taken, destinations: found.filter(it => it !== undefined) },
    refusals: [
      ...refusals,
      { reason: 'no_route', dropped: false, entries, example: homeless[0]?.tenant ?? '' },
    ],
  }
}

function isComplete(found: readonly (Destination | undefined)[]): found is readonly Destination[] {
  return !found.includes(undefined)
}

function hold(permit: Permit, bytes: number): void {
  const refusal = permit.resize(bytes)
  if (refusal !== undefined) throw new SluiceError('overloaded', refusal.message)
}

function bytesOf(shares: readonly Share[]): number {
  return shares.reduce((sum, share) => sum + share.body.length, 0)
}
