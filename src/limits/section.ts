/** The keys of limits: what one push, and all pushes together, may take. */
import { key, section } from '../schema/key.ts'
import { duration, integer, size } from '../schema/leaf.ts'

const KIB = 2 ** 10
const GIB = 2 ** 30

export const concurrency = key(integer(0, 1_000_000), '512', 'Most pushes in flight; further ones get 503.', {
  ct: 'CT_CONCURRENCY',
  zeroIsUnset: true,
})

export const limits = section('What one push, and all pushes together, may take.', {
  max_body: key(size(KIB, GIB), '8MiB', 'Largest body as it arrives, compressed; a larger one gets 413.', {
    as: 'maxBodyBytes',
  }),
  max_decoded: key(
    size(KIB, 2 * GIB),
    '32MiB',
    'Largest body after decompression; one that claims more gets 400.',
    { as: 'maxDecodedBytes' },
  ),
  max_split_output: key(
    size(KIB, 2 * GIB),
    '128MiB',
    'Most bytes of all shares of a push before compression; only the symbol tables of 2.0 make this more than what came in.',
    { as: 'maxSplitOutputBytes' },
  ),
  max_series: key(
    integer(1, 10_000_000),
    '262144',
    'Most series and metadata entries in a push; one with more gets 400.',
    { as: 'maxSeries' },
  ),
  max_tenants_per_push: key(
    integer(1, 100_000),
    '2000',
    'Most tenants in a push; series of further ones are rejected and the rest is delivered.',
    { as: 'maxTenantsPerPush' },
  ),
  max_in_flight_bytes: key(
    size(KIB, 64 * GIB),
    '256MiB',
    'Most bytes that pushes in flight hold: bodies, what splitting takes for a moment, and shares; further ones get 503.',
    { as: 'maxInFlightBytes' },
  ),
})

export const admission = section(
  'When pushes are refused with 503, beside concurrency and limits.max_in_flight_bytes.',
  {
    max_memory_percent: key(
      integer(0, 100),
      '85',
      'Most of the memory that the process may use, by its container’s limit or the machine; 0 switches it off.',
      { as: 'maxMemoryPercent' },
    ),
    max_event_loop_delay: key(
      duration,
      '1s',
      'Longest delay of the event loop, as the 99th percentile of the last second; 0 switches it off.',
      { as: 'maxEventLoopDelayMs' },
    ),
  },
)
