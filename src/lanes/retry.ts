/**
 * Whether an attempt is worth another one here, and when. Only for what passes within seconds (a connection that broke
 * or was stale, a store that restarts); the sender's own retry does the rest, and its shard is not held for long.
 * Never after a 429 or another 4xx, and never after a timeout: that would double the load of a store that is too slow.
 */
import type { Verdict } from '../share/verdict.ts'

export interface RetryPolicy {
  /** The first one included; 1 means no retry. */
  readonly maxAttempts: number
  readonly minBackoffMs: number
  readonly maxBackoffMs: number
}

/**
 * Returns how long to wait before the next attempt, in milliseconds; undefined where there is none.
 * `attempts` have been made; `leftMs` is the time until the push's deadline; `random` is in [0, 1).
 */
export function backoff(
  verdict: Verdict,
  attempts: number,
  leftMs: number,
  policy: RetryPolicy,
  random: () => number,
): number | undefined {
  if (verdict.kind !== 'unreachable' || attempts >= policy.maxAttempts || !passes(verdict)) return undefined
  const ceiling = Math.min(policy.maxBackoffMs, policy.minBackoffMs * 2 ** (attempts - 1))
  // Half of it is chance, so that many lanes do not come back together.
  const wait = Math.max(verdict.retryAfterMs ?? 0, ceiling * (0.5 + random() / 2))
  return wait < leftMs ? wait : undefined
}

function passes(verdict: Extract<Verdict, { kind: 'unreachable' }>): boolean {
  return (
    verdict.cause === 'connect' ||
    verdict.cause === 'connection' ||
    (verdict.cause === 'answer' && GATEWAY.has(verdict.status))
  )
}

const GATEWAY: ReadonlySet<number> = new Set([502, 503, 504])
