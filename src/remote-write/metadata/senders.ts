/**
 * What is remembered of senders. A sender is an address and a prefix, not a connection: a Prometheus sends its metadata
 * over another connection than most of its series, and opens new ones all the time.
 */
import { FamilyMemory, type FamilyMemoryPolicy } from './family-memory.ts'
import { Waiting, type WaitingRoom } from './waiting.ts'

export interface SendersPolicy extends FamilyMemoryPolicy {
  readonly maxSenders: number
}

export interface MetadataSender {
  readonly families: FamilyMemory
  readonly waiting: Waiting
  /** Families that are known and wait all the same: their entries went out and were not stored. */
  readonly returned: Set<string>
  seenAt: number
}

export class Senders {
  readonly #policy: SendersPolicy
  readonly #room: WaitingRoom
  /** The one that was silent the longest first. */
  readonly #senders: Map<string, MetadataSender> = new Map()

  constructor(policy: SendersPolicy, room: WaitingRoom) {
    this.#policy = policy
    this.#room = room
  }

  get size(): number {
    return this.#senders.size
  }

  /** Families of all senders, each once for each of its tenants. */
  get families(): number {
    let sum = 0
    for (const { families } of this.#senders.values()) sum += families.size
    return sum
  }

  /** The sender of that name, which is here now. */
  seen(name: string, now: number): MetadataSender {
    let sender = this.#senders.get(name)
    if (sender === undefined) {
      const [silent] = this.#senders
      if (silent !== undefined && this.#senders.size >= this.#policy.maxSenders) this.#forget(...silent)
      const families = new FamilyMemory(this.#policy, now)
      sender = { families, waiting: new Waiting(this.#room), returned: new Set(), seenAt: now }
    } else {
      this.#senders.delete(name)
    }
    sender.seenAt = now
    sender.families.turn(now)
    this.#senders.set(name, sender)
    return sender
  }

  /** Whether it is still the one that is remembered by that name. */
  knows(name: string, sender: MetadataSender): boolean {
    return this.#senders.get(name) === sender
  }

  sweep(now: number): void {
    for (const [name, sender] of this.#senders) {
      if (now - sender.seenAt >= this.#policy.rememberMs) this.#forget(name, sender)
      else sender.waiting.sweep(now)
    }
  }

  #forget(name: string, { waiting }: MetadataSender): void {
    waiting.clear()
    this.#senders.delete(name)
  }
}
