/**
 * From a sender of 2.0 to a store that may lack it: one try to deliver a parcel, in the protocol that the store takes,
 * and again as 1.0 where its answer shows that it does not know 2.0.
 */
import { type AttemptOptions, attempt } from '../lanes/attempt.ts'
import type { Batch } from '../lanes/batch.ts'
import type { Account, Connections } from '../lanes/slots.ts'
import { cancelledVerdict, NOTHING, type Verdict } from '../share/verdict.ts'
import type { Reply } from '../upstream/upstream.ts'
import { type Counted, counted } from './counted.ts'
import type { ConvertShare, Parcel } from './parcel.ts'
import type { UpstreamProtocol, Way } from './store-protocol.ts'

export interface BridgeOptions extends AttemptOptions {
  readonly protocol: UpstreamProtocol
  readonly account: Account
  readonly connections: Connections
  readonly convert: ConvertShare
  /** How long a request may wait for its turn while the store's protocol is unproven: as long as for an answer. */
  readonly turnMs: number
  /** Whether the store is one that writes all of a 2.0 request and reports nothing. */
  readonly omitsWritten: boolean
  readonly happened: (what: 'breaker_opened' | 'turn_awaited' | 'fell_back' | 'converted') => void
  readonly lost: (createdTimestamps: number, histograms: number) => void
}

export type Headers = Readonly<Record<string, string>>

/** Holds a connection when it is called and when it resolves, but not while it waits for its turn. */
export function cross(
  batch: Batch,
  parcel: Parcel,
  headers: Headers,
  options: BridgeOptions,
): Promise<Counted> {
  if (parcel.protocol === '1.0') return sendOne(batch, parcel, headers, options)
  const way = options.protocol.way()
  return way === 'as it is'
    ? sendAsTwo(batch, parcel, headers, options)
    : crossBy(way, batch, parcel, headers, options)
}

async function sendOne(
  batch: Batch,
  parcel: Parcel,
  headers: Headers,
  options: BridgeOptions,
): Promise<Counted> {
  const { protocol, route } = options
  const { verdict } = await attempt(batch, { route, protocol: '1.0', body: parcel.body, headers }, options)
  if (verdict.status === 415) protocol.refusesOne()
  return clear(verdict)
}

/** Where a store may lack 2.0, or does. `asked` is undefined for a request that must wait for its turn. */
async function crossBy(
  asked: Way | undefined,
  batch: Batch,
  parcel: Parcel,
  headers: Headers,
  options: BridgeOptions,
): Promise<Counted> {
  const { protocol, health } = options
  const way = asked ?? (await turn(batch, options))
  if (typeof way !== 'string') return clear(way)
  try {
    // Others of this lane, or of all, may have opened a breaker while it waited.
    if (health.waitMs > 0) return clear(health.refusal)
    return way === 'as 1.0'
      ? keptOf(await sendAsOne(batch, parcel, headers, options), parcel, options)
      : await sendAsTwo(batch, parcel, headers, options)
  } finally {
    if (way === 'probe') protocol.ended()
  }
}

async function turn(batch: Batch, options: BridgeOptions): Promise<Way | Verdict> {
  const { protocol, account, connections, health, turnMs, happened } = options
  happened('turn_awaited')
  connections.give(account)
  const way = await protocol.turn(turnMs, batch.cancellation)
  await new Promise<void>(resolve => connections.take(account, resolve))
  if (way !== undefined) return way
  if (batch.cancellation.cancelled) return cancelledVerdict(batch.cancellation.reason)
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
  if (health.attempted(late, health.attempting())) happened('breaker_opened')
  return late
}

async function sendAsTwo(
  batch: Batch,
  parcel: Parcel,
  headers: Headers,
  options: BridgeOptions,
): Promise<Counted> {
  const { protocol, route, omitsWritten } = options
  const two = await attempt(batch, { route, protocol: '2.0', body: parcel.body, headers }, options)
  const lacksTwo = protocol.answered(two)
  const holds = lacksTwo ? await fallBack(two, batch, parcel, headers, options) : two
  return holds === two
    ? counted(two, parcel.sent, parcel.shares.length, omitsWritten)
    : keptOf(holds, parcel, options)
}

/** The same as 1.0. Returns the answer that holds. */
async function fallBack(
  two: Reply,
  batch: Batch,
  parcel: Parcel,
  headers: Headers,
  options: BridgeOptions,
): Promise<Reply> {
  options.happened('fell_back')
  const one = await sendAsOne(batch, parcel, headers, options)
  // Nothing was sent, so there is nothing to learn from.
  if (one === NOTHING_LEFT) return one
  return options.protocol.answeredOne(two, one)
}

async function sendAsOne(
  batch: Batch,
  parcel: Parcel,
  headers: Headers,
  options: BridgeOptions,
): Promise<Reply> {
  const { protocol, route, happened, lost, convert } = options
  const isFirst = !parcel.isConverted
  const one = parcel.asOne(convert)
  if (!('body' in one)) return { verdict: one, reported: undefined }
  happened('converted')
  const { createdTimestampsLost, histogramsLost } = one
  if (isFirst && createdTimestampsLost + histogramsLost > 0) lost(createdTimestampsLost, histogramsLost)
  if (one.body === undefined) return NOTHING_LEFT
  const reply = await attempt(batch, { route, protocol: '1.0', body: one.body, headers }, options)
  if (reply.verdict.status === 415) protocol.refusesOne()
  return reply
}

/** Of shares of which 1.0 can say nothing: there is no request to make, and a resend can't help. */
const NOTHING_LEFT: Reply = {
  verdict: { kind: 'delivered', status: 204, written: NOTHING },
  reported: undefined,
}

/** Of what went as 1.0: a success is one of all that this can say, which may be less than came in. */
function keptOf({ verdict }: Reply, parcel: Parcel, { convert }: BridgeOptions): Counted {
  const one = parcel.asOne(convert)
  if (verdict.kind !== 'delivered' || !('body' in one) || one.kept === undefined) return clear(verdict)
  const [only] = one.kept
  return one.kept.length === 1 && only !== undefined
    ? clear({ ...verdict, written: only })
    : { verdict, unclear: false, each: one.kept }
}

function clear(verdict: Verdict): Counted {
  return { verdict, unclear: false }
}
