import type { Counts } from './share.ts'

/** How one share ended. Every share ends in exactly one of these. Source: design, "From the store's status to a verdict". */
export type Verdict = End & {
  /** What the store wrote of the share; a failure may have written a part. */
  readonly written: Counts | 'all'
}

type End =
  /** The store answered 2xx. */
  | { readonly kind: 'delivered'; readonly status: number }
  /**
   * A resend of the same bytes can't help. `refusal`: it is our configuration (401, 403, 404, 405, 415), not the data.
   * `status` is 0 where it was given up by policy.
   */
  | { readonly kind: 'rejected'; readonly status: number; readonly reason: string; readonly refusal: boolean }
  /** The store answered 429. */
  | {
      readonly kind: 'throttled'
      readonly status: number
      readonly reason: string
      readonly retryAfterMs: number | undefined
    }
  /** Nobody knows whether it was stored; time may cure it. `status` is 0 where there was no answer. */
  | {
      readonly kind: 'unreachable'
      readonly status: number
      readonly reason: string
      readonly retryAfterMs: number | undefined
      readonly cause: Cause
    }

/**
 * What stood between a share and the store's answer; decides whether another attempt is made at once.
 * `answer`: it did answer, with a status that says "later" · `connect`: no connection came about · `unconnected`: the
 * same, for as long as `timeout` · `connection`: one broke · `timeout`: no answer within `timeout` · `local`: we did not
 * even try (queue full, breaker open, too many lanes) · `cancelled`: nobody waits for it any more.
 */
type Cause = 'answer' | 'connect' | 'unconnected' | 'connection' | 'timeout' | 'local' | 'cancelled'

export const NOTHING: Counts = Object.freeze({})

export function sumOf(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {}
  for (const counts of all) {
    for (const kind in counts) sum[kind] = (sum[kind] ?? 0) + (counts[kind] as number)
  }
  return sum
}

/** A verdict that no attempt led to. */
export function localVerdict(reason: string, retryAfterMs?: number): Verdict {
  return { kind: 'unreachable', status: 0, reason, retryAfterMs, cause: 'local', written: NOTHING }
}

export function cancelledVerdict(reason: unknown): Verdict {
  const why = reason instanceof Error ? reason.message : String(reason)
  return {
    kind: 'unreachable',
    status: 0,
    reason: why,
    retryAfterMs: undefined,
    cause: 'cancelled',
    written: NOTHING,
  }
}

/**
 * The table of design, "From the store's status to a verdict". The common case is first. A success is taken for all that
 * was sent, which is so in 1.0; what a store of 2.0 says of it is for whoever knows the request (counted.ts).
 */
export function verdictOf(status: number, reason: string, retryAfterMs: number | undefined): Verdict {
  if (status >= 200 && status < 300) return { kind: 'delivered', status, written: 'all' }
  if (status === 429) return { kind: 'throttled', status, reason, retryAfterMs, written: NOTHING }
  if (status >= 400 && status < 500 && status !== 408) {
    return { kind: 'rejected', status, reason, refusal: OUR_CONFIGURATION.has(status), written: NOTHING }
  }
  return { kind: 'unreachable', status, reason, retryAfterMs, cause: 'answer', written: NOTHING }
}

const OUR_CONFIGURATION: ReadonlySet<number> = new Set([401, 403, 404, 405, 415])

/** The verdict that asks most of the sender: unreachable over throttled over rejected over delivered. Takes at least one. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((worst, verdict) => (RANK[verdict.kind] > RANK[worst.kind] ? verdict : worst))
}

const RANK: Readonly<Record<Verdict['kind'], number>> = {
  delivered: 0,
  rejected: 1,
  throttled: 2,
  unreachable: 3,
}
