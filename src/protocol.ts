/**
 * One kind of message, and all that the rest has to know of it. What comes in is a `Codec`'s: it reads a push's head,
 * splits its body and words the answer. What goes out is a `Dialect`'s: what one store takes, and how shares become
 * requests to it. Lanes, upstreams and the pipeline know nothing else of a protocol.
 *
 *     head ─▶ Codec.negotiate ─▶ Codec.split ─▶ shares ─▶ lane
 *          ─▶ Courier.load ─▶ Parcel.carry ─▶ verdicts ─▶ Codec.respond
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { SluiceError } from './errors.ts'
import type { Gauge } from './gauge.ts'
import type { Answer } from './share/answer.ts'
import type { Cancellation } from './share/cancellation.ts'
import type { Delivery } from './share/delivery.ts'
import type { Refusal } from './share/refusal.ts'
import type { Counts, Share } from './share/share.ts'
import type { Verdict } from './share/verdict.ts'

/** What a codec reads from a push's head. */
export interface Head {
  /** For metrics and logs: `1.0`. */
  readonly protocol: string
}

/** Who pushes, as far as a codec goes by it. */
interface Sender {
  readonly principal: { readonly name: string }
  /** Whose metadata it is. */
  readonly metadataKey: string
}

export interface Push<M extends Head> {
  readonly head: M
  /** Owns its memory, which may be moved to a thread; comes back with the outcome. */
  readonly body: Uint8Array
  /** Stands before every tenant instead of the configured prefix, where the sender may choose it. */
  readonly prefix: string | undefined
  readonly from: Sender
}

/** A push that is split. */
export interface SplitOutcome {
  readonly body: Uint8Array
  readonly shares: readonly Share[]
  readonly refusals: readonly Refusal[]
  readonly received: Counts
  /** All beside the body that decided what the shares became; a part of the memo's scope. */
  readonly scope: string
  /** To be called once nobody reads the bodies of the shares any more, or not at all. */
  readonly release: () => void
  /** To be told, once, how the shares came out; those that were never sent may be missing. Undefined where nobody asks. */
  readonly settle: ((deliveries: readonly Delivery[]) => void) | undefined
}

/** `R`: rules, which a configuration makes · `M`: what a head says. */
export interface Codec<R, M extends Head> {
  /** `remote_write` */
  readonly name: string
  /** What its entries are called in an answer: `series`. */
  readonly noun: string
  /** A refusal is a value: the head says what is not taken here. */
  negotiate(headers: IncomingHttpHeaders, rules: R): M | SluiceError
  /**
   * Takes `push.body`. `hold` charges the push these bytes instead of what it held before, and throws where there is no
   * room; it is called before the memory is taken. Rejects with a SluiceError where the body can't be split.
   */
  split(push: Push<M>, rules: R, hold: (bytes: number) => void): Promise<SplitOutcome>
  /** How much of each kind a share holds. Its body may be gone. */
  countsOf(share: Share): Counts
  /** What this protocol says with an answer. The bodies of the shares may be gone. */
  respond(answer: Answer, deliveries: readonly Delivery[], head: M): Answer
}

/** One protocol before one store: what is known of that store, and how shares reach it. Lives as long as its upstream. */
export interface Dialect {
  readonly gauges: readonly Gauge[]
  /** Whether two shares of one tenant may be one request. */
  merges(one: Share, other: Share): boolean
  /** Whether to merge it costs less than a request of its own. */
  mergesCheaply(share: Share): boolean
  /** A share that the store finds too large, in two; undefined where it can't be. Borrows it. */
  halve(share: Share): readonly [Share, Share] | undefined
  /** What a store that takes all of a share has written of it. */
  countsOf(share: Share): Counts
  /** What the store's answer means to the sender of this share, of all that were in the request. */
  verdictFor(share: Share, verdict: Verdict): Verdict
  courier(side: LaneSide): Courier
}

/** Brings the shares of one lane to the store. */
export interface Courier {
  /** Borrows the shares, which merge, until the parcel is released. */
  load(shares: readonly Share[]): Parcel
}

/** What one request holds, for as many attempts as it takes. */
export interface Parcel {
  /** One try to deliver it. Holds a slot when it is called and when it resolves. */
  carry(trip: Trip): Promise<Carried>
  /**
   * Called when it was delivered, so that nobody reads what was made for the request any more; the shares' own bodies
   * stay. Of an attempt that failed something may still be read: such a parcel is left to the collector.
   */
  release(): void
}

export interface Trip {
  /** What goes along beside our own headers; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly cancellation: Cancellation
}

export interface Carried {
  readonly verdict: Verdict
  /** A part of a merged request was not written, and nobody knows whose: its shares go again one by one. */
  readonly unclear: boolean
  /** What was written of each share, where that is neither all nor the same for all of them. */
  readonly each?: readonly Counts[]
}

/** A lane as its courier sees it. */
export interface LaneSide {
  /** One request to the store: made, timed, counted, and told to whoever learns from it. */
  attempt(request: StoreRequest, trip: Trip, shares: number): Promise<Reply>
  readonly health: {
    /** Milliseconds until an attempt may be made; 0 now. */
    readonly waitMs: number
    /** What a share that is not tried now ends in. */
    readonly refusal: Verdict
  }
  /** Takes in that something ended without an answer although no request was made. */
  unanswered(verdict: Verdict): void
  /** Gives the lane's slot to others while `wait` goes on. */
  withoutSlot<T>(wait: () => Promise<T>): Promise<T>
}

export interface StoreRequest {
  /** Content headers, names and values in turn; the same array each time, because a head is kept for each. */
  readonly content: readonly string[]
  /** Borrowed until the attempt ends. */
  readonly body: Uint8Array
}

/** What came of an attempt. */
export interface Reply {
  readonly verdict: Verdict
  /** Of the store's answer, names in lower case; empty where none came to its end. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}
