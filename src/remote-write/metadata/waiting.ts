/** Entries of metadata that wait until a series of their family is seen. The room for them is one for all senders. */
import type { MetadataEntry } from '../split.ts'

export interface WaitingPolicy {
  readonly maxWaiting: number
  readonly maxWaitingBytes: number
  readonly waitMs: number
}

/** Why an entry waits no more, or never did, other than that it goes out. */
export type WaitEnd = 'unknown' | 'full' | 'replaced'

export interface WaitingEntry extends MetadataEntry {
  /** When the first entry of its family came here: a newer one does not make it wait longer. */
  readonly since: number
}

export class WaitingRoom {
  readonly policy: WaitingPolicy
  /** Counts an entry that waits no more, or never did. */
  readonly dropped: (reason: WaitEnd) => void
  #entries = 0
  #bytes = 0

  constructor(policy: WaitingPolicy, dropped: (reason: WaitEnd) => void) {
    this.policy = policy
    this.dropped = dropped
  }

  get entries(): number {
    return this.#entries
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Answers false, having counted it, where an entry of so many bytes finds no room. */
  enter(bytes: number): boolean {
    const { maxWaiting, maxWaitingBytes } = this.policy
    if (this.#entries + 1 > maxWaiting || this.#bytes + bytes > maxWaitingBytes) {
      this.dropped('full')
      return false
    }
    this.#entries++
    this.#bytes += bytes
    return true
  }

  leave(bytes: number): void {
    this.#entries--
    this.#bytes -= bytes
  }
}

/** Those of one sender. */
export class Waiting {
  readonly #room: WaitingRoom
  /** One for each family. */
  readonly #entries: Map<string, WaitingEntry> = new Map()

  constructor(room: WaitingRoom) {
    this.#room = room
  }

  get size(): number {
    return this.#entries.size
  }

  /** The newest of a family waits, in the place of the one before. */
  add(entry: MetadataEntry, now: number): void {
    const before = this.take(entry.family)
    if (before !== undefined) this.#room.dropped('replaced')
    const { length } = entry.record
    if (!this.#room.enter(length)) return
    // A copy, because a record holds the memory of its whole push.
    const record = new Uint8Array(entry.record)
    this.#entries.set(entry.family, { family: entry.family, record, since: before?.since ?? now })
  }

  /** An entry that went out and was not stored; a newer one of its family stays. */
  putBack(entry: WaitingEntry): void {
    if (this.#entries.has(entry.family)) this.#room.dropped('replaced')
    else if (this.#room.enter(entry.record.length)) this.#entries.set(entry.family, entry)
  }

  take(family: string): WaitingEntry | undefined {
    const entry = this.#entries.get(family)
    if (entry === undefined) return undefined
    this.#entries.delete(family)
    this.#room.leave(entry.record.length)
    return entry
  }

  has(family: string): boolean {
    return this.#entries.has(family)
  }

  families(): readonly string[] {
    return [...this.#entries.keys()]
  }

  /** Drops those whose time is over. */
  sweep(now: number): void {
    for (const { family, since } of this.#entries.values()) {
      if (now - since >= this.#room.policy.waitMs) this.#drop(family)
    }
  }

  /** Drops all: their sender is forgotten. */
  clear(): void {
    for (const family of this.families()) this.#drop(family)
  }

  #drop(family: string): void {
    this.take(family)
    this.#room.dropped('unknown')
  }
}
