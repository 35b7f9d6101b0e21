/** How one share ended. Every share ends in exactly one of these. Source: design, "From the store's status to a verdict". */
export type Verdict =
  /** The store answered 2xx. */
  | { readonly kind: 'delivered'; readonly status: number }
  /** A resend of the same bytes can't help. `refusal`: it is our configuration (401, 403, 404, 405, 415), not the data. */
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
    }
