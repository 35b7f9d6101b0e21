/** How far the process is from what it refuses at. */
import type { Gauge } from '../gauge.ts'
import type { Account } from './accounts.ts'
import type { Pressure } from './pressure.ts'

export function gaugesOf(account: Account, pressure: Pressure): readonly Gauge[] {
  return [
    {
      name: 'in_flight_pushes',
      help: 'Pushes taken in and not answered.',
      read: () => account.pushes,
      limit: { key: 'concurrency', read: () => account.limits.maxPushes },
    },
    {
      name: 'in_flight_bytes',
      help: 'Bytes charged for pushes in flight.',
      read: () => account.bytes,
      limit: { key: 'limits.max_in_flight_bytes', read: () => account.limits.maxBytes },
    },
    {
      name: 'memory_ratio',
      help: 'Resident memory, of what the process may use.',
      read: () => pressure.memoryRatio,
      limit: {
        key: 'admission.max_memory_percent, divided by 100',
        read: () => pressure.limits.maxMemoryPercent / 100,
      },
    },
    {
      name: 'event_loop_delay_seconds',
      help: 'Delay of the event loop, 99th percentile of the last second.',
      read: () => pressure.eventLoopDelayMs / 1000,
      limit: {
        key: 'admission.max_event_loop_delay',
        read: () => pressure.limits.maxEventLoopDelayMs / 1000,
      },
    },
  ]
}
