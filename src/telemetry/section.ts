/** The keys of what Sluice says of itself. */
import { key, section } from '../schema/key.ts'
import { address, boolean, integer, logLevel, oneOf, text } from '../schema/leaf.ts'

export const listenMetricsAddress = key(address, '0.0.0.0:9090', 'Where /metrics is served.', {
  as: 'listenMetrics',
  restart: true,
  ct: 'CT_LISTEN_METRICS_ADDRESS',
  zeroIsUnset: true,
})

export const listenPprof = key(
  text,
  '',
  'Accepted for cortex-tenant’s sake; there is no profiling port, and a value only gives a warning.',
  { as: 'listenPprof', ct: 'CT_LISTEN_PPROF' },
)

export const metricsIncludeTenant = key(boolean, 'false', 'Whether metrics carry the tenant as a label.', {
  as: 'metrics.includeTenant',
  restart: true,
  ct: 'CT_METRICS_INCLUDE_TENANT',
})

export const logged = key(
  logLevel,
  'warn',
  'What is logged: fatal (or panic), error, warn, info, debug or trace, each with all before it.',
  { as: 'log.level', ct: 'CT_LOG_LEVEL', zeroIsUnset: true },
)

export const logResponseErrors = key(
  boolean,
  'false',
  'Whether a push that the store itself refused is logged as an error.',
  { as: 'log.responseErrors', ct: 'CT_LOG_RESPONSE_ERRORS' },
)

export const metrics = section('What /metrics shows.', {
  max_tenants: key(
    integer(0, 1_000_000),
    '1000',
    'Most tenants with a label of their own; the others share `__other__`.',
    { as: 'maxTenants', restart: true },
  ),
  compatibility: key(
    oneOf('none', 'cortex_tenant'),
    'none',
    'Whether cortex-tenant’s metric names are served as well.',
    { restart: true },
  ),
})

export const log = section('What the log looks like.', {
  format: key(
    oneOf('auto', 'json', 'pretty'),
    'auto',
    'JSON, or text for people; `auto` is text on a terminal.',
    { restart: true },
  ),
})
