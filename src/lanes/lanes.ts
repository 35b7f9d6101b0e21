/**
 * All lanes: finds or opens the one of a tenant, and forgets those that are idle. Their number is what data controls, so
 * it is bounded, and so is how fast it grows.
 */

import { localVerdict } from '../share/verdict.ts'
import type { TenantId } from '../tenant.ts'
import { Lane, type LaneDependencies, type LanePolicy } from './lane.ts'
import type { QueuedShare } from './shipment.ts'

export interface LanesLimits {
  readonly max: number
  /** New lanes a second; as many may come at once after a quiet second. */
  readonly maxNewPerSecond: number
  /** How long a lane without shares is kept, with what it learned of its tenant. */
  readonly idleMs: number
}

export interface LanesOptions {
  readonly limits: LanesLimits
  /** The policy may depend on the tenant. */
  readonly policyOf: (tenant: TenantId) => LanePolicy
  readonly dependencies: LaneDependencies
  readonly refused: (limit: 'lanes.max' | 'lanes.max_new_per_second') => void
}

/** A look through all lanes costs a quarter of a millisecond, and a push may bring thousands that find no room. */
const MAKE_ROOM_MS = 100

export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes: Map<TenantId, Lane> = new Map()
  #allowance: number
  #allowedAt: number
  #madeRoomAt = Number.NEGATIVE_INFINITY

  constructor(options: LanesOptions) {
    this.#options = options
    this.#allowance = options.limits.maxNewPerSecond
    this.#allowedAt = options.dependencies.now()
  }

  get size(): number {
    return this.#lanes.size
  }

  get queuedShares(): number {
    return this.#sum(lane => lane.queuedShares)
  }

  get queuedBytes(): number {
    return this.#sum(lane => lane.queuedBytes)
  }

  get inFlight(): number {
    return this.#sum(lane => lane.inFlight)
  }

  get breakersOpen(): number {
    return this.#sum(lane => (lane.breakerOpen ? 1 : 0))
  }

  /** Whether anything waits or is under way. */
  get busy(): boolean {
    for (const lane of this.#lanes.values()) if (lane.queuedShares > 0 || lane.inFlight > 0) return true
    return false
  }

  push(queued: QueuedShare): void {
    const { tenant } = queued.share
    const lane = this.#lanes.get(tenant) ?? this.#open(tenant)
    if (typeof lane !== 'string') {
      lane.push(queued)
      return
    }
    this.#options.refused(lane)
    queued.settle(localVerdict(`too many tenants at once (${lane})`))
  }

  #open(tenant: TenantId): Lane | 'lanes.max' | 'lanes.max_new_per_second' {
    const { limits, policyOf, dependencies } = this.#options
    const now = dependencies.now()
    if (this.#lanes.size >= limits.max) {
      if (now - this.#madeRoomAt >= MAKE_ROOM_MS) {
        this.#madeRoomAt = now
        this.sweep(0)
      }
      if (this.#lanes.size >= limits.max) return 'lanes.max'
    }
    const earned = ((now - this.#allowedAt) / 1000) * limits.maxNewPerSecond
    this.#allowance = Math.min(limits.maxNewPerSecond, this.#allowance + earned)
    this.#allowedAt = now
    if (this.#allowance < 1) return 'lanes.max_new_per_second'
    this.#allowance--
    const lane = new Lane(tenant, policyOf(tenant), dependencies)
    this.#lanes.set(tenant, lane)
    return lane
  }

  /** Forgets lanes that have been idle for so long. */
  sweep(idleMs: number = this.#options.limits.idleMs): void {
    for (const [tenant, lane] of this.#lanes) {
      if (lane.isForgettable(idleMs)) this.#lanes.delete(tenant)
    }
  }

  #sum(of: (lane: Lane) => number): number {
    let sum = 0
    for (const lane of this.#lanes.values()) sum += of(lane)
    return sum
  }
}
