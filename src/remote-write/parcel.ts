/** What one request of remote write holds, and the same as 1.0 for a store that lacks 2.0. */
import type { Carried, Parcel, Trip } from '../protocol.ts'
import type { Share } from '../share/share.ts'
import { NOTHING, type Verdict } from '../share/verdict.ts'
import { release } from '../wire/release.ts'
import type { BodyOf } from './body.ts'
import type { Converted } from './convert.ts'
import { opened } from './envelope.ts'
import { mergeBodies } from './merge.ts'
import type { Protocol, SplitShare } from './split.ts'
import { sumOfWritten, type Written } from './written.ts'

/** Borrows the share. */
export type ConvertShare = (share: SplitShare) => Converted

interface AsOne {
  /** Undefined where 1.0 can say nothing of it. */
  readonly body: Uint8Array | undefined
  readonly createdTimestampsLost: number
  readonly histogramsLost: number
  /** What of each share it holds; undefined where that is all. */
  readonly kept: readonly Written[] | undefined
}

export class WriteParcel implements Parcel {
  readonly protocol: Protocol
  readonly shares: readonly Share[]
  readonly #bodyOf: BodyOf
  readonly #carry: (parcel: WriteParcel, trip: Trip) => Promise<Carried>
  #body: Uint8Array | undefined
  #asOne: AsOne | Verdict | undefined

  /** `bodyOf` returns the message of all shares together, which are of one protocol. */
  constructor(
    shares: readonly Share[],
    bodyOf: BodyOf,
    carry: (parcel: WriteParcel, trip: Trip) => Promise<Carried>,
  ) {
    this.protocol = opened(shares[0] as Share).protocol
    this.shares = shares
    this.#bodyOf = bodyOf
    this.#carry = carry
  }

  carry(trip: Trip): Promise<Carried> {
    return this.#carry(this, trip)
  }

  get body(): Uint8Array {
    this.#body ??= this.#bodyOf(this.protocol, this.shares)
    return this.#body
  }

  release(): void {
    if (this.#body !== undefined && this.#body !== this.shares[0]?.body) release(this.#body)
    this.#body = undefined
  }

  get sent(): Written {
    const { shares } = this
    return sumOfWritten(shares.map(opened))
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
    const converted: SplitShare[] = []
    const kept: Written[] = []
    let createdTimestampsLost = 0
    let histogramsLost = 0
    for (const share of this.shares.map(opened)) {
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
