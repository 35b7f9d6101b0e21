/** Everything between a split push and the store, made and joined: lanes, connections, breakers, the memo. */
import type { Config } from '../config/config.ts'
import { matcherOf } from '../config/shed-rule.ts'
import { Breaker } from '../lanes/breaker.ts'
import { createDeliver, type Deliver } from '../lanes/deliver.ts'
import { Departures } from '../lanes/departures.ts'
import type { LaneDependencies, LaneEvents, LanePolicy } from '../lanes/lane.ts'
import { Lanes, type LanesOptions } from '../lanes/lanes.ts'
import { Memo } from '../lanes/memo.ts'
import { Connections } from '../lanes/slots.ts'
import { createBodyOf } from '../remote-write/body.ts'
import type { Converted } from '../remote-write/convert.ts'
import type { MergeRequests } from '../remote-write/merge.ts'
import type { Protocol, Share } from '../remote-write/split.ts'
import { UpstreamProtocol } from '../remote-write/store-protocol.ts'
import type { TenantId } from '../tenant.ts'
import type { Upstream } from './upstream.ts'

export interface EgressOptions {
  readonly config: Config
  readonly upstream: Pick<Upstream, 'attempt' | 'route'>
  readonly events: LaneEvents
  readonly refused: LanesOptions['refused']
  readonly mergeRequests: MergeRequests
  /** Borrows the share. */
  readonly convert: (share: Share, to: Protocol, maxOutputBytes: number) => Converted
  /** Borrows the share. */
  readonly halve: LaneDependencies['halve']
  readonly now?: () => number
  readonly random?: () => number
}

export interface Egress {
  readonly deliver: Deliver
  readonly lanes: Lanes
  readonly connections: Connections
  readonly upstreamBreaker: Breaker
  readonly memo: Memo
  /** Knows what the next push is to be split into. */
  readonly protocol: UpstreamProtocol
  stop(): void
}

/** A store has many tenants, so it takes more failures in a row to say that it is down for all of them. */
const UPSTREAM_FAILURES = 4
const SWEEP_MS = 10_000

export function createEgress(options: EgressOptions): Egress {
  const { config, upstream, events, refused, mergeRequests, convert, halve } = options
  const { random = Math.random, now = () => performance.now() } = options
  const { lanes: limits, breaker } = config
  const max = config.egress.maxConnsPerHost
  const maxPerLane = Math.max(1, Math.floor((max * limits.maxConnectionsPercent) / 100))
  const connections = new Connections({ max, maxPerLane })
  const upstreamBreaker = new Breaker({ ...breaker, failures: breaker.failures * UPSTREAM_FAILURES }, now)
  const memo = new Memo(config.memo, now)
  const omitsWritten = config.egress.writtenHeaders === 'omitted'
  const { protocol: choice, protocolReprobeMs: reprobeMs } = config.egress
  const protocol = new UpstreamProtocol({ choice, reprobeMs, omitsWritten }, now)

  const policy: LanePolicy = { ...limits, retry: config.retry, breaker, shedAfterMs: undefined }
  const rules = config.shed.map(({ pattern, afterMs }) => ({ matches: matcherOf(pattern), afterMs }))
  const policyOf = (tenant: TenantId): LanePolicy => {
    const rule = rules.find(({ matches }) => matches(tenant))
    return rule === undefined ? policy : { ...policy, shedAfterMs: rule.afterMs }
  }
  const lanes = new Lanes({
    limits,
    policyOf,
    dependencies: {
      upstream,
      upstreamBreaker,
      connections,
      departures: new Departures(),
      protocol,
      convert: share => convert(share, '1.0', config.limits.maxSplitOutputBytes),
      turnMs: config.timeoutMs,
      omitsWritten,
      halve,
      bodyOf: createBodyOf(mergeRequests, config.egress.compression),
      events,
      now,
      random,
    },
    refused,
  })
  const sweeper = setInterval(() => {
    lanes.sweep()
    memo.sweep()
  }, SWEEP_MS)
  sweeper.unref()

  return {
    deliver: createDeliver({ lanes, now }),
    lanes,
    connections,
    upstreamBreaker,
    memo,
    protocol,
    stop: () => clearInterval(sweeper),
  }
}
