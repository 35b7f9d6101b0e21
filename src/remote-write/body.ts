/** The bytes of one request, of all the shares that it carries. */
import { type MergeRequests, mergeBodies } from './merge.ts'
import type { Compression, SplitShare } from './split.ts'

/** Borrows the shares, which are of one protocol, and at least one; the result is fresh or the only share's own body. */
export type BodyOf = (shares: readonly SplitShare[]) => Uint8Array

export function createBodyOf(mergeRequests: MergeRequests, compression: Compression): BodyOf {
  const merge = (shares: readonly SplitShare[]) =>
    mergeRequests(
      shares.map(share => share.body),
      compression,
    )
  return shares => {
    const [first] = shares as readonly [SplitShare]
    if (shares.length > 1) return first.protocol === '1.0' ? mergeBodies(shares) : merge(shares)
    return compression === 'fast' && isLate(first) ? merge([first]) : first.body
  }
}

/** Whether it was left to be compressed when it leaves (`SplitRules.compression`): literals alone are longer than what they spell. */
function isLate({ body, decodedBytes, protocol, kind }: SplitShare): boolean {
  return (protocol === '2.0' || kind === 'aside') && body.length > decodedBytes
}
