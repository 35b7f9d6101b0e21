/** One request of a batch to the store: made, timed, and told to whoever learns from it. */
import type { Protocol } from '../split/split.ts'
import type { TenantId } from '../tenant.ts'
import type { Batch } from './batch.ts'
import type { Health } from './health.ts'
import type { Reply, Route, Upstream } from './upstream.ts'
import type { Verdict } from './verdict.ts'

/** One request to the store. */
export interface AttemptReport {
  readonly tenant: TenantId
  readonly seconds: number
  readonly verdict: Verdict
  /** How many shares it carried. */
  readonly shares: number
}

export interface AttemptOptions {
  readonly tenant: TenantId
  readonly route: Route
  readonly health: Health
  readonly upstream: Pick<Upstream, 'attempt'>
  readonly now: () => number
  readonly attempted: (attempt: AttemptReport) => void
  readonly happened: (what: 'breaker_opened') => void
}

/** What is sent: a message, and what goes along beside our own headers. */
interface Sent {
  readonly protocol: Protocol
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

export async function attempt(batch: Batch, sent: Sent, options: AttemptOptions): Promise<Reply> {
  const { tenant, route, health, upstream, now } = options
  const trials = health.attempting()
  const started = now()
  const reply = await upstream.attempt({ route, ...sent }, batch.cancellation)
  const { verdict } = reply
  options.attempted({ tenant, seconds: (now() - started) / 1000, verdict, shares: batch.shares.length })
  if (health.attempted(verdict, trials)) options.happened('breaker_opened')
  return reply
}
