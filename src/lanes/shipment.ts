/**
 * The shares of one push on their way to their lanes. It ends when each has its verdict, and it can be called off: then
 * shares that have not left are withdrawn, and requests that carry nobody else's are ended.
 */
import type { Share } from '../share/share.ts'
import { cancelledVerdict, type Verdict } from '../share/verdict.ts'
import type { Quarantine } from './quarantine.ts'

/** What all shares of a push have in common. */
export interface PushContext {
  readonly identity: { readonly quarantine: Quarantine; readonly mergeKey: string }
  /** What of the sender's headers goes along; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly deadline: number
}

/** Headers that say something of one push: where they come along, every store gets them, and no other push's request. */
export const OF_ONE_PUSH: ReadonlySet<string> = new Set([
  'user-agent',
  'traceparent',
  'retry-attempt',
  'x-cortex-tenant-client',
  'x-cortex-tenant-reqid',
])

/** Where shares go. */
export interface Destination {
  /** In the configuration. */
  readonly name: string
  /** Tells it from what had its name before: another with the same name may be another store. */
  readonly id: string
  /** Takes a live share. Whatever happens to it is a verdict, sooner or later. */
  push(queued: QueuedShare): void
}

/** Shares of a push and, each at the same place, where they go. */
export interface Loads {
  readonly shares: readonly Share[]
  readonly destinations: readonly Destination[]
}

/** Where a share waits or travels: a lane's queue or a batch. */
export interface Carrier {
  /** Called when the push is called off; returns whether the share travels on, for the sake of others in its request. */
  leave(queued: QueuedShare): boolean
}

export class QueuedShare {
  readonly share: Share
  /** Which store it is for, by its name in the configuration. */
  readonly destination: Destination
  readonly context: PushContext
  readonly #settled: () => void
  #verdict: Verdict | undefined
  #late: PromiseWithResolvers<Verdict> | undefined
  carrier: Carrier | undefined
  /** Its sender had a share of this tenant rejected not long ago, so it goes by itself. */
  quarantined = false
  /** An earlier push of the same bytes had brought it, so that it was not sent again. */
  remembered = false

  constructor(share: Share, destination: Destination, context: PushContext, settled: () => void) {
    this.share = share
    this.destination = destination
    this.context = context
    this.#settled = settled
  }

  /** Undefined while it is under way. */
  get verdict(): Verdict | undefined {
    return this.#verdict
  }

  /** The name of its store. */
  get upstream(): string {
    return this.destination.name
  }

  get live(): boolean {
    return this.#verdict === undefined
  }

  /** How it really ended, where its push was called off while it travelled with others. */
  get late(): Promise<Verdict> | undefined {
    return this.#late?.promise
  }

  settle(verdict: Verdict): void {
    if (this.#verdict !== undefined) {
      this.#late?.resolve(verdict)
      return
    }
    this.#end(verdict)
  }

  /** Ends it for its push, whatever becomes of the request that it may be in. */
  callOff(verdict: Verdict): void {
    if (this.#verdict !== undefined) return
    const travels = this.carrier?.leave(this) ?? false
    if (travels) this.#late = Promise.withResolvers()
    this.#end(verdict)
  }

  /**
   * It forgets what carried it: a batch leads to shares of other pushes, these to later batches, and so on. One of them that V8
   * has moved to its old generation would keep alive all that came after it until that is collected.
   */
  #end(verdict: Verdict): void {
    this.#verdict = verdict
    this.carrier = undefined
    this.#settled()
  }
}

export class Shipment {
  readonly shares: readonly QueuedShare[]
  readonly #done = Promise.withResolvers<void>()
  #open: number

  constructor({ shares, destinations }: Loads, context: PushContext) {
    this.#open = shares.length
    const settled = () => {
      if (--this.#open === 0) this.#done.resolve()
    }
    this.shares = shares.map(
      (share, at) => new QueuedShare(share, destinations[at] as Destination, context, settled),
    )
    if (shares.length === 0) this.#done.resolve()
  }

  /** Resolves when every share has its verdict. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  callOff(reason: unknown): void {
    const verdict = cancelledVerdict(reason)
    for (const queued of this.shares) queued.callOff(verdict)
  }
}
