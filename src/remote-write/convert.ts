/**
 * A share in the other protocol: for an upstream that turns out to lack remote write 2.0 when the share is already
 * made. It is the split itself that converts, with rules by which all series stay together.
 */
import { mergeKeyOf } from './merge.ts'
import type { Family, Protocol, Push, Split, SplitResult, SplitRules, SplitShare } from './split.ts'
import { TOGETHER } from './together.ts'

export type Converted =
  | {
      readonly ok: true
      /**
       * Mostly one. To 2.0 there may be an `aside` share of what that protocol can't carry, or it alone; and none of
       * what neither can, or to 1.0 where that can say nothing of it.
       */
      readonly shares: readonly SplitShare[]
      /** As in a split's result; so is the next. */
      readonly createdTimestampsLost: number
      readonly histogramsLost: number
      /** To 1.0: what the series' metadata says, which has no place in these shares. */
      readonly families: readonly Family[]
    }
  | Extract<SplitResult, { ok: false }>

/**
 * Borrows the share. What it becomes has the same tenant, the same HA values and is `alone` if it was; a share that is
 * of that protocol already comes back as it is.
 *
 * It fails as a split does. 1.0 spells out what 2.0 refers to by number, so a share can get longer than
 * `maxOutputBytes`: `split_output_too_large`, which its halves may not be (halve.ts). And samples and histograms are
 * opened here for the first time: `protobuf_malformed`. Where `workBytes` are given and not enough: `needs_more`.
 */
export function convert(
  split: Split,
  share: SplitShare,
  to: Protocol,
  maxOutputBytes: number,
  workBytes?: number,
): Converted {
  if (share.protocol === to)
    return { ok: true, shares: [share], createdTimestampsLost: 0, histogramsLost: 0, families: [] }
  const push: Push = {
    body: share.body,
    encoding: 'snappy',
    protocol: share.protocol,
    ...(workBytes === undefined ? {} : { workBytes }),
  }
  const rules: SplitRules = {
    ...TOGETHER,
    families: 'metadata',
    output: to,
    maxDecodedBytes: share.decodedBytes,
    maxOutputBytes,
    maxSeries: share.series + share.metadata,
  }
  const result = split(push, rules)
  if (!result.ok) return result
  if (result.refusals.length > 0) throw new Error('BUG: a share that an engine made has series it refuses')
  const { tenant, ha, alone } = share
  return {
    ok: true,
    shares: result.shares.map(it => {
      return { ...it, tenant, ha, alone, mergeKey: mergeKeyOf({ protocol: it.protocol, ha }) }
    }),
    createdTimestampsLost: result.createdTimestampsLost,
    histogramsLost: result.histogramsLost,
    families: result.reported.families.flatMap(it => it.families),
  }
}
