/**
 * All verdicts of a push become one answer. The worst decides, by what it asks of the sender: resend (503) over later
 * (429) over never (400) over done (204). A 503 makes the sender send everything again, so nothing is lost by it; a 400
 * makes it drop everything, so it is given only where all the rest was delivered.
 */

import { CATALOGUE, type ErrorCode, SluiceError } from '../errors.ts'
import type { Answer } from '../share/answer.ts'
import type { Delivery } from '../share/delivery.ts'
import type { Refusal, RefusalReason } from '../share/refusal.ts'
import type { Verdict } from '../share/verdict.ts'

export interface AnswerPolicy {
  readonly on429: 'pass' | 'retry'
  readonly onUpstreamRefusal: 'pass' | 'retry'
  /** Whatever the store says, the sender hears 204 (cortex-tenant's `accept_all`). What happened is still counted. */
  readonly acceptAll: boolean
  readonly retryAfterMaxMs: number
  readonly random?: () => number
}

/** More tenants than this are a number, not a list. */
const TENANTS_NAMED = 5
/** Our own wish where we refuse, in seconds; short, because it stops a whole shard. */
const RETRY_AFTER = { min: 1, max: 5 }
/**
 * The same where a store failed and named no time, by the sender's retries so far: chance decides between the two. Where
 * one ends the next begins at the earliest, so that no wait is shorter than the one before; by the last, chance has
 * spread the senders.
 */
const RETRY_AFTER_FAILURE = [
  [1, 2],
  [2, 3],
  [4, 5],
  [5, 5],
] as const

/** What came of a push. */
export interface Outcome {
  readonly deliveries: readonly Delivery[]
  readonly refusals: readonly Refusal[]
  /** What entries are called: `series`. */
  readonly noun: string
  /** How often the sender has sent this push before. */
  readonly attempt: number
}

export function answerOf({ deliveries, refusals, noun, attempt }: Outcome, policy: AnswerPolicy): Answer {
  const refused = refusals.filter(refusal => !refusal.dropped)
  const failed = policy.acceptAll ? [] : deliveries.filter(delivery => delivery.verdict.kind !== 'delivered')
  if (failed.length === 0 && refused.length === 0) return SUCCESS

  const code = worst(failed, policy)
  const { status } = CATALOGUE[code]
  const sentences = [...refusedSentences(refused, noun), ...failedSentences(failed, deliveries, noun)]
  return {
    status,
    code,
    retryAfterSeconds: status === 503 || status === 429 ? retryAfter(failed, policy, attempt) : undefined,
    body: `${sentences.join('\n')}\n`,
    headers: NO_HEADERS,
  }
}

const NO_HEADERS: Answer['headers'] = Object.freeze({})

const SUCCESS: Answer = {
  status: 204,
  code: undefined,
  retryAfterSeconds: undefined,
  body: '',
  headers: NO_HEADERS,
}

function worst(failed: readonly Delivery[], policy: AnswerPolicy): ErrorCode {
  const verdicts = failed.map(delivery => delivery.verdict)
  const refusal = verdicts.some(verdict => verdict.kind === 'rejected' && verdict.refusal)
  const throttled = verdicts.some(verdict => verdict.kind === 'throttled')
  if (verdicts.some(verdict => verdict.kind === 'unreachable')) return 'upstream_unreachable'
  if (refusal && policy.onUpstreamRefusal === 'retry') return 'upstream_unreachable'
  if (throttled) return policy.on429 === 'retry' ? 'upstream_unreachable' : 'upstream_throttled'
  if (refusal) return 'upstream_refused'
  return verdicts.length > 0 ? 'upstream_rejected' : 'series_refused'
}

/**
 * The longest time that a tenant's store asked for, capped: Prometheus obeys any value, for the whole shard. Jittered
 * upwards by a fifth, because it has no jitter of its own.
 */
function retryAfter(failed: readonly Delivery[], policy: AnswerPolicy, attempt: number): number {
  const random = policy.random ?? Math.random
  const asked = failed.map(({ verdict }) => ('retryAfterMs' in verdict ? (verdict.retryAfterMs ?? 0) : 0))
  const longest = Math.max(0, ...asked) / 1000
  const [least, most] = RETRY_AFTER_FAILURE[attempt] ?? RETRY_AFTER_FAILURE[3]
  const wish = longest > 0 ? longest * (1 + random() / 5) : least + random() * (most - least)
  return Math.max(1, Math.min(Math.round(wish), Math.floor(policy.retryAfterMaxMs / 1000)))
}

const REASONS: Readonly<Record<RefusalReason, string>> = {
  missing_tenant: 'without a tenant label',
  invalid_tenant: 'with an invalid tenant',
  repeated_tenant_label: 'with a tenant label that occurs twice',
  too_many_tenants: 'of tenants beyond limits.max_tenants_per_push',
  bad_reference: 'with a bad symbol reference',
  no_route: 'of tenants that no route leads to a store',
}

function refusedSentences(refused: readonly Refusal[], noun: string): readonly string[] {
  if (refused.length === 0) return []
  const total = refused.reduce((sum, refusal) => sum + refusal.entries, 0)
  const reasons = refused.map(({ reason, entries, example }) => {
    return `${entries} ${REASONS[reason]}${example === '' ? '' : ` ("${example}")`}`
  })
  return [`${total} ${noun} refused: ${reasons.join(', ')}`]
}

function failedSentences(
  failed: readonly Delivery[],
  all: readonly Delivery[],
  noun: string,
): readonly string[] {
  if (failed.length === 0) return []
  const tenants = tenantsOf(all)
  const named = failed.slice(0, TENANTS_NAMED).map(({ share, verdict }) => {
    return `tenant ${share.tenant}: ${share.entries} ${noun} ${describeVerdict(verdict)}`
  })
  const unnamed = tenantsOf(failed.slice(TENANTS_NAMED))
  const more = unnamed > 0 ? [`and ${unnamed} tenants more`] : []
  return [...named, ...more, `${tenants - tenantsOf(failed)} of ${tenants} tenants delivered`]
}

/** A tenant has several shares where one protocol can't carry all that is its own. */
function tenantsOf(deliveries: readonly Delivery[]): number {
  return new Set(deliveries.map(({ share }) => share.tenant)).size
}

/** `rejected with 400: out of order sample` */
function describeVerdict(verdict: Verdict): string {
  if (verdict.kind === 'delivered') return `delivered with ${verdict.status}`
  const status = verdict.status === 0 ? '' : ` with ${verdict.status}`
  return `${verdict.kind}${status}${verdict.reason === '' ? '' : `: ${verdict.reason}`}`
}

/** An error on the way becomes an answer by the catalogue. */
export function answerOfError(error: SluiceError, random: () => number = Math.random): Answer {
  const { status, advice } = CATALOGUE[error.code]
  const wait = RETRY_AFTER.min + Math.round(random() * (RETRY_AFTER.max - RETRY_AFTER.min))
  return {
    status,
    code: error.code,
    retryAfterSeconds: status === 503 ? wait : undefined,
    body: `${error.message}. ${advice}\n`,
    headers: NO_HEADERS,
  }
}

/** Anything may be thrown; only our own class has a code. */
export function toSluiceError(error: unknown): SluiceError {
  return error instanceof SluiceError
    ? error
    : new SluiceError('internal', 'internal error', { cause: error })
}
