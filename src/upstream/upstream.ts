/**
 * One store, and all that is known of it: its lanes, connections, breaker, protocol and credentials. Several may exist, and
 * share nothing. One outlives a generation whose successor has the same section, and is drained when nobody holds it.
 */
import { every } from '../clock.ts'
import type { Gauge } from '../gauge.ts'
import { Breaker, type BreakerPolicy } from '../lanes/breaker.ts'
import { Departures } from '../lanes/departures.ts'
import type { LaneEvents, LanePolicy } from '../lanes/lane.ts'
import { Lanes, type LanesLimits, type LanesOptions } from '../lanes/lanes.ts'
import type { Destination, QueuedShare } from '../lanes/shipment.ts'
import type { StoreLane } from '../lanes/side.ts'
import { Slots } from '../lanes/slots.ts'
import type { Dialect } from '../protocol.ts'
import type { FollowedFile } from '../schema/followed-file.ts'
import type { TenantId } from '../tenant.ts'

export interface UpstreamPolicy {
  readonly lanes: LanesLimits & Omit<LanePolicy, 'retry' | 'breaker' | 'shedAfterMs'>
  readonly retry: LanePolicy['retry']
  readonly breaker: BreakerPolicy
  readonly maxConnections: number
  /** Of these, for one tenant. */
  readonly maxConnectionsPercent: number
  /** How long the store may fail for a tenant before its shares are given up; undefined leaves them with their senders. */
  readonly shedAfterMs: (tenant: TenantId) => number | undefined
}

export interface UpstreamOptions<D extends Dialect = Dialect> {
  readonly name: string
  /** Tells it from what had its name before. */
  readonly id: string
  /** What it holds may change while it is open. */
  readonly files?: readonly FollowedFile[]
  readonly policy: UpstreamPolicy
  readonly store: { lane(tenant: TenantId): StoreLane } & AsyncDisposable
  readonly dialect: D
  readonly events: LaneEvents
  readonly refused: LanesOptions['refused']
  readonly now?: () => number
  readonly random?: () => number
}

/** A store has many tenants, so it takes more failures in a row to say that it is down for all of them. */
const STORE_FAILURES = 4
const SWEEP_MS = 10_000
const DRAIN_LOOK_MS = 50

export class Upstream<D extends Dialect = Dialect> implements Destination, AsyncDisposable {
  readonly name: string
  readonly id: string
  readonly dialect: D
  readonly files: readonly FollowedFile[]
  readonly lanes: Lanes
  readonly slots: Slots
  readonly breaker: Breaker
  readonly gauges: readonly Gauge[]
  readonly #store: AsyncDisposable
  readonly #sweeper: Disposable

  constructor(options: UpstreamOptions<D>) {
    const { policy, dialect, store, events, refused } = options
    const { now = () => performance.now(), random = Math.random } = options
    const max = policy.maxConnections
    this.name = options.name
    this.id = options.id
    this.dialect = dialect
    this.files = options.files ?? []
    this.#store = store
    this.slots = new Slots({
      max,
      maxPerLane: Math.max(1, Math.floor((max * policy.maxConnectionsPercent) / 100)),
    })
    this.breaker = new Breaker({ ...policy.breaker, failures: policy.breaker.failures * STORE_FAILURES }, now)
    const usual: LanePolicy = {
      ...policy.lanes,
      retry: policy.retry,
      breaker: policy.breaker,
      shedAfterMs: undefined,
    }
    this.lanes = new Lanes({
      limits: policy.lanes,
      policyOf: tenant => {
        const shedAfterMs = policy.shedAfterMs(tenant)
        return shedAfterMs === undefined ? usual : { ...usual, shedAfterMs }
      },
      dependencies: {
        dialect,
        storeOf: tenant => store.lane(tenant),
        storeBreaker: this.breaker,
        slots: this.slots,
        departures: new Departures(),
        events,
        now,
        random,
      },
      refused,
    })
    this.gauges = [...this.#ownGauges(policy), ...dialect.gauges]
    this.#sweeper = every(SWEEP_MS, () => this.lanes.sweep())
  }

  push(queued: QueuedShare): void {
    this.lanes.push(queued)
  }

  /** Resolves when nothing is on its way here any more, or the time is over. */
  async drained(ms: number): Promise<void> {
    for (let left = ms; left > 0 && this.lanes.busy; left -= DRAIN_LOOK_MS) {
      await new Promise(resolve => setTimeout(resolve, DRAIN_LOOK_MS))
    }
  }

  /** Ends every connection now. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweeper[Symbol.dispose]()
    await this.#store[Symbol.asyncDispose]()
  }

  #ownGauges({ lanes: limits }: UpstreamPolicy): readonly Gauge[] {
    const { lanes, slots, breaker } = this
    return [
      {
        name: 'lanes',
        help: 'Tenants with a lane.',
        read: () => lanes.size,
        limit: { key: 'lanes.max', read: () => limits.max },
      },
      { name: 'lanes_queued_shares', help: 'Shares that wait in lanes.', read: () => lanes.queuedShares },
      {
        name: 'lanes_queued_bytes',
        help: 'Bytes that wait in lanes, before compression.',
        read: () => lanes.queuedBytes,
        limit: {
          name: 'lanes_queued_bytes_per_lane_limit',
          key: 'lanes.max_queued_bytes',
          read: () => limits.maxQueuedBytes,
        },
      },
      {
        name: 'lanes_in_flight',
        help: 'Batches under way, their retries included.',
        read: () => lanes.inFlight,
      },
      { name: 'breakers_open', help: 'Tenants whose breaker is open.', read: () => lanes.breakersOpen },
      {
        name: 'upstream_breaker_open',
        help: '1 while the store as a whole is taken for down.',
        read: () => (breaker.open ? 1 : 0),
        state: true,
      },
      {
        name: 'upstream_connections',
        help: 'Connections to the store in use.',
        read: () => slots.taken,
        limit: { key: 'max_conns_per_host', read: () => slots.limits.max },
      },
      {
        name: 'upstream_connections_waiting',
        help: 'Requests that wait for a connection.',
        read: () => slots.waiting,
        limit: {
          name: 'upstream_connections_per_lane_limit',
          key: 'lanes.max_connections_percent',
          read: () => slots.limits.maxPerLane,
        },
      },
    ]
  }
}
