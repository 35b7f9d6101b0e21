/** One request of a batch to the store: made, timed, and told to whoever learns from it. */

import type { Verdict } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import type { Attempt, Reply, Route, Upstream } from '../upstream/upstream.ts'
import type { Batch } from './batch.ts'
import type { Health } from './health.ts'

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

/** No async function: all requests come through here, and `then` makes fewer objects for each. */
export function attempt(batch: Batch, request: Attempt, options: AttemptOptions): Promise<Reply> {
  const { tenant, health, upstream, now } = options
  const trials = health.attempting()
  const started = now()
  return upstream.attempt(request, batch.cancellation).then(reply => {
    const { verdict } = reply
    options.attempted({ tenant, seconds: (now() - started) / 1000, verdict, shares: batch.shares.length })
    if (health.attempted(verdict, trials)) options.happened('breaker_opened')
    return reply
  })
}
