/**
 * The way of one batch: its request and its retries, and again in parts where the store's answer asks for that. It holds
 * one connection all the while, but for the time between two attempts.
 */
import { countsIn, halve } from '../split/halve.ts'
import type { Protocol } from '../split/split.ts'
import type { TenantId } from '../tenant.ts'
import { Batch, type MergeShares, partsOf, wantsParts } from './batch.ts'
import type { Cancellation } from './cancellation.ts'
import type { Account, Connections } from './connections.ts'
import { type Counted, counted } from './counted.ts'
import type { Health } from './health.ts'
import { backoff, type RetryPolicy } from './retry.ts'
import type { QueuedShare } from './shipment.ts'
import type { Route, Upstream } from './upstream.ts'
import { sumOf, type Verdict, type Written, worstOf } from './verdict.ts'

/** One request to the store. */
export interface AttemptReport {
  readonly tenant: TenantId
  readonly seconds: number
  readonly verdict: Verdict
  /** How many shares it carried. */
  readonly shares: number
}

export interface FlightOptions {
  readonly tenant: TenantId
  readonly route: Route
  readonly retry: RetryPolicy
  readonly account: Account
  readonly health: Health
  readonly upstream: Pick<Upstream, 'attempt'>
  readonly connections: Connections
  /** Whether the store is one that writes all of a 2.0 request and reports nothing. */
  readonly omitsWritten: boolean
  readonly mergeShares: MergeShares
  readonly now: () => number
  readonly random: () => number
  readonly attempted: (attempt: AttemptReport) => void
  readonly happened: (what: 'retry' | 'batch_split' | 'breaker_opened' | 'written_differs') => void
  /** Told once for each share, of how it ended. */
  readonly concluded: (shares: readonly QueuedShare[], verdict: Verdict) => void
  /** Told of a share that, merged again, would make its batch go twice again. */
  readonly spoils: (queued: QueuedShare) => void
}

/** What one request holds. */
interface Parcel {
  readonly protocol: Protocol
  readonly body: Uint8Array
  readonly sent: Written
}

/** Resolves when each share of the batch has been concluded. */
export async function fly(batch: Batch, options: FlightOptions): Promise<void> {
  const { health, concluded, happened, spoils } = options
  const parcel = parcelOf(batch)
  const { verdict, unclear } = await attempts(batch, parcel, options)
  if (!unclear && !wantsParts(verdict)) {
    concluded(batch.shares, verdict)
    return
  }
  if (batch.shares.length === 1) {
    concluded(batch.shares, await halvesOf(batch, parcel, verdict, options))
    return
  }
  happened(unclear ? 'written_differs' : 'batch_split')
  for (const part of partsOf(batch.rest(), verdict.kind === 'rejected' ? verdict.status : 0)) {
    const live = part.filter(queued => queued.live)
    if (live.length === 0) continue
    // The store may fail before all parts are through; whoever comes later would wait for nothing.
    if (health.waitMs > 0) concluded(live, health.refusal)
    else await fly(new Batch(live, options.mergeShares), options)
    // What is whole was held up by what is not, and would be with each batch.
    if (unclear) for (const queued of live) if (queued.verdict?.written !== 'all') spoils(queued)
  }
}

function parcelOf(batch: Batch): Parcel {
  const [first] = batch.shares as readonly [QueuedShare]
  const { share } = first
  const sent = batch.shares.length === 1 ? share : sumOf(batch.shares.map(queued => queued.share))
  return { protocol: share.protocol, body: batch.body(), sent }
}

/** One share that is too large for the store goes in halves of its series; a single series that is too large is rejected. */
async function halvesOf(
  batch: Batch,
  { protocol, body }: Parcel,
  verdict: Verdict,
  options: FlightOptions,
): Promise<Verdict> {
  if (verdict.kind !== 'rejected' || verdict.status !== 413) return verdict
  const halves = halve(body, protocol)
  if (halves === undefined) return verdict
  options.happened('batch_split')
  const verdicts: Verdict[] = []
  const written: Written[] = []
  for (const half of halves) {
    const parcel = { protocol, body: half, sent: countsIn(half, protocol) }
    const came =
      options.health.waitMs > 0
        ? options.health.refusal
        : await halvesOf(batch, parcel, (await attempts(batch, parcel, options)).verdict, options)
    verdicts.push(came)
    written.push(came.written === 'all' ? parcel.sent : came.written)
  }
  const all = verdicts.every(came => came.written === 'all')
  return { ...worstOf(verdicts), written: all ? 'all' : sumOf(written) }
}

/** One request, and its retries. */
async function attempts(batch: Batch, parcel: Parcel, options: FlightOptions): Promise<Counted> {
  const { tenant, route, retry, account, health, upstream, connections, now, random } = options
  const { protocol, body, sent } = parcel
  for (let made = 1; ; made++) {
    const trials = health.attempting()
    const started = now()
    const headers = headersOf(batch, made - 1)
    const reply = await upstream.attempt({ route, protocol, body, headers }, batch.cancellation)
    const { verdict } = reply
    options.attempted({ tenant, seconds: (now() - started) / 1000, verdict, shares: batch.shares.length })
    const outcome =
      protocol === '1.0'
        ? { verdict, unclear: false }
        : counted(reply, sent, batch.shares.length, options.omitsWritten)
    if (health.attempted(verdict, trials)) options.happened('breaker_opened')

    const wait = backoff(verdict, made, batch.deadline - now(), retry, random)
    if (wait === undefined || health.waitMs > 0 || batch.cancellation.cancelled) return outcome
    options.happened('retry')
    // A connection is not held while nothing is sent.
    connections.give(account)
    await sleep(wait, batch.cancellation)
    await new Promise<void>(resolve => connections.take(account, resolve))
    // Others of this lane, or of all, may have opened a breaker meanwhile.
    if (batch.cancellation.cancelled || health.waitMs > 0) return outcome
  }
}

/**
 * A request that several pushes share says nothing of one of them, but for the highest number of its retries, to which
 * ours are added: whoever stores counts all that it sees.
 */
function headersOf({ shares }: Batch, retries: number): Readonly<Record<string, string>> {
  const [first] = shares as readonly [QueuedShare]
  if (shares.length === 1 && retries === 0) return first.context.headers
  let highest = 0
  for (const { context } of shares) highest = Math.max(highest, Number(context.headers['retry-attempt'] ?? 0))
  const attempt = highest + retries > 0 ? { 'retry-attempt': String(highest + retries) } : {}
  if (shares.length === 1) return { ...first.context.headers, ...attempt }
  const {
    'user-agent': _userAgent,
    traceparent: _traceparent,
    'retry-attempt': _attempt,
    'x-cortex-tenant-client': _client,
    'x-cortex-tenant-reqid': _request,
    ...rest
  } = first.context.headers
  return { ...rest, ...attempt }
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
