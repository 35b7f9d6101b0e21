/**
 * The way of one batch: its request and its retries, and again in parts where the store's answer asks for that. It holds
 * one connection all the while, but for the time between two attempts.
 */
import { halve } from '../split/halve.ts'
import type { TenantId } from '../tenant.ts'
import { Batch, partsOf, wantsParts } from './batch.ts'
import type { Cancellation } from './cancellation.ts'
import type { Account, Connections } from './connections.ts'
import type { Health } from './health.ts'
import { backoff, type RetryPolicy } from './retry.ts'
import type { QueuedShare } from './shipment.ts'
import type { Route, Upstream } from './upstream.ts'
import { type Verdict, worstOf } from './verdict.ts'

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
  readonly now: () => number
  readonly random: () => number
  readonly attempted: (attempt: AttemptReport) => void
  readonly happened: (what: 'retry' | 'batch_split' | 'breaker_opened') => void
  /** Told once for each share, of how it ended. */
  readonly concluded: (shares: readonly QueuedShare[], verdict: Verdict) => void
}

/** Resolves when each share of the batch has been concluded. */
export async function fly(batch: Batch, options: FlightOptions): Promise<void> {
  const { health, concluded, happened } = options
  const verdict = await attempts(batch, batch.body(), options)
  if (!wantsParts(verdict)) {
    concluded(batch.shares, verdict)
    return
  }
  if (batch.shares.length === 1) {
    concluded(batch.shares, await halvesOf(batch, batch.body(), verdict, options))
    return
  }
  happened('batch_split')
  for (const part of partsOf(batch.rest(), verdict.kind === 'rejected' ? verdict.status : 0)) {
    const live = part.filter(queued => queued.live)
    if (live.length === 0) continue
    // The store may fail before all parts are through; whoever comes later would wait for nothing.
    if (health.waitMs > 0) concluded(live, health.refusal)
    else await fly(new Batch(live), options)
  }
}

/** One share that is too large for the store goes in halves of its series; a single series that is too large is rejected. */
async function halvesOf(
  batch: Batch,
  body: Uint8Array,
  verdict: Verdict,
  options: FlightOptions,
): Promise<Verdict> {
  if (verdict.kind !== 'rejected' || verdict.status !== 413) return verdict
  const [first] = batch.shares as readonly [QueuedShare]
  const halves = halve(body, first.context.protocol)
  if (halves === undefined) return verdict
  options.happened('batch_split')
  const verdicts: Verdict[] = []
  for (const half of halves) {
    if (options.health.waitMs > 0) verdicts.push(options.health.refusal)
    else verdicts.push(await halvesOf(batch, half, await attempts(batch, half, options), options))
  }
  return worstOf(verdicts)
}

/** One request, and its retries. */
async function attempts(batch: Batch, body: Uint8Array, options: FlightOptions): Promise<Verdict> {
  const { tenant, route, retry, account, health, upstream, connections, now, random } = options
  const headers = headersOf(batch)
  for (let made = 1; ; made++) {
    const trials = health.attempting()
    const started = now()
    const verdict = await upstream.attempt({ route, body, headers }, batch.cancellation)
    options.attempted({ tenant, seconds: (now() - started) / 1000, verdict, shares: batch.shares.length })
    if (health.attempted(verdict, trials)) options.happened('breaker_opened')

    const wait = backoff(verdict, made, batch.deadline - now(), retry, random)
    if (wait === undefined || health.waitMs > 0 || batch.cancellation.cancelled) return verdict
    options.happened('retry')
    // A connection is not held while nothing is sent.
    connections.give(account)
    await sleep(wait, batch.cancellation)
    await new Promise<void>(resolve => connections.take(account, resolve))
    // Others of this lane, or of all, may have opened a breaker meanwhile.
    if (batch.cancellation.cancelled || health.waitMs > 0) return verdict
  }
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
