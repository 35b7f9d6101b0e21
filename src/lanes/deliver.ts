/** Delivers the shares of one push: into the lanes of their stores, and back as one verdict each. */
import type { Delivery } from '../share/delivery.ts'
import type { Verdict } from '../share/verdict.ts'
import { type Earlier, isFinal, nameOf } from './memo.ts'
import { type Loads, type PushContext, type QueuedShare, Shipment } from './shipment.ts'

export interface Delivered {
  readonly deliveries: readonly Delivery[]
  /** The same on their way, for the memo. */
  readonly sent: readonly QueuedShare[]
}

/** `earlier` is what an earlier push of the same bytes came to. `cancelled` calls the rest off, with its reason. */
export type Deliver = (
  loads: Loads,
  context: PushContext,
  earlier: Earlier | undefined,
  cancelled: AbortSignal,
) => Promise<Delivered>

export function createDeliver({ now }: { readonly now: () => number }): Deliver {
  /** A share whose twin came to nothing after all goes on its own way. */
  function join(queued: QueuedShare, twin: Verdict): void {
    queued.remembered = isFinal(twin)
    if (queued.remembered) queued.settle(twin)
    else queued.destination.push(queued)
  }

  function send(queued: QueuedShare, twin: Verdict | Promise<Verdict> | undefined): void {
    if (twin === undefined) queued.destination.push(queued)
    else if (twin instanceof Promise) void twin.then(verdict => queued.live && join(queued, verdict))
    else join(queued, twin)
  }

  return async (loads, context, earlier, cancelled) => {
    const shipment = new Shipment(loads, context)
    const callOff = () => shipment.callOff(cancelled.reason)
    const timer = setTimeout(
      () => shipment.callOff(new Error('not delivered within push_deadline')),
      Math.max(0, context.deadline - now()),
    )
    cancelled.addEventListener('abort', callOff, { once: true })
    try {
      if (cancelled.aborted) callOff()
      for (const queued of shipment.shares) {
        if (queued.live) send(queued, earlier?.get(nameOf(queued)))
      }
      await shipment.done
    } finally {
      clearTimeout(timer)
      cancelled.removeEventListener('abort', callOff)
    }
    // By now each has its verdict.
    return { deliveries: shipment.shares as readonly Delivery[], sent: shipment.shares }
  }
}
