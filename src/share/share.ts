/**
 * One tenant's part of a push, in its envelope. Lanes, the memo, answers and metrics go by what stands here; what is in
 * `body`, and what `kind` means, only the codec knows that made it.
 */
import type { TenantId } from '../tenant.ts'

/** How much of each kind of thing, by the codec's names for them; one that is missing is 0. */
export type Counts = Readonly<Record<string, number>>

export interface Share {
  readonly tenant: TenantId
  /** Tells the shares of one tenant in one push apart; there is at most one of each. */
  readonly kind: string
  /** As it goes over the wire where it travels alone and as it is. Whoever has the share owns it. */
  readonly body: Uint8Array
  /** Length of the message before compression. */
  readonly decodedBytes: number
  /** May not be merged with another. */
  readonly alone: boolean
  /** Shares merge only where these are equal: the same tenant's data may still be another matter to the store. */
  readonly mergeKey: string
  /** What limits of batches count: series, or lines. */
  readonly entries: number
}
