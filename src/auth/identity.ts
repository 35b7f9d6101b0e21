/**
 * The one place that says what is "the same sender". Made of the head of a push and carried to its end: memo, quarantine,
 * merging, the memory of metadata, logs and metrics ask here and nowhere else.
 */
import type { Quarantine } from '../lanes/quarantine.ts'
import type { Principal } from './principal.ts'

export interface Identity {
  readonly principal: Principal
  /**
   * Behind a load balancer all senders have one, and one sender may have several: it is for limits and logs, and never
   * proof that two pushes have one sender.
   */
  readonly address: string
  /** The path that the push came by, as a route of the configuration knows it. */
  readonly route: string
  /** Who may get the same outcome for the same bytes; a part of the memo's scope. */
  readonly memoScope: string
  /** Shares of pushes with different ones never share a request. */
  readonly mergeKey: string
  /** Whose metadata it is: a sender's connections have it in common. */
  readonly metadataKey: string
  /** What is held against this sender: its principal's, or where it has none its connection's. */
  readonly quarantine: Quarantine
}

interface Asked {
  readonly principal: Principal
  readonly address: string
  readonly route: string
  /** Stands before every tenant, where the sender may choose it. */
  readonly prefix: string | undefined
  /** Values of the headers that go on to the store because the configuration names them. */
  readonly forwarded: string
  readonly quarantine: Quarantine
}

export function identify({ principal, address, route, prefix = '', forwarded, quarantine }: Asked): Identity {
  const { name, by } = principal
  return {
    principal,
    address,
    route,
    memoScope: `${by}\0${name}\0${route}\0${prefix}\0${forwarded}`,
    // Nobody's common case makes no string.
    mergeKey: by === 'nobody' ? forwarded : `${name}\0${forwarded}`,
    metadataKey: `${by === 'nobody' ? address : name} ${prefix}`,
    quarantine,
  }
}
