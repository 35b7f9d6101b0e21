/** One gauge for each thing that can fill up, and one for its limit, whose help is the limit's key in the configuration. */

import type { Config } from '../config/config.ts'
import type { Gate } from '../limits/gate.ts'
import type { Pressure } from '../limits/pressure.ts'
import type { MetadataRouter } from '../remote-write/metadata/router.ts'
import type { Splitter } from '../remote-write/splitter.ts'
import type { Egress } from '../upstream/egress.ts'
import type { Metrics } from './metrics.ts'

export interface Gauged {
  readonly config: Config
  readonly gate: Gate
  readonly pressure: Pressure
  readonly egress: Egress
  readonly splitter: Splitter
  readonly metadata: MetadataRouter
}

export function registerGauges(
  metrics: Metrics,
  { config, gate, pressure, egress, splitter, metadata }: Gauged,
): void {
  const { lanes, connections, memo, upstreamBreaker, protocol } = egress
  const bounded = (name: string, help: string, read: () => number, key: string, limit: number) => {
    metrics.gauge(name, help, read)
    metrics.gauge(`${name}_limit`, key, () => limit)
  }
  const { limits } = config

  bounded(
    'in_flight_pushes',
    'Pushes taken in and not answered.',
    () => gate.pushes,
    'concurrency',
    config.concurrency,
  )
  bounded(
    'in_flight_bytes',
    'Bytes charged for pushes in flight.',
    () => gate.bytes,
    'limits.max_in_flight_bytes',
    limits.maxInFlightBytes,
  )
  bounded(
    'memory_ratio',
    'Resident memory, of what the process may use.',
    () => pressure.memoryRatio,
    'admission.max_memory_percent, divided by 100',
    config.admission.maxMemoryPercent / 100,
  )
  bounded(
    'event_loop_delay_seconds',
    'Delay of the event loop, 99th percentile of the last second.',
    () => pressure.eventLoopDelayMs / 1000,
    'admission.max_event_loop_delay',
    config.admission.maxEventLoopDelayMs / 1000,
  )
  metrics.gauge('split_waiting', 'Pushes that wait for a thread.', () => splitter.waiting)

  bounded('lanes', 'Tenants with a lane.', () => lanes.size, 'lanes.max', config.lanes.max)
  metrics.gauge('lanes_queued_shares', 'Shares that wait in lanes.', () => lanes.queuedShares)
  metrics.gauge(
    'lanes_queued_bytes',
    'Bytes that wait in lanes, before compression.',
    () => lanes.queuedBytes,
  )
  metrics.gauge(
    'lanes_queued_bytes_per_lane_limit',
    'lanes.max_queued_bytes',
    () => config.lanes.maxQueuedBytes,
  )
  metrics.gauge('lanes_in_flight', 'Batches under way, their retries included.', () => lanes.inFlight)
  metrics.gauge('breakers_open', 'Tenants whose breaker is open.', () => lanes.breakersOpen)
  metrics.gauge('upstream_breaker_open', '1 while the store as a whole is taken for down.', () =>
    upstreamBreaker.open ? 1 : 0,
  )
  metrics.gauge(
    'upstream_protocol',
    'Remote write that the store is known to speak, 1 or 2; 0 while it is unproven, or nobody asks.',
    () => Number(protocol.known ?? 0),
  )
  metrics.gauge(
    'upstream_turns_waiting',
    'Requests of 2.0 that wait for one that proves the store.',
    () => protocol.waiting,
  )
  bounded(
    'upstream_connections',
    'Connections to the store in use.',
    () => connections.taken,
    'max_conns_per_host',
    connections.limits.max,
  )
  metrics.gauge(
    'upstream_connections_per_lane_limit',
    'lanes.max_connections_percent',
    () => connections.limits.maxPerLane,
  )
  metrics.gauge(
    'upstream_connections_waiting',
    'Requests that wait for a connection.',
    () => connections.waiting,
  )
  bounded(
    'memo_bytes',
    'Memory of the retry memo, estimated.',
    () => memo.bytes,
    'memo.max_bytes',
    config.memo.maxBytes,
  )
  metrics.gauge('memo_pushes', 'Failed pushes in the retry memo.', () => memo.size)

  bounded(
    'metadata_senders',
    'Senders whose tenants and families are remembered.',
    () => metadata.senders,
    'metadata.max_senders',
    config.metadata.maxSenders,
  )
  metrics.gauge(
    'metadata_families',
    'Families remembered, each once for each sender and tenant.',
    () => metadata.families,
  )
  metrics.gauge(
    'metadata_families_per_sender_limit',
    'metadata.max_families',
    () => config.metadata.maxFamilies,
  )
  bounded(
    'metadata_waiting',
    'Metadata entries that wait for a series of their family.',
    () => metadata.waiting,
    'metadata.max_waiting',
    config.metadata.maxWaiting,
  )
  bounded(
    'metadata_waiting_bytes',
    'Bytes of these.',
    () => metadata.waitingBytes,
    'metadata.max_waiting_bytes',
    config.metadata.maxWaitingBytes,
  )
  bounded(
    'metadata_sent',
    'Families of tenants known to have been sent to a store of 1.0 within metadata.interval.',
    () => metadata.sent,
    'metadata.max_sent',
    config.metadata.maxSent,
  )
}
