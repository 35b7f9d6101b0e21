/**
 * The one place that says what is "the same sender". Made of the head of a push and carried to its end: memo, quarantine,
 * merging, the memory of metadata, logs and metrics ask here and nowhere else.
 */
import type { Quarantine } from '../lanes/quarantine.ts'
import type { Principal } from './principal.ts'

interface Asked {
  readonly principal: Principal
  /**
   * Behind a load balancer all senders have one, and one sender may have several: it is for limits and logs, and never
   * proof that two pushes have one sender.
   */
  readonly address: string
  /** The path that the push came by, as a route of the configuration knows it. */
  readonly route: string
  /** Stands before every tenant, where the sender may choose it. */
  readonly prefix: string | undefined
  /** Values of the headers that go on to the store because the configuration names them. */
  readonly forwarded: string
  /** What is held against this sender: its principal's, or where it has none its connection's. */
  readonly quarantine: Quarantine
}

export class Identity {
  readonly principal: Principal
  readonly address: string
  readonly route: string
  readonly quarantine: Quarantine
  /** Shares of pushes with different ones never share a request. */
  readonly mergeKey: string
  readonly #prefix: string
  readonly #forwarded: string

  constructor({ principal, address, route, prefix = '', forwarded, quarantine }: Asked) {
    this.principal = principal
    this.address = address
    this.route = route
    this.quarantine = quarantine
    // Nobody's common case makes no string.
    this.mergeKey = principal.by === 'nobody' ? forwarded : `${principal.name}\0${forwarded}`
    this.#prefix = prefix
    this.#forwarded = forwarded
  }

  // Made when they are asked for, which most pushes never are.

  /** Who may get the same outcome for the same bytes; a part of the memo's scope. */
  get memoScope(): string {
    const { name, by } = this.principal
    return [by, name, this.route, this.#prefix, this.#forwarded].join('\0')
  }

  /** Whose metadata it is: a sender's connections have it in common, and by another path it is for other stores. */
  get metadataKey(): string {
    const { name, by } = this.principal
    return `${by === 'nobody' ? this.address : name} ${this.#prefix} ${this.route}`
  }
}
