import { release } from '../wire/release.ts'
import type { Share } from './share.ts'

/** Takes the bodies of all shares of a push, where they lie in one memory and fill it, as the kernel makes them. */
export function releaseShares(shares: readonly Pick<Share, 'body'>[]): void {
  const buffer = shares[0]?.body.buffer
  let length = 0
  for (const { body } of shares) {
    if (body.buffer !== buffer) return
    length += body.length
  }
  if (buffer !== undefined && buffer.byteLength === length) release(new Uint8Array(buffer))
}
