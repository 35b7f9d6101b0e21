/**
 * What the store wrote of the shares of one request of 2.0, made of its own numbers. They are never believed beyond what
 * was sent, and where several shares travelled together they tell of one share only if nothing is missing.
 */

import type { Carried } from '../protocol.ts'
import { NOTHING, type Verdict } from '../share/verdict.ts'
import type { Written } from './written.ts'

/** What a store said to a message of remote write. */
export interface WriteReply {
  readonly verdict: Verdict
  /** What it says that it wrote, whatever its status; undefined where it says nothing, and of 1.0 always. */
  readonly reported: Written | undefined
}

/** `omitted`: the configuration says that this store writes all and reports nothing (`egress.written_headers`). */
export function counted(
  { verdict, reported }: WriteReply,
  sent: Written,
  shares: number,
  omitted: boolean,
): Carried {
  const { kind, status } = verdict
  if (kind === 'delivered') {
    if (reported === undefined)
      return { verdict: omitted || status === 202 ? verdict : wrote(verdict, NOTHING), unclear: false }
    if (isDeduplicated(status, reported) || isAll(reported, sent)) return { verdict, unclear: false }
    return { verdict: wrote(verdict, atMost(reported, sent)), unclear: shares > 1 }
  }
  if (reported === undefined) return { verdict, unclear: false }
  if (isAll(reported, sent)) return { verdict: wrote(verdict, 'all'), unclear: false }
  return { verdict: shares > 1 ? verdict : wrote(verdict, atMost(reported, sent)), unclear: false }
}

/**
 * A push of an HA replica that is not the elected one: what it holds is in the store already, by the other replica, so to
 * its sender it counts as written. Cortex and Mimir answer 202 to it and to nothing else, and both count what was sent
 * (cortexproject/cortex#7240, there because Prometheus logged each such push as lost; mimir pkg/distributor/push.go and
 * errors.go), but Cortex 1.20, which says 0.
 */
function isDeduplicated(status: number, { samples, histograms, exemplars }: Written): boolean {
  return status === 202 && samples + histograms + exemplars === 0
}

function wrote(verdict: Verdict, written: Verdict['written']): Verdict {
  return { ...verdict, written }
}

function isAll(reported: Written, sent: Written): boolean {
  return (
    reported.samples >= sent.samples &&
    reported.histograms >= sent.histograms &&
    reported.exemplars >= sent.exemplars
  )
}

function atMost(reported: Written, sent: Written): Written {
  return {
    samples: Math.min(reported.samples, sent.samples),
    histograms: Math.min(reported.histograms, sent.histograms),
    exemplars: Math.min(reported.exemplars, sent.exemplars),
  }
}
