/** The keys of lanes: how much of one tenant is under way, how often it is tried, and when it is given up. */
import { key, list, section, type Values } from '../schema/key.ts'
import { boolean, duration, integer, labelName, shedRule, size } from '../schema/leaf.ts'

const KIB = 2 ** 10
const GIB = 2 ** 30

export const lanes = section(
  'Each tenant has a lane to the store: a queue, and requests in flight. Pushes that arrive meanwhile leave together.',
  {
    concurrency: key(
      integer(1, 1000),
      '4',
      'Most requests in flight for one tenant; the second and further ones only while full batches wait.',
    ),
    max_batch_series: key(
      integer(1, 1_000_000),
      '10000',
      'Most series that leave together, well below the burst that a store allows a tenant.',
      { as: 'maxBatchSeries' },
    ),
    max_batch_bytes: key(size(KIB, GIB), '8MiB', 'Most bytes that leave together, before compression.', {
      as: 'maxBatchBytes',
    }),
    max_queued_bytes: key(
      size(KIB, 64 * GIB),
      '64MiB',
      'Most bytes that wait for one tenant, before compression; pushes with more for it get 503.',
      { as: 'maxQueuedBytes' },
    ),
    linger: key(
      duration,
      '0s',
      'How long a share waits for others although nothing is in flight for its tenant.',
      { as: 'lingerMs' },
    ),
    max: key(integer(1, 1_000_000), '10000', 'Most lanes; pushes with series of further tenants get 503.'),
    max_new_per_second: key(
      integer(1, 1_000_000),
      '5000',
      'Most new lanes a second; pushes with series of further tenants get 503.',
      { as: 'maxNewPerSecond' },
    ),
    idle: key(duration, '1m', 'How long a lane without data is kept.', { as: 'idleMs' }),
    max_connections_percent: key(
      integer(1, 100),
      '25',
      'Most of max_conns_per_host that one tenant may use, so that one that hangs leaves room for the others.',
      { as: 'maxConnectionsPercent' },
    ),
    ha_labels: list(
      labelName,
      'Labels that name an HA pair and its replica: a store deduplicates a whole request by its first series, so only equal ones leave together.',
      { as: 'haLabels', items: 'cluster, __replica__, prometheus_replica, replica' },
    ),
  },
)

export const retry = section(
  'Attempts that follow a broken connection, 502, 503 or 504, within push_deadline.',
  {
    max_attempts: key(integer(1, 100), '3', 'Most attempts, the first one included.', { as: 'maxAttempts' }),
    min_backoff: key(
      duration,
      '50ms',
      'Wait before the second attempt; it doubles from there, and half of it is chance.',
      { as: 'minBackoffMs' },
    ),
    max_backoff: key(duration, '1s', 'Longest such wait.', { as: 'maxBackoffMs' }),
  },
)

export const breaker = section(
  'Stops attempts at a store that fails again and again for a tenant; pushes get 503 at once.',
  {
    failures: key(integer(0, 1_000_000), '5', 'Failures in a row that open it; 0 means never.'),
    cooldown: key(duration, '2s', 'How long it stays open before one attempt probes the store.', {
      as: 'cooldownMs',
    }),
  },
)

export const memo = section(
  'Remembers which tenants of a failed push are served, so that its retry reaches only the others.',
  {
    enabled: key(boolean, 'true', 'Whether anything is remembered.'),
    ttl: key(duration, '5m', 'For how long.', { as: 'ttlMs' }),
    max_bytes: key(size(0, 64 * GIB), '16MiB', 'Most memory for it; the oldest is forgotten first.', {
      as: 'maxBytes',
    }),
  },
)

export const tenantFailure = section(
  'What becomes of a tenant’s data while the store fails for it. By default its senders keep it.',
  {
    shed: list(
      shedRule,
      'Tenants whose data is given up when the store has failed for them for so long, as `dev-*=5m`: senders get 400 and go on. Loses data.',
    ),
  },
  '.',
)

/** Without memory, nothing is remembered. */
export function resolveMemo({ enabled, ttlMs, maxBytes }: Values<(typeof memo)['keys']>) {
  return { ttlMs, maxBytes: enabled ? maxBytes : 0 }
}
