/** Delivers the shares of one push: into their lanes, and back as one verdict each. */
import type { Share } from '../split/split.ts'
import type { Lanes } from './lanes.ts'
import { type Earlier, isFinal, nameOf } from './memo.ts'
import { type PushContext, type QueuedShare, Shipment } from './shipment.ts'
import type { Verdict } from './verdict.ts'

export interface Delivery {
  readonly share: Share
  readonly verdict: Verdict
  /** Whether an earlier push of the same bytes had brought it, so that it was not sent again. */
  readonly remembered: boolean
}

export interface Delivered {
  readonly deliveries: readonly Delivery[]
  /** The same on their way, for the memo. */
  readonly sent: readonly QueuedShare[]
}

export interface DeliverOptions {
  readonly lanes: Pick<Lanes, 'push'>
  readonly now: () => number
}

/** `earlier` is what an earlier push of the same bytes came to. `cancelled` calls the rest off, with its reason. */
export type Deliver = (
  shares: readonly Share[],
  context: PushContext,
  earlier: Earlier | undefined,
  cancelled: AbortSignal,
) => Promise<Delivered>

export function createDeliver({ lanes, now }: DeliverOptions): Deliver {
  /** A share whose twin came to nothing after all goes on its own way. */
  function join(queued: QueuedShare, twin: Verdict): boolean {
    if (!isFinal(twin)) return false
    queued.settle(twin)
    return true
  }

  return async (shares, context, earlier, cancelled) => {
    const shipment = new Shipment(shares, context)
    const remembered = new Set<QueuedShare>()
    const callOff = () => shipment.callOff(cancelled.reason)
    const timer = setTimeout(
      () => shipment.callOff(new Error('not delivered within push_deadline')),
      Math.max(0, context.deadline - now()),
    )
    cancelled.addEventListener('abort', callOff, { once: true })
    try {
      if (cancelled.aborted) callOff()
      for (const queued of shipment.shares) {
        if (!queued.live) continue
        const twin = earlier?.get(nameOf(queued.share))
        if (twin === undefined) lanes.push(queued)
        else if (twin instanceof Promise) {
          void twin.then(verdict => {
            if (!queued.live) return
            if (join(queued, verdict)) remembered.add(queued)
            else lanes.push(queued)
          })
        } else if (join(queued, twin)) remembered.add(queued)
        else lanes.push(queued)
      }
      await shipment.done
    } finally {
      clearTimeout(timer)
      cancelled.removeEventListener('abort', callOff)
    }
    const deliveries = shipment.shares.map(queued => ({
      share: queued.share,
      verdict: queued.verdict as Verdict,
      remembered: remembered.has(queued),
    }))
    return { deliveries, sent: shipment.shares }
  }
}
