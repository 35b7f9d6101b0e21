/**
 * From a sender of 2.0 to a store that may lack it: one try to deliver a parcel, in the protocol that the store takes,
 * and again as 1.0 where its answer shows that it does not know 2.0.
 */
import type { Carried, Courier, LaneSide, Reply, Trip } from '../protocol.ts'
import type { Share } from '../share/share.ts'
import { cancelledVerdict, NOTHING, type Verdict } from '../share/verdict.ts'
import type { BodyOf } from './body.ts'
import { counted, type WriteReply } from './counted.ts'
import { type ConvertShare, WriteParcel } from './parcel.ts'
import type { Protocol } from './split.ts'
import type { StoreProtocol, Way } from './store-protocol.ts'
import { parseWritten } from './written.ts'

/** What all couriers before one store have in common. */
export interface Gang {
  readonly store: StoreProtocol
  readonly bodyOf: BodyOf
  readonly convert: ConvertShare
  /** How long a request may wait for its turn while the store's protocol is unproven: as long as for an answer. */
  readonly turnMs: number
  /** Whether the store is one that writes all of a 2.0 request and reports nothing. */
  readonly omitsWritten: boolean
  readonly events: DialectEvents
}

export interface DialectEvents {
  /** A request waited until another has proved the store · the same went again as 1.0 · a share was converted on its way. */
  happened(what: 'turn_awaited' | 'fell_back' | 'converted'): void
  /** Created and start timestamps, and histograms, that 1.0 can't say, in shares that were converted on their way. */
  lost(createdTimestamps: number, histograms: number): void
}

/**
 * Letter for letter: Thanos compares strings. The version header is the minimum that receivers of 1.0 look for.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-headers
 */
const CONTENT: Readonly<Record<Protocol, readonly string[]>> = {
  '1.0': [
    ...['content-type', 'application/x-protobuf'],
    ...['content-encoding', 'snappy'],
    ...['x-prometheus-remote-write-version', '0.1.0'],
  ],
  '2.0': [
    ...['content-type', 'application/x-protobuf;proto=io.prometheus.write.v2.Request'],
    ...['content-encoding', 'snappy'],
    ...['x-prometheus-remote-write-version', '2.0.0'],
  ],
}

export class WriteCourier implements Courier {
  readonly #gang: Gang
  readonly #side: LaneSide

  constructor(gang: Gang, side: LaneSide) {
    this.#gang = gang
    this.#side = side
  }

  load(shares: readonly Share[]): WriteParcel {
    return new WriteParcel(shares, this.#gang.bodyOf, this.#carry)
  }

  readonly #carry = (parcel: WriteParcel, trip: Trip): Promise<Carried> => {
    if (parcel.protocol === '1.0') return this.#sendOne(parcel, trip)
    const way = this.#gang.store.way()
    return way === 'as it is' ? this.#sendAsTwo(parcel, trip) : this.#cross(way, parcel, trip)
  }

  async #sendOne(parcel: WriteParcel, trip: Trip): Promise<Carried> {
    const { verdict } = await this.#attempt('1.0', parcel.body, parcel, trip)
    if (verdict.status === 415) this.#gang.store.refusesOne()
    return clear(verdict)
  }

  /** Where a store may lack 2.0, or does. `asked` is undefined for a request that must wait for its turn. */
  async #cross(asked: Way | undefined, parcel: WriteParcel, trip: Trip): Promise<Carried> {
    const { store } = this.#gang
    const { health } = this.#side
    const way = asked ?? (await this.#turn(trip))
    if (typeof way !== 'string') return clear(way)
    try {
      // Others of this lane, or of all, may have opened a breaker while it waited.
      if (health.waitMs > 0) return clear(health.refusal)
      return way === 'as 1.0'
        ? this.#keptOf(await this.#sendAsOne(parcel, trip), parcel)
        : await this.#sendAsTwo(parcel, trip)
    } finally {
      if (way === 'probe') store.ended()
    }
  }

  async #turn({ cancellation }: Trip): Promise<Way | Verdict> {
    const { store, turnMs, events } = this.#gang
    events.happened('turn_awaited')
    const way = await this.#side.withoutSlot(() => store.turn(turnMs, cancellation))
    if (way !== undefined) return way
    if (cancellation.cancelled) return cancelledVerdict(cancellation.reason)
    // Whoever probed got no answer for as long. It would have got none either, and breakers must hear of it.
    const reason = `no turn within timeout (${turnMs / 1000} s), while the store’s protocol is not known`
    const late: Verdict = {
      kind: 'unreachable',
      status: 0,
      reason,
      retryAfterMs: undefined,
      cause: 'timeout',
      written: NOTHING,
    }
    this.#side.unanswered(late)
    return late
  }

  async #sendAsTwo(parcel: WriteParcel, trip: Trip): Promise<Carried> {
    const { store, omitsWritten } = this.#gang
    const reply = await this.#attempt('2.0', parcel.body, parcel, trip)
    const { verdict } = reply
    // Of 1.0 there is no such header, so one would be another's mistake.
    const two: WriteReply = { verdict, reported: parseWritten(reply.headers) }
    const lacksTwo = store.answered(two)
    const holds = lacksTwo ? await this.#fallBack(two, parcel, trip) : two
    return holds === two
      ? counted(two, parcel.sent, parcel.shares.length, omitsWritten)
      : this.#keptOf(holds, parcel)
  }

  /** The same as 1.0. Returns the answer that holds. */
  async #fallBack(two: WriteReply, parcel: WriteParcel, trip: Trip): Promise<WriteReply> {
    this.#gang.events.happened('fell_back')
    const one = await this.#sendAsOne(parcel, trip)
    // Nothing was sent, so there is nothing to learn from.
    return one === NOTHING_LEFT ? one : this.#gang.store.answeredOne(two, one)
  }

  async #sendAsOne(parcel: WriteParcel, trip: Trip): Promise<WriteReply> {
    const { store, events, convert } = this.#gang
    const isFirst = !parcel.isConverted
    const one = parcel.asOne(convert)
    if (!('body' in one)) return { verdict: one, reported: undefined }
    events.happened('converted')
    const { createdTimestampsLost, histogramsLost } = one
    if (isFirst && createdTimestampsLost + histogramsLost > 0)
      events.lost(createdTimestampsLost, histogramsLost)
    if (one.body === undefined) return NOTHING_LEFT
    const { verdict } = await this.#attempt('1.0', one.body, parcel, trip)
    if (verdict.status === 415) store.refusesOne()
    return { verdict, reported: undefined }
  }

  /** Of what went as 1.0: a success is one of all that this can say, which may be less than came in. */
  #keptOf({ verdict }: WriteReply, parcel: WriteParcel): Carried {
    const one = parcel.asOne(this.#gang.convert)
    if (verdict.kind !== 'delivered' || !('body' in one) || one.kept === undefined) return clear(verdict)
    const [only] = one.kept
    return one.kept.length === 1 && only !== undefined
      ? clear({ ...verdict, written: only })
      : { verdict, unclear: false, each: one.kept }
  }

  #attempt(protocol: Protocol, body: Uint8Array, { shares }: WriteParcel, trip: Trip): Promise<Reply> {
    return this.#side.attempt({ content: CONTENT[protocol], body }, trip, shares.length)
  }
}

/** Of shares of which 1.0 can say nothing: there is no request to make, and a resend can't help. */
const NOTHING_LEFT: WriteReply = {
  verdict: { kind: 'delivered', status: 204, written: NOTHING },
  reported: undefined,
}

function clear(verdict: Verdict): Carried {
  return { verdict, unclear: false }
}
