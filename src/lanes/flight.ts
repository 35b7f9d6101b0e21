/**
 * The way of one batch: its request and its retries, and again in parts where the store's answer asks for that. It holds
 * one connection all the while, but for the time between two attempts.
 */

import type { BodyOf } from '../remote-write/body.ts'
import type { Counted } from '../remote-write/counted.ts'
import { type BridgeOptions, cross, type Headers } from '../remote-write/courier.ts'
import { Parcel } from '../remote-write/parcel.ts'
import type { Share } from '../remote-write/split.ts'
import type { Cancellation } from '../share/cancellation.ts'
import { sumOf, type Verdict, type Written, worstOf } from '../share/verdict.ts'
import { Batch, partsOf, wantsParts } from './batch.ts'
import { backoff, type RetryPolicy } from './retry.ts'
import type { QueuedShare } from './shipment.ts'

export interface FlightOptions extends BridgeOptions {
  readonly retry: RetryPolicy
  readonly bodyOf: BodyOf
  readonly halve: (share: Share) => readonly [Share, Share] | undefined
  readonly random: () => number
  readonly happened: (
    what: Parameters<BridgeOptions['happened']>[0] | 'retry' | 'batch_split' | 'written_differs',
  ) => void
  /** Told once for each share, of how it ended. */
  readonly concluded: (shares: readonly QueuedShare[], verdict: Verdict) => void
  /** Told of a share that, merged again, would make its batch go twice again. */
  readonly spoils: (queued: QueuedShare) => void
}

/** Resolves when each share of the batch has been concluded. */
export async function fly(batch: Batch, options: FlightOptions): Promise<void> {
  const shares = batch.shares.map(queued => queued.share)
  const parcel = new Parcel(shares, options.bodyOf)
  let outcome = await cross(batch, parcel, headersOf(batch, 0), options)
  if (outcome.verdict.kind === 'unreachable') outcome = await retried(outcome, batch, parcel, options)
  const { verdict, unclear, each } = outcome
  if (verdict.kind === 'delivered') parcel.release()
  if (unclear || wantsParts(verdict)) await inParts(batch, outcome, options)
  else if (each === undefined) options.concluded(batch.shares, verdict)
  else
    for (const [i, written] of each.entries()) concludeOne(batch.shares[i], { ...verdict, written }, options)
}

function concludeOne(queued: QueuedShare | undefined, verdict: Verdict, { concluded }: FlightOptions): void {
  if (queued !== undefined) concluded([queued], verdict)
}

/** After an answer that says nothing of each share. */
async function inParts(batch: Batch, { verdict, unclear }: Counted, options: FlightOptions): Promise<void> {
  const { health, concluded, happened, spoils } = options
  const [first, second] = batch.shares as readonly [QueuedShare, QueuedShare?]
  if (second === undefined) {
    concluded(batch.shares, await halvesOf(batch, first.share, verdict, options))
    return
  }
  happened(unclear ? 'written_differs' : 'batch_split')
  for (const part of partsOf(batch.rest(), verdict.kind === 'rejected' ? verdict.status : 0)) {
    const live = part.filter(queued => queued.live)
    if (live.length === 0) continue
    // The store may fail before all parts are through; whoever comes later would wait for nothing.
    if (health.waitMs > 0) concluded(live, health.refusal)
    else await fly(new Batch(live), options)
    // What is whole was held up by what is not, and would be with each batch.
    if (unclear) for (const queued of live) if (isPartial(queued.verdict)) spoils(queued)
  }
}

function isPartial(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'delivered' && verdict.written !== 'all'
}

/** One share that is too large for the store goes in halves of its series; a single series that is too large is rejected. */
async function halvesOf(
  batch: Batch,
  share: Share,
  verdict: Verdict,
  options: FlightOptions,
): Promise<Verdict> {
  if (verdict.kind !== 'rejected' || verdict.status !== 413) return verdict
  const halves = options.halve(share)
  if (halves === undefined) return verdict
  options.happened('batch_split')
  const verdicts: Verdict[] = []
  const written: Written[] = []
  for (const half of halves) {
    const came =
      options.health.waitMs > 0
        ? options.health.refusal
        : await halvesOf(batch, half, await flyAlone(batch, half, options), options)
    verdicts.push(came)
    written.push(came.written === 'all' ? half : came.written)
  }
  const all = verdicts.every(came => came.written === 'all')
  return { ...worstOf(verdicts), written: all ? 'all' : sumOf(written) }
}

async function flyAlone(batch: Batch, share: Share, options: FlightOptions): Promise<Verdict> {
  const parcel = new Parcel([share], () => share.body)
  const outcome = await cross(batch, parcel, headersOf(batch, 0), options)
  return (await retried(outcome, batch, parcel, options)).verdict
}

/** What the retries of a request come to, where its outcome asks for any. */
async function retried(
  first: Counted,
  batch: Batch,
  parcel: Parcel,
  options: FlightOptions,
): Promise<Counted> {
  const { retry, account, health, connections, now, random } = options
  let outcome = first
  for (let made = 1; ; made++) {
    const { verdict } = outcome
    const wait = isForSender(verdict, batch)
      ? undefined
      : backoff(verdict, made, batch.deadline - now(), retry, random)
    if (wait === undefined || health.waitMs > 0 || batch.cancellation.cancelled) return outcome
    options.happened('retry')
    // A connection is not held while nothing is sent.
    connections.give(account)
    await sleep(wait, batch.cancellation)
    await new Promise<void>(resolve => connections.take(account, resolve))
    // Others of this lane, or of all, may have opened a breaker meanwhile.
    if (batch.cancellation.cancelled || health.waitMs > 0) return outcome
    outcome = await cross(batch, parcel, headersOf(batch, made), options)
  }
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
function headersOf({ shares }: Batch, retries: number): Headers {
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

/** Headers that say something of one push. */
const OWN: ReadonlySet<string> = new Set([
  'user-agent',
  'traceparent',
  'retry-attempt',
  'x-cortex-tenant-client',
  'x-cortex-tenant-reqid',
])
const NO_HEADERS: Headers = {}

/** In the common case nothing is left, and nothing made. */
function withoutOwn(headers: Headers): Headers {
  let rest: Record<string, string> | undefined
  for (const name in headers) {
    if (OWN.has(name)) continue
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
