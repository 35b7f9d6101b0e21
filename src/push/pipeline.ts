/**
 * The way of a push, in one place: admit, read, split, deliver, answer. It knows the stages as functions and nothing of
 * HTTP; `docs/life-of-a-push.md` draws it with every exit status.
 */

import { SluiceError } from '../errors.ts'
import type { Deliver, Delivery } from '../lanes/deliver.ts'
import { type Earlier, isFinal, type Memo } from '../lanes/memo.ts'
import type { Sender } from '../lanes/quarantine.ts'
import type { Gate, Permit } from '../limits/gate.ts'
import { splitCharge } from '../remote-write/charge.ts'
import type { MetadataRouter } from '../remote-write/metadata/router.ts'
import type { Encoding, Protocol, Push, Share, SplitResult, SplitRules } from '../remote-write/split.ts'
import type { Splitter } from '../remote-write/splitter.ts'
import { release, releaseShares } from '../wire/release.ts'
import {
  type Answer,
  type AnswerPolicy,
  answerOf,
  answerOfError,
  toSluiceError,
  writtenBy,
} from './answer.ts'

/** A push at the door: what its head said, and how to get at its body. */
interface Arrival {
  readonly protocol: Protocol
  readonly encoding: Encoding
  /** In bytes; undefined for a chunked body. */
  readonly contentLength: number | undefined
  /** Returns a fresh buffer of its own, at most `limits.max_body` long; rejects with a SluiceError. */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>
  /** Stands before the tenant instead of the configured prefix, where the sender may choose one. */
  readonly prefix: string | undefined
  /** What of the sender's headers goes on to the store. */
  readonly headers: Readonly<Record<string, string>>
  /** The values of those among them that the configuration names; pushes that differ in them never share a request. */
  readonly forwarded: string
  readonly sender: Sender
  /** The sender's address. Its connections have it in common. */
  readonly address: string
  /** Aborts with a SluiceError when its delivery is to end now: the sender is gone, or this process. */
  readonly cancelled: AbortSignal
}

/** Everything that is to be counted and logged about one push. */
export interface PushReport {
  readonly protocol: Protocol
  readonly answer: Answer
  readonly error: SluiceError | undefined
  readonly bodyBytes: number
  readonly split: Extract<SplitResult, { ok: true }> | undefined
  readonly splitSeconds: number | undefined
  readonly deliveries: readonly Delivery[]
  readonly seconds: number
}

export interface PipelineOptions {
  readonly gate: Gate
  readonly split: Splitter['split']
  readonly deliver: Deliver
  readonly memo: Pick<Memo, 'enabled' | 'recall' | 'remember'>
  readonly metadata: Pick<MetadataRouter, 'asks' | 'route'>
  /** For a store that takes what comes in. */
  readonly rules: SplitRules
  /** What is known of the protocol that the store takes, now. */
  readonly upstream: { readonly output: SplitRules['output'] }
  readonly policy: AnswerPolicy
  readonly maxBodyBytes: number
  /** From the arrival of its head to its answer. */
  readonly pushDeadlineMs: number
  /** The one place where pushes are counted and logged, so that no branch can skip it. */
  readonly report: (report: PushReport) => void
  readonly now?: () => number
}

export type Pipeline = (arrival: Arrival) => Promise<Answer>

interface Split {
  readonly result: Exclude<SplitResult, { code: 'needs_more' }>
  readonly body: Uint8Array
}

/** A push that is split. */
interface Taken {
  readonly result: Extract<SplitResult, { ok: true }>
  /** Undefined where nobody will ask for it. */
  readonly body: Uint8Array | undefined
  readonly scope: string
  readonly earlier: Earlier | undefined
}

/** What is known of a push on its way; the report is made of it, however far it came. */
interface Progress {
  bodyBytes: number
  split: Extract<SplitResult, { ok: true }> | undefined
  splitSeconds: number | undefined
  deliveries: readonly Delivery[]
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const {
    gate,
    split,
    deliver,
    memo,
    metadata,
    rules,
    upstream,
    policy,
    maxBodyBytes,
    pushDeadlineMs,
    report,
  } = options
  const { now = () => performance.now() } = options

  const variants = new Map<string, SplitRules>()

  /** The same object for the same rules, as long as no prefix makes them new: an engine has them ready then. */
  function rulesFor({ protocol, prefix }: Arrival): SplitRules {
    const { output } = upstream
    const families = metadata.asks(protocol, output === 'same' ? protocol : output)
    const key = `${output} ${families}`
    // Shares of 2.0 that merge are written anew, so to compress them now would be in vain.
    const compression = rules.compression === 'none' ? 'none' : 'late'
    const variant = variants.get(key) ?? { ...rules, output, families, compression }
    variants.set(key, variant)
    return prefix === undefined ? variant : { ...variant, prefix }
  }

  async function pass(arrival: Arrival, progress: Progress, arrived: number): Promise<Answer> {
    // A chunked body says nothing of its length, so it is charged the most that it may have; nothing longer is ever read.
    const permit = gate.admit(Math.min(arrival.contentLength ?? maxBodyBytes, maxBodyBytes))
    if (!permit.admitted) throw new SluiceError('overloaded', permit.message)
    try {
      const { result, body, scope, earlier } = await take(arrival, permit, progress)
      const { sender, headers, forwarded, cancelled } = arrival
      const context = { sender, headers, forwarded, deadline: arrived + pushDeadlineMs }
      const routed = metadata.route(`${arrival.address} ${arrival.prefix ?? ''}`, result)
      // From here on, nothing else is held. Only metadata that has waited, and was counted there, can make it more than before.
      permit.resize((body?.length ?? 0) + bytesOf(routed.shares))
      const { deliveries, sent } = await deliver(routed.shares, context, earlier, cancelled)
      progress.deliveries = deliveries
      routed.settle(deliveries)
      if (body !== undefined && !deliveries.every(({ verdict }) => isFinal(verdict))) {
        memo.remember(body, scope, sent, earlier)
      }
      if (body !== undefined) release(body)
      // Nobody reads them any more. A share that failed may be on its way still, for the sake of others.
      if (deliveries.every(({ verdict }) => verdict.kind === 'delivered')) releaseShares(result.shares)
      cancelled.throwIfAborted()
      return answerOf(progress.deliveries, result.refusals, policy, Number(headers['retry-attempt'] ?? 0))
    } finally {
      permit.release()
    }
  }

  /** Reads and splits. What it leaves behind is all that the push holds from then on. */
  async function take(arrival: Arrival, permit: Permit, progress: Progress): Promise<Taken> {
    const { protocol, encoding, prefix = '', forwarded } = arrival
    const body = await arrival.read()
    progress.bodyBytes = body.length
    const chosen = rulesFor(arrival)
    const started = now()
    const { result, body: returned } = await splitWithin(permit, { body, encoding, protocol }, chosen)
    progress.splitSeconds = (now() - started) / 1000
    if (!result.ok) {
      throw new SluiceError(result.code, `${result.detail} at byte ${result.at.toLocaleString('en-US')}`)
    }
    progress.split = result
    const scope = [protocol, chosen.output, encoding, prefix, forwarded].join('\0')
    const earlier = memo.recall(returned, scope)
    if (memo.enabled) return { result, body: returned, scope, earlier }
    release(returned)
    return { result, body: undefined, scope, earlier }
  }

  /** Splits with as much memory as is usual, and where that is not enough with more, as long as the gate has it. */
  async function splitWithin(permit: Permit, push: Push, chosen: SplitRules): Promise<Split> {
    const { fixedBytes, ...usual } = splitCharge(push, chosen)
    for (let { body } = push, { workBytes } = usual; ; ) {
      // It may have to wait for a thread.
      permit.resize(body.length)
      const begin = () => hold(permit, fixedBytes + workBytes)
      const outcome = await split({ ...push, body, workBytes }, chosen, begin)
      const { result } = outcome
      // It may have been moved to a thread and back.
      body = outcome.body
      if (result.ok || result.code !== 'needs_more') return { result, body }
      workBytes = result.workBytes
    }
  }

  return async arrival => {
    const arrived = now()
    const progress: Progress = { bodyBytes: 0, split: undefined, splitSeconds: undefined, deliveries: [] }
    let error: SluiceError | undefined
    const said = await pass(arrival, progress, arrived).catch((thrown: unknown) => {
      error = toSluiceError(thrown)
      return answerOfError(error)
    })
    const { protocol } = arrival
    // Whatever the answer, and however far the push came: a sender of 2.0 takes missing counts for a store without 2.0.
    const answer = protocol === '2.0' ? { ...said, written: writtenBy(progress.deliveries) } : said
    report({ protocol, answer, error, ...progress, seconds: (now() - arrived) / 1000 })
    return answer
  }
}

function hold(permit: Permit, bytes: number): void {
  const refusal = permit.resize(bytes)
  if (refusal !== undefined) throw new SluiceError('overloaded', refusal.message)
}

function bytesOf(shares: readonly Share[]): number {
  return shares.reduce((sum, share) => sum + share.body.length, 0)
}
