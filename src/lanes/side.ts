/** A lane as its courier sees it: attempts that are timed, counted, and told to whoever learns from them. */
import type { LaneSide, Reply, StoreRequest, Trip } from '../protocol.ts'
import type { Verdict } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import type { Health } from './health.ts'
import type { LaneEvents } from './lane.ts'
import type { Claim, Slots } from './slots.ts'

/** One request to the store. */
export interface AttemptReport {
  readonly tenant: TenantId
  readonly seconds: number
  readonly verdict: Verdict
  /** How many shares it carried. */
  readonly shares: number
}

/** One tenant at the store. It never rejects: whatever happens is a verdict. */
export type StoreLane = (request: StoreRequest, trip: Trip) => Promise<Reply>

interface SideOptions {
  readonly tenant: TenantId
  readonly store: StoreLane
  readonly health: Health
  readonly slots: Slots
  readonly claim: Claim
  readonly events: LaneEvents
  readonly now: () => number
}

export class Side implements LaneSide {
  readonly health: Health
  readonly #options: SideOptions

  constructor(options: SideOptions) {
    this.#options = options
    this.health = options.health
  }

  /** No async function: all requests come through here, and `then` makes fewer objects for each. */
  attempt(request: StoreRequest, trip: Trip, shares: number): Promise<Reply> {
    const { tenant, store, events, now } = this.#options
    const trials = this.health.attempting()
    const started = now()
    return store(request, trip).then(reply => {
      const { verdict } = reply
      events.attempted({ tenant, seconds: (now() - started) / 1000, verdict, shares })
      if (this.health.attempted(verdict, trials)) events.happened('breaker_opened')
      return reply
    })
  }

  unanswered(verdict: Verdict): void {
    if (this.health.attempted(verdict, this.health.attempting()))
      this.#options.events.happened('breaker_opened')
  }

  async withoutSlot<T>(wait: () => Promise<T>): Promise<T> {
    const { slots, claim } = this.#options
    slots.give(claim)
    try {
      return await wait()
    } finally {
      await new Promise<void>(resolve => slots.take(claim, resolve))
    }
  }
}
