/** What one request holds, and the same as 1.0 for a store that lacks 2.0. */

import { NOTHING, sumOf, type Verdict, type Written } from '../share/verdict.ts'
import { release } from '../wire/release.ts'
import type { BodyOf } from './body.ts'
import type { Converted } from './convert.ts'
import { mergeBodies } from './merge.ts'
import type { Protocol, Share } from './split.ts'

/** Borrows the share. */
export type ConvertShare = (share: Share) => Converted

interface AsOne {
  /** Undefined where 1.0 can say nothing of it. */
  readonly body: Uint8Array | undefined
  readonly createdTimestampsLost: number
  readonly histogramsLost: number
  /** What of each share it holds; undefined where that is all. */
  readonly kept: readonly Written[] | undefined
}

export class Parcel {
  readonly protocol: Protocol
  readonly shares: readonly Share[]
  readonly #bodyOf: BodyOf
  #body: Uint8Array | undefined
  #asOne: AsOne | Verdict | undefined

  /** `bodyOf` returns the message of all shares together, which are of one protocol. */
  constructor(shares: readonly Share[], bodyOf: BodyOf) {
    this.protocol = (shares[0] as Share).protocol
    this.shares = shares
    this.#bodyOf = bodyOf
  }

  get body(): Uint8Array {
    this.#body ??= this.#bodyOf(this.shares)
    return this.#body
  }

  /** Called when no request needs it any more; what was merged for it is gone then, the shares' own bodies are not. */
  release(): void {
    if (this.#body !== undefined && this.#body !== this.shares[0]?.body) release(this.#body)
    this.#body = undefined
  }

  get sent(): Written {
    return this.shares.length === 1 ? (this.shares[0] as Share) : sumOf(this.shares)
  }

  /** Whether `asOne` was asked for. */
  get isConverted(): boolean {
    return this.#asOne !== undefined
  }

  /** As 1.0, converted once; a verdict where that can't be done. */
  asOne(convert: ConvertShare): AsOne | Verdict {
    this.#asOne ??= this.#convert(convert)
    return this.#asOne
  }

  #convert(convert: ConvertShare): AsOne | Verdict {
    const converted: Share[] = []
    const kept: Written[] = []
    let createdTimestampsLost = 0
    let histogramsLost = 0
    for (const share of this.shares) {
      const result = convert(share)
      if (!result.ok) {
        // What is too long as 1.0 is treated as if the store had said so: in parts, it may not be.
        const status = result.code === 'split_output_too_large' ? 413 : 400
        const reason = `can’t be sent as 1.0: ${result.detail}`
        return { kind: 'rejected', status, reason, refusal: false, written: NOTHING }
      }
      converted.push(...result.shares)
      createdTimestampsLost += result.createdTimestampsLost
      histogramsLost += result.histogramsLost
      const { samples, histograms, exemplars } = share
      kept.push({ samples, histograms: histograms - result.histogramsLost, exemplars })
    }
    const [only] = converted
    const body = converted.length > 1 ? mergeBodies(converted) : only?.body
    return { body, createdTimestampsLost, histogramsLost, kept: histogramsLost > 0 ? kept : undefined }
  }
}
