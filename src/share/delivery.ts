import type { Share } from './share.ts'
import type { Verdict } from './verdict.ts'

/** How one share of a push ended. */
export interface Delivery {
  readonly share: Share
  readonly verdict: Verdict
  /** The store that it was for, by its name in the configuration. */
  readonly upstream: string
  /** Whether an earlier push of the same bytes had brought it, so that it was not sent again. */
  readonly remembered: boolean
}
