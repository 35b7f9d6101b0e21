/**
 * Shares that leave together: one tenant, one request. What the store says of it holds for each of them, but for a 4xx:
 * then they go again one by one, so that every sender hears about its own data only.
 */
import { Cancellation } from '../share/cancellation.ts'
import { cancelledVerdict, type Verdict } from '../share/verdict.ts'
import type { Carrier, QueuedShare } from './shipment.ts'

export class Batch implements Carrier {
  readonly shares: readonly QueuedShare[]
  /** Cancelled when nobody waits for any of its shares. */
  readonly cancellation = new Cancellation()
  #live: number
  /** Its request has ended, and its shares go again in parts: those whose turn has not come yet do not travel. */
  #parted = false

  /** Takes shares that are all live. */
  constructor(shares: readonly QueuedShare[]) {
    this.shares = shares
    this.#live = shares.length
    for (const queued of shares) queued.carrier = this
  }

  /** The latest of its pushes' deadlines: an earlier one calls off its own share alone. */
  get deadline(): number {
    return this.shares.reduce((latest, { context }) => Math.max(latest, context.deadline), 0)
  }

  leave(): boolean {
    if (this.#parted) return false
    this.#live--
    if (this.#live > 0) return true
    this.cancellation.cancel(new Error('nobody waits for it any more'))
    return false
  }

  settle(verdict: Verdict): void {
    for (const queued of this.shares) queued.settle(verdict)
  }

  /** Shares whose push was called off in the meantime do not go again. */
  rest(): readonly QueuedShare[] {
    this.#parted = true
    const dead = this.shares.filter(queued => !queued.live)
    // Whoever waits for its late verdict must learn that there is none.
    for (const queued of dead) queued.settle(cancelledVerdict('rejected in a batch, and not sent again'))
    return this.shares.filter(queued => queued.live)
  }
}

/** Whether an answer to several shares says nothing of each: then they go again in parts. */
export function wantsParts(verdict: Verdict): boolean {
  return verdict.kind === 'rejected' && !verdict.refusal
}

/**
 * How shares of a rejected batch go again. A 413 is about size, so halves, one after the other; another 4xx is about some
 * sender's data, so singles.
 */
export function partsOf(shares: readonly QueuedShare[], status: number): readonly (readonly QueuedShare[])[] {
  if (status !== 413 || shares.length < 2) return shares.map(queued => [queued])
  const middle = Math.ceil(shares.length / 2)
  return [shares.slice(0, middle), shares.slice(middle)]
}
