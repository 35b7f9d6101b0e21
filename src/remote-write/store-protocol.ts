/**
 * Which remote write the store speaks. No request asks for that, so it is learned from answers to what is sent anyway:
 *
 *     unproven ───── an answer with *-Written headers ─────▶ 2.0
 *      ▲    │                                                 │
 *      │    └── lacks 2.0, and stored the same as 1.0 ──▶ 1.0 ◀┘
 *      └───────── egress.protocol_reprobe later ───────────┘
 *
 * While it is unproven, one request of 2.0 is under way at a time: each may have to go twice, and whoever comes next
 * learns from it. The others wait for their turn.
 */

import type { Cancellation } from '../share/cancellation.ts'
import type { WriteReply } from './counted.ts'
import type { Protocol, SplitRules } from './split.ts'

export interface StoreProtocolPolicy {
  /** `auto` learns; `same` sends what came in; else all goes out in this one. */
  readonly choice: 'auto' | 'same' | Protocol
  /** 0 is never. */
  readonly reprobeMs: number
  /** The store reports nothing of what it writes, so it is no wonder that it does not. */
  readonly omitsWritten: boolean
}

/** How a message of 2.0 goes: as it is, as the one whose answer others wait for, or converted. */
export type Way = 'as it is' | 'probe' | 'as 1.0'

export class StoreProtocol {
  readonly #policy: StoreProtocolPolicy
  readonly #now: () => number
  #known: Protocol | undefined
  /** Until when it is taken for 1.0. */
  #until = 0
  /** It is one of 2.0 that reports nothing, as is known from its refusing 1.0. */
  #silent = false
  #probing = false
  /** In their turn. */
  readonly #waiting: Set<(way: Way) => void> = new Set()

  constructor(policy: StoreProtocolPolicy, now: () => number) {
    this.#policy = policy
    this.#now = now
  }

  /** Undefined while it is unproven. */
  get known(): Protocol | undefined {
    const { choice } = this.#policy
    if (choice !== 'auto') return choice === 'same' ? undefined : choice
    return this.#known === '1.0' && this.#now() >= this.#until ? undefined : this.#known
  }

  /** What the next push is to be split into. */
  get output(): SplitRules['output'] {
    const { choice } = this.#policy
    if (choice !== 'auto') return choice
    return this.known === '1.0' ? '1.0' : 'same'
  }

  /** Messages that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** How a message of 2.0 may go now; undefined where it must wait. Who is told `probe` says `ended` afterwards. */
  way(): Way | undefined {
    const { choice } = this.#policy
    if (choice === 'same' || choice === '2.0') return 'as it is'
    if (this.known === '1.0') return 'as 1.0'
    if (this.known === '2.0') return 'as it is'
    if (this.#probing) return undefined
    this.#probing = true
    return 'probe'
  }

  /** The same, some time later; undefined where its turn did not come within `ms`, or it is cancelled. */
  turn(ms: number, cancellation: Cancellation): Promise<Way | undefined> {
    if (cancellation.cancelled) return Promise.resolve(undefined)
    return new Promise(resolve => {
      const end = (way: Way | undefined) => {
        clearTimeout(timer)
        cancellation.listen(undefined)
        this.#waiting.delete(end)
        resolve(way)
      }
      const timer = setTimeout(end, ms, undefined)
      cancellation.listen(() => end(undefined))
      this.#waiting.add(end)
    })
  }

  /** The probe is over. Where it proved nothing, the next one tries. */
  ended(): void {
    this.#probing = false
    for (const go of this.#waiting) {
      const way = this.way()
      if (way === undefined) return
      go(way)
    }
  }

  /**
   * Takes in the answer to a message of 2.0. Returns whether the store seems to lack 2.0, so that the same must go again
   * as 1.0; its answer to that goes to `answeredOne`.
   */
  answered({ verdict, reported }: WriteReply): boolean {
    if (this.#policy.choice !== 'auto') return false
    const { kind, status } = verdict
    if (status === 415) return true
    // Whatever the status: who counts what it wrote of 2.0 has read it as such.
    if (reported !== undefined || (kind === 'delivered' && this.#policy.omitsWritten)) {
      this.#learn('2.0')
      return false
    }
    // Stores without 2.0 answer 400 (Thanos, Mimir of a type they do not know), but so do stores with it, of bad data.
    if (status === 400) return this.known === undefined
    if (kind !== 'delivered' || this.#silent) return false
    // Prometheus 2.42 looks at no type, finds no series in what it reads as 1.0, and is content. A 202 is the answer of
    // Cortex and Mimir to an HA replica that is not elected (counted.ts): it must not cost a store of 2.0 its name.
    return !(status === 202 && this.known === '2.0')
  }

  /** Takes in what the store says to 1.0, having said `two` to the same as 2.0. Returns the answer that holds. */
  answeredOne(two: WriteReply, one: WriteReply): WriteReply {
    if (one.verdict.kind === 'delivered') this.#learn('1.0')
    if (one.verdict.status !== 415) return one
    // It takes neither, or takes 2.0 alone and does not count.
    if (two.verdict.kind === 'delivered') {
      this.#silent = true
      this.#learn('2.0')
    }
    return two
  }

  /** The store refuses 1.0. Where it was taken for one of 1.0 it is one no more. */
  refusesOne(): void {
    if (this.#known === '1.0') this.#known = undefined
  }

  #learn(protocol: Protocol): void {
    this.#known = protocol
    if (protocol === '1.0') {
      this.#silent = false
      const { reprobeMs } = this.#policy
      this.#until = reprobeMs === 0 ? Number.POSITIVE_INFINITY : this.#now() + reprobeMs
    }
  }
}
