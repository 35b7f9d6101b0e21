/** Remote write before one store: which protocol it speaks, and how shares become requests to it. */
import type { Gauge } from '../gauge.ts'
import type { Courier, Dialect, LaneSide } from '../protocol.ts'
import type { Counts, Share } from '../share/share.ts'
import type { Verdict } from '../share/verdict.ts'
import { createBodyOf } from './body.ts'
import { type DialectEvents, type Gang, WriteCourier } from './courier.ts'
import { opened } from './envelope.ts'
import { canMerge, LARGE_SERIES } from './merge.ts'
import type { Compression, Protocol, SplitRules } from './split.ts'
import type { Splitter } from './splitter.ts'
import { StoreProtocol } from './store-protocol.ts'
import { writtenOf } from './written.ts'

interface DialectPolicy {
  readonly protocol: 'auto' | 'same' | Protocol
  /** 0 is never. */
  readonly protocolReprobeMs: number
  /** Whether a store of 2.0 is one that says nothing of what it wrote. */
  readonly writtenHeaders: 'expected' | 'omitted'
  readonly compression: Compression
  /** Of an attempt, and of a turn. */
  readonly timeoutMs: number
  /** Of a share that is converted on its way. */
  readonly maxOutputBytes: number
}

export interface DialectOptions {
  readonly policy: DialectPolicy
  readonly engine: Pick<Splitter, 'mergeRequests' | 'convert' | 'halve'>
  readonly events: DialectEvents
  readonly now: () => number
}

export class WriteDialect implements Dialect {
  readonly gauges: readonly Gauge[]
  readonly #options: DialectOptions
  /** What is known of the protocol that the store speaks. */
  readonly store: StoreProtocol
  readonly #gang: Gang

  constructor(options: DialectOptions) {
    const { policy, engine, events, now } = options
    const omitsWritten = policy.writtenHeaders === 'omitted'
    this.#options = options
    this.store = new StoreProtocol(
      { choice: policy.protocol, reprobeMs: policy.protocolReprobeMs, omitsWritten },
      now,
    )
    this.#gang = {
      store: this.store,
      bodyOf: createBodyOf(engine.mergeRequests, policy.compression),
      convert: share => engine.convert(share, '1.0', policy.maxOutputBytes),
      turnMs: policy.timeoutMs,
      omitsWritten,
      events,
    }
    this.gauges = [
      {
        name: 'upstream_protocol',
        help: 'Remote write that the store is known to speak, 1 or 2; 0 while it is unproven, or nobody asks.',
        read: () => Number(this.store.known ?? 0),
        state: true,
      },
      {
        name: 'upstream_turns_waiting',
        help: 'Requests of 2.0 that wait for one that proves the store.',
        read: () => this.store.waiting,
      },
    ]
  }

  /** What the next push is to be split into, for this store. */
  get output(): SplitRules['output'] {
    return this.store.output
  }

  courier(side: LaneSide): Courier {
    return new WriteCourier(this.#gang, side)
  }

  merges(one: Share, other: Share): boolean {
    return canMerge(one, other)
  }

  mergesCheaply({ entries, mergeKey }: Share): boolean {
    return entries <= LARGE_SERIES || mergeKey.startsWith('1.0')
  }

  halve(share: Share): readonly [Share, Share] | undefined {
    return this.#options.engine.halve(opened(share))
  }

  countsOf(share: Share): Counts {
    return writtenOf(opened(share))
  }

  /**
   * A store that takes only 2.0 refuses the 1.0 message beside a tenant's series, and would for ever: what is in it can't
   * be said otherwise. So to its sender that is rejected data, which it must not keep sending, and no refusal that ends
   * when somebody puts the configuration right.
   */
  verdictFor({ kind }: Share, verdict: Verdict): Verdict {
    return kind !== 'series' && verdict.kind === 'rejected' && verdict.status === 415
      ? { ...verdict, refusal: false }
      : verdict
  }
}
