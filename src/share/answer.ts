import type { ErrorCode } from '../errors.ts'

/** What the sender of a push is told. */
export interface Answer {
  readonly status: number
  /** Undefined for a success. */
  readonly code: ErrorCode | undefined
  /** Seconds; goes out as Retry-After. */
  readonly retryAfterSeconds: number | undefined
  /** Plain text, cut and escaped; empty for a success. */
  readonly body: string
  /** What a protocol says beside that; names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}
