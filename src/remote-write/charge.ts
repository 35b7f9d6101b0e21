import { snappyClaim } from '../wire/snappy.ts'
import { zstdClaim } from '../wire/zstd-claim.ts'
import type { Push, SplitRules } from './split.ts'

interface SplitCharge {
  readonly fixedBytes: number
  readonly workBytes: number
}

/**
 * What a split takes in memory, for the account at the gate, in bytes.
 *
 * `fixedBytes`: the body twice, because the kernel has a copy, and the decoded message; with zstd three times, as what is
 * decoded, as its window, and as the kernel's copy.
 * Never more than the limit, because what claims more is refused before it is decoded; what leaves its length open is
 * taken for as long as is allowed.
 *
 * `workBytes`: tables and shares of a push as senders write it, several times the message; a message of 2.0 is a third as
 * long as the same in 1.0. Tables are next to nothing in 1.0, and in 2.0 about twice the message: a row of 24 bytes for
 * each symbol, a word for each reference. The shares stand there twice, and compressed they are never by more than a
 * sixth longer than before; written as 1.0 they are three times as long as the message of 2.0. A push that takes more says
 * so itself (`needs_more`), and only then is it charged that: two-byte symbols make tables of twelve times the message,
 * references to long strings shares of any length. `docs/kernel.md` has the arenas.
 */
export function splitCharge(
  { body, encoding, protocol }: Push,
  { output, maxDecodedBytes }: Pick<SplitRules, 'output' | 'maxDecodedBytes'>,
): SplitCharge {
  const claim =
    encoding === 'snappy' ? (snappyClaim(body)?.length ?? 0) : (zstdClaim(body) ?? maxDecodedBytes)
  const decoded = claim > maxDecodedBytes ? 0 : claim
  const isPlain = protocol === '1.0' && output !== '2.0'
  return {
    fixedBytes: 2 * body.length + (encoding === 'zstd' ? 3 : 1) * decoded,
    workBytes: LEAST_WORK + (isPlain ? 4 : 12) * decoded,
  }
}

/** A block of 64 KiB to build shares in, and ends of blocks. */
const LEAST_WORK = 128 * 1024
