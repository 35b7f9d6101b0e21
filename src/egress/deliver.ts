/** Sends the shares of one push, each as a request of its own, and collects how each ended. */
import type { Share } from '../split/split.ts'
import type { TenantId } from '../tenant.ts'
import type { Slots } from './slots.ts'
import type { Attempt, Upstream } from './upstream.ts'
import type { Verdict } from './verdict.ts'

export interface Delivery {
  readonly share: Share
  readonly verdict: Verdict
}

/** One request to the store, for the metrics. */
export interface AttemptReport {
  readonly tenant: TenantId
  readonly seconds: number
  readonly verdict: Verdict
}

export interface DeliverOptions {
  readonly upstream: Pick<Upstream, 'attempt'>
  readonly slots: Slots
  readonly attempted: (attempt: AttemptReport) => void
  readonly now?: () => number
}

export type Deliver = (
  shares: readonly Share[],
  headers: Attempt['headers'],
  signal: AbortSignal,
) => Promise<readonly Delivery[]>

export function createDeliver(options: DeliverOptions): Deliver {
  const { upstream, slots, attempted, now = () => performance.now() } = options

  async function send(share: Share, headers: Attempt['headers'], signal: AbortSignal): Promise<Verdict> {
    const started = now()
    const verdict = await upstream.attempt({ tenant: share.tenant, body: share.body, headers }, signal)
    attempted({ tenant: share.tenant, seconds: (now() - started) / 1000, verdict })
    return verdict
  }

  return (shares, headers, signal) =>
    Promise.all(
      shares.map(async share => {
        try {
          return { share, verdict: await slots.run(() => send(share, headers, signal), signal) }
        } catch (error) {
          if (!signal.aborted) throw error
          return { share, verdict: withdrawn(signal) }
        }
      }),
    )
}

function withdrawn(signal: AbortSignal): Verdict {
  const why = signal.reason instanceof Error ? signal.reason.message : 'cancelled'
  return {
    kind: 'unreachable',
    status: 0,
    reason: `withdrawn before it was sent: ${why}`,
    retryAfterMs: undefined,
  }
}
