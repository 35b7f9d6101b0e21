/** Remote write as it comes in: what a push's head says, its split, its metadata, and the words of its answer. */
import type { IncomingHttpHeaders } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SluiceError } from '../errors.ts'
import type { Codec, Push, SplitOutcome } from '../protocol.ts'
import type { Answer } from '../share/answer.ts'
import type { Delivery } from '../share/delivery.ts'
import { releaseShares } from '../share/release.ts'
import type { Counts, Share } from '../share/share.ts'
import type { TenantId } from '../tenant.ts'
import { splitCharge } from './charge.ts'
import type { Converted } from './convert.ts'
import type { WriteDialect } from './dialect.ts'
import { opened, sealRefusals } from './envelope.ts'
import type { MetadataRouter } from './metadata/router.ts'
import { negotiate, type WriteHead } from './negotiate.ts'
import type { Encoding, Family, Protocol, SplitDone, SplitRules, SplitShare } from './split.ts'
import type { Splitter } from './splitter.ts'
import { writtenBy, writtenHeaders } from './written.ts'

export interface WriteStore {
  /** Tells it from all others, those that have had its name included. */
  readonly id: string
  readonly dialect: WriteDialect
}

/** What a configuration makes of this codec. */
export interface WriteRules {
  readonly encodings: readonly Encoding[]
  /** For a store that takes what comes in. */
  readonly split: SplitRules
  /** Every store that a push may be for. */
  readonly dialects: readonly WriteDialect[]
  /** The store that a tenant's share is for; undefined where there is none. */
  readonly storeOf: (principal: string, tenant: TenantId) => WriteStore | undefined
}

export interface CodecOptions {
  readonly splitter: Pick<Splitter, 'split' | 'convert'>
  readonly metadata: Pick<MetadataRouter, 'asks' | 'route'>
  readonly events: {
    /** Told of each push that was split. */
    split(result: SplitDone): void
    /** Created and start timestamps, and histograms, that 1.0 can't say, in shares that were converted afterwards. */
    lost(createdTimestamps: number, histograms: number): void
  }
}

export class RemoteWrite implements Codec<WriteRules, WriteHead> {
  readonly name = 'remote_write'
  readonly noun = 'series'
  readonly #options: CodecOptions
  /** The same object for the same rules: an engine has them ready then. */
  readonly #variants: WeakMap<SplitRules, Map<string, Variant>> = new WeakMap()

  constructor(options: CodecOptions) {
    this.#options = options
  }

  negotiate(headers: IncomingHttpHeaders, { encodings }: WriteRules): WriteHead | SluiceError {
    try {
      return negotiate(headers, encodings)
    } catch (error) {
      if (error instanceof SluiceError) return error
      throw error
    }
  }

  async split(
    push: Push<WriteHead>,
    rules: WriteRules,
    hold: (bytes: number) => void,
  ): Promise<SplitOutcome> {
    const { head, prefix, from } = push
    const output = outputOf(rules.dialects)
    const variant = this.#variant(rules.split, head, output)
    const chosen = prefix === undefined ? variant.rules : { ...variant.rules, prefix }
    const { result, body } = await this.#splitWithin(push, chosen, hold)
    this.#options.events.split(result)
    const storeOf = (tenant: TenantId) => rules.storeOf(from.principal.name, tenant)
    const fitted =
      output === 'same' ? await this.#fit(result, rules.dialects, storeOf, chosen, body.length, hold) : result
    const { shares, settle } = this.#options.metadata.route(from, fitted, tenant => storeOf(tenant)?.id)
    return {
      body,
      shares,
      release: () => releaseShares(result.shares),
      refusals: sealRefusals(result.refusals),
      received: result.received,
      scope: variant.scope,
      settle:
        settle &&
        (deliveries =>
          settle(
            deliveries.map(({ share, verdict, remembered }) => ({
              share: opened(share),
              verdict,
              remembered,
            })),
          )),
    }
  }

  countsOf(share: Share): Counts {
    // No object for each share: what is asked for stands in it by these names.
    return opened(share) as unknown as Counts
  }

  /** Whatever the answer, and however far the push came: a sender of 2.0 takes missing counts for a store without 2.0. */
  respond(answer: Answer, deliveries: readonly Delivery[], { protocol }: WriteHead): Answer {
    return protocol === '2.0' ? { ...answer, headers: writtenHeaders(writtenBy(deliveries)) } : answer
  }

  #variant(rules: SplitRules, { protocol, encoding }: WriteHead, output: SplitRules['output']): Variant {
    const families = this.#options.metadata.asks(protocol, output === 'same' ? protocol : output)
    const variants = this.#variants.get(rules) ?? new Map<string, Variant>()
    this.#variants.set(rules, variants)
    const key = `${protocol} ${encoding} ${output} ${families}`
    const known = variants.get(key)
    if (known !== undefined) return known
    // Shares of 2.0 that merge are written anew, so to compress them now would be in vain.
    const compression = rules.compression === 'none' ? 'none' : 'late'
    // What differs in nothing that an engine looks at is one object for it.
    const [alike] = [...variants.values()].filter(
      it => it.rules.output === output && it.rules.families === families,
    )
    const variant = {
      scope: `${protocol} ${output} ${encoding}`,
      rules: alike?.rules ?? { ...rules, output, families, compression },
    }
    variants.set(key, variant)
    return variant
  }

  /** Splits with as much memory as is usual, and where that is not enough with more, as long as the gate has it. */
  async #splitWithin(
    { head, body: arrived }: Push<WriteHead>,
    rules: SplitRules,
    hold: (bytes: number) => void,
  ): Promise<{ readonly result: SplitDone; readonly body: Uint8Array }> {
    const { protocol, encoding } = head
    const { fixedBytes, ...usual } = splitCharge({ body: arrived, protocol, encoding }, rules)
    for (let body = arrived, { workBytes } = usual; ; ) {
      // It may have to wait for a thread.
      hold(body.length)
      const begin = () => hold(fixedBytes + workBytes)
      const outcome = await this.#options.splitter.split(
        { protocol, encoding, body, workBytes },
        rules,
        begin,
      )
      const { result } = outcome
      // It may have been moved to a thread and back.
      body = outcome.body
      if (result.ok) return { result, body }
      if (result.code !== 'needs_more') {
        throw new SluiceError(result.code, `${result.detail} at byte ${result.at.toLocaleString('en-US')}`)
      }
      workBytes = result.workBytes
    }
  }

  /**
   * Where stores of one push take different protocols, it was split as it came: what is known not to be taken so is
   * converted here, where its metadata still finds its way. What is not known is its courier's. Together they get no longer
   * than a push's shares may, and are charged before they are made; other pushes get turns in between.
   */
  async #fit(
    result: SplitDone,
    dialects: readonly WriteDialect[],
    storeOf: (tenant: TenantId) => WriteStore | undefined,
    { maxOutputBytes }: SplitRules,
    bodyBytes: number,
    hold: (bytes: number) => void,
  ): Promise<SplitDone> {
    if (dialects.every(({ output }) => output === 'same')) return result
    const { metadata, events } = this.#options
    const asks = metadata.asks('2.0', '1.0') === 'metadata'
    const shares: SplitShare[] = []
    const families: { tenant: TenantId; families: readonly Family[] }[] = [...result.reported.families]
    let createdTimestampsLost = 0
    let histogramsLost = 0
    let left = maxOutputBytes
    let held = result.shares.reduce((sum, { body }) => sum + body.length, bodyBytes)
    let sinceTurn = 0
    for (const share of result.shares) {
      const output = storeOf(share.tenant)?.dialect.output ?? 'same'
      const converted =
        output === 'same' || output === share.protocol || share.kind !== 'series'
          ? undefined
          : this.#convertWithin(share, output, left, bytes => hold(held + bytes))
      if (converted?.ok === false && converted.code === 'split_output_too_large') {
        throw new SluiceError(converted.code, `${converted.detail}, as its stores take them`)
      }
      // What can't be converted goes as it is, and its courier says why it can't be delivered.
      const fitting = converted?.ok ? converted.shares : [share]
      shares.push(...fitting)
      for (const { decodedBytes } of fitting) left -= decodedBytes
      if (!converted?.ok) continue
      for (const { body, decodedBytes } of fitting) {
        held += body.length
        sinceTurn += decodedBytes
      }
      createdTimestampsLost += converted.createdTimestampsLost
      histogramsLost += converted.histogramsLost
      if (asks && converted.families.length > 0) {
        families.push({ tenant: share.tenant, families: converted.families })
      }
      if (sinceTurn < BYTES_A_TURN) continue
      sinceTurn = 0
      await nextTurn()
    }
    events.lost(createdTimestampsLost, histogramsLost)
    return { ...result, shares, reported: { ...result.reported, families } }
  }

  /** As `#splitWithin`. */
  #convertWithin(
    share: SplitShare,
    output: Protocol,
    maxOutputBytes: number,
    hold: (bytes: number) => void,
  ): Converted {
    const { body, decodedBytes: maxDecodedBytes, protocol } = share
    const { fixedBytes, ...usual } = splitCharge(
      { body, encoding: 'snappy', protocol },
      { output, maxDecodedBytes },
    )
    for (let { workBytes } = usual; ; ) {
      hold(fixedBytes + workBytes)
      const converted = this.#options.splitter.convert(share, output, Math.max(0, maxOutputBytes), workBytes)
      if (converted.ok || converted.code !== 'needs_more') return converted
      workBytes = converted.workBytes
    }
  }
}

/** What is converted in one turn of the event loop: some milliseconds. */
const BYTES_A_TURN = 4 * 1024 * 1024

/** Rules for a kind of push. */
interface Variant {
  /** What of it decides what shares become. */
  readonly scope: string
  readonly rules: SplitRules
}

/** What the split writes: what all stores take, or where they differ what came in. */
function outputOf(dialects: readonly WriteDialect[]): SplitRules['output'] {
  const output = dialects[0]?.output ?? 'same'
  return dialects.every(dialect => dialect.output === output) ? output : 'same'
}
