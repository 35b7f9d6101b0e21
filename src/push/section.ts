/** The keys of one push: how long it may take, and what its sender is told. */
import { key } from '../schema/key.ts'
import { duration, oneOf } from '../schema/leaf.ts'

export const pushDeadline = key(
  duration,
  '25s',
  'Longest time for one push, retries at the store included; below a Prometheus’s own 30s, so that it hears our answer.',
  { as: 'pushDeadlineMs' },
)

export const on429 = key(
  oneOf('pass', 'retry'),
  'pass',
  'What the sender gets when the store throttles a tenant: that 429 (a default Prometheus drops the data), or 503 so that it tries again.',
  { as: 'on429' },
)

export const onUpstreamRefusal = key(
  oneOf('pass', 'retry'),
  'retry',
  'What the sender gets when the store refuses us with 401, 403, 404, 405 or 415: 503 until the configuration is put right, or (`pass`) 400 and the data is gone.',
  { as: 'onUpstreamRefusal' },
)

export const retryAfterMax = key(
  duration,
  '10s',
  'Longest Retry-After that is passed on; a Prometheus shard obeys any value.',
  { as: 'retryAfterMaxMs' },
)
