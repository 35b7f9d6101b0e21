/** What all know of a share and its refusals, and what only this codec does. */
import type { Refusal } from '../share/refusal.ts'
import type { Share } from '../share/share.ts'
import type { SplitRefusal, SplitShare } from './split.ts'

/** Takes a share that was split here: no other comes to this codec. */
export function opened(share: Share): SplitShare {
  return share as SplitShare
}

export function sealRefusals(refusals: readonly SplitRefusal[]): readonly Refusal[] {
  return refusals.map(({ reason, dropped, example, series }) => ({
    reason,
    dropped,
    example,
    entries: series,
  }))
}
