/** What the split makes, in the envelope that the rest knows; and out of it again. */
import type { Refusal } from '../share/refusal.ts'
import type { Share } from '../share/share.ts'
import { mergeKeyOf } from './merge.ts'
import type { SplitRefusal, SplitShare } from './split.ts'

interface WriteShare extends Share {
  readonly made: SplitShare
}

/** Fresh envelopes around the same bodies. Most shares of a push are of one replica, so they have one key in common. */
export function seal(shares: readonly SplitShare[]): readonly Share[] {
  let ha: readonly string[] | undefined
  let protocol: string | undefined
  let mergeKey = ''
  return shares.map((made): WriteShare => {
    if (made.ha !== ha || made.protocol !== protocol) {
      ;({ ha, protocol } = made)
      mergeKey = mergeKeyOf(made)
    }
    const { tenant, kind, body, decodedBytes, alone, series, samples, histograms, exemplars, metadata } = made
    const counts = { series, samples, histograms, exemplars, metadata }
    return { tenant, kind, body, decodedBytes, alone, mergeKey, entries: series, counts, made }
  })
}

/** Takes a share that was sealed here: no other comes to this codec. */
export function opened(share: Share): SplitShare {
  return (share as WriteShare).made
}

export function sealRefusals(refusals: readonly SplitRefusal[]): readonly Refusal[] {
  return refusals.map(({ reason, dropped, example, series }) => ({
    reason,
    dropped,
    example,
    entries: series,
  }))
}
