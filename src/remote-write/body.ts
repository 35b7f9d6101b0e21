/** The bytes of one request, of all the shares that it carries. */
import type { Share } from '../share/share.ts'
import { type MergeRequests, mergeBodies } from './merge.ts'
import type { Compression, Protocol } from './split.ts'

type Bodied = Pick<Share, 'body' | 'decodedBytes' | 'kind'>

/** Borrows the shares, which are of that protocol, and at least one; the result is fresh or the only share's own body. */
export type BodyOf = (protocol: Protocol, shares: readonly Bodied[]) => Uint8Array

export function createBodyOf(mergeRequests: MergeRequests, compression: Compression): BodyOf {
  const merge = (shares: readonly Bodied[]) =>
    mergeRequests(
      shares.map(share => share.body),
      compression,
    )
  return (protocol, shares) => {
    const [first] = shares as readonly [Bodied]
    if (shares.length > 1) return protocol === '1.0' ? mergeBodies(shares) : merge(shares)
    return compression === 'fast' && isLate(first, protocol) ? merge([first]) : first.body
  }
}

/** Whether it was left to be compressed when it leaves (`SplitRules.compression`): literals alone are longer than what they spell. */
function isLate({ body, decodedBytes, kind }: Bodied, protocol: Protocol): boolean {
  return (protocol === '2.0' || kind === 'aside') && body.length > decodedBytes
}
