/**
 * The one table of all keys: name, type, default, sentence, and cortex-tenant's variable where it has that key. The file,
 * the environment, the reference page, the JSON Schema and `config/sluice.yaml` all come from here.
 */
import { type Key, key, list, optional, type Section, section } from './key.ts'
import {
  address,
  boolean,
  duration,
  headerName,
  integer,
  labelName,
  logLevel,
  metadataSwitch,
  oneOf,
  secret,
  shedRule,
  size,
  target,
  text,
  unusedUrl,
} from './leaf.ts'

const KIB = 2 ** 10
const GIB = 2 ** 30

export const SCHEMA = section('Where Sluice listens, where it writes to, and how patient it is.', {
  listen: key(address, '127.0.0.1:8081', 'Where pushes come in.', { ct: 'CT_LISTEN', zeroIsUnset: true }),
  listen_metrics_address: key(address, '0.0.0.0:9090', 'Where /metrics is served.', {
    ct: 'CT_LISTEN_METRICS_ADDRESS',
    zeroIsUnset: true,
  }),
  listen_pprof: key(
    text,
    '',
    'Accepted for cortex-tenant’s sake; there is no profiling port, and a value only gives a warning.',
    { ct: 'CT_LISTEN_PPROF' },
  ),
  metrics_include_tenant: key(boolean, 'false', 'Whether metrics carry the tenant as a label.', {
    ct: 'CT_METRICS_INCLUDE_TENANT',
  }),
  target: optional(
    target,
    'must be given',
    'URL of the store; each `{tenant}` in its path is replaced by the tenant, and then no tenant header is sent unless `tenant.header` is written.',
    { ct: 'CT_TARGET', zeroIsUnset: true },
  ),
  target_loki: key(
    unusedUrl,
    '',
    'Accepted for cortex-tenant’s sake; Loki pushes are answered with 501, and a value only gives a warning.',
    { ct: 'CT_TARGET_LOKI' },
  ),
  enable_ipv6: key(boolean, 'false', 'Whether the store may also be reached over IPv6.', {
    ct: 'CT_ENABLE_IPV6',
  }),
  log_level: key(
    logLevel,
    'warn',
    'What is logged: fatal (or panic), error, warn, info, debug or trace, each with all before it.',
    { ct: 'CT_LOG_LEVEL', zeroIsUnset: true },
  ),
  log_response_errors: key(
    boolean,
    'false',
    'Whether a push that the store itself refused is logged as an error.',
    { ct: 'CT_LOG_RESPONSE_ERRORS' },
  ),
  timeout: key(
    duration,
    '10s',
    'Longest time to read a push, and longest time for one attempt at the store.',
    { ct: 'CT_TIMEOUT', zeroIsUnset: true },
  ),
  idle_timeout: key(duration, '60s', 'How long an inbound connection may be silent between two pushes.', {
    ct: 'CT_IDLE_TIMEOUT',
    zeroIsUnset: true,
  }),
  timeout_shutdown: key(
    duration,
    '0s',
    'How long to go on serving after SIGTERM while /alive and /-/ready already answer 503, so that load balancers notice.',
    { ct: 'CT_TIMEOUT_SHUTDOWN' },
  ),
  push_deadline: key(
    duration,
    '25s',
    'Longest time for one push, retries at the store included; below a Prometheus’s own 30s, so that it hears our answer.',
  ),
  drain_timeout: key(duration, '30s', 'How long pushes in flight may take to finish after that.'),
  concurrency: key(integer(0, 1_000_000), '512', 'Most pushes in flight; further ones get 503.', {
    ct: 'CT_CONCURRENCY',
    zeroIsUnset: true,
  }),
  max_connection_duration: key(
    duration,
    '0s',
    'How long a connection to the store is used before a new one replaces it; 0 is for ever.',
    { ct: 'CT_MAX_CONN_DURATION' },
  ),
  max_conns_per_host: key(integer(0, 65_535), '256', 'Most connections to the store.', {
    ct: 'CT_MAX_CONNS_PER_HOST',
    zeroIsUnset: true,
  }),
  on_429: key(
    oneOf('pass', 'retry'),
    'pass',
    'What the sender gets when the store throttles a tenant: that 429 (a default Prometheus drops the data), or 503 so that it tries again.',
  ),
  on_upstream_refusal: key(
    oneOf('pass', 'retry'),
    'retry',
    'What the sender gets when the store refuses us with 401, 403, 404, 405 or 415: 503 until the configuration is put right, or (`pass`) 400 and the data is gone.',
  ),
  retry_after_max: key(
    duration,
    '10s',
    'Longest Retry-After that is passed on; a Prometheus shard obeys any value.',
  ),
  engine: key(
    oneOf('wasm', 'reference'),
    'wasm',
    'Which engine splits pushes: `wasm`, or the slow and obvious `reference`, which is also taken where the machine has no SIMD for WASM.',
  ),

  tenant: section('How the tenant of a series is found, checked and passed on.', {
    label: key(labelName, '__tenant__', 'Name of the label that holds the tenant.', {
      ct: 'CT_TENANT_LABEL',
      zeroIsUnset: true,
    }),
    label_list: list(labelName, 'Names of several such labels; overrides `tenant.label`.', {
      ct: 'CT_TENANT_LABEL_LIST',
    }),
    label_precedence: key(
      oneOf('series_first', 'series_last', 'config'),
      'series_first',
      'Which of several labels wins: the first or last in the series’ own order (cortex-tenant 2 and 1), or the first in this configuration with a value.',
    ),
    label_remove: key(
      boolean,
      'false',
      'Whether the label that held the tenant is removed from the series.',
      { ct: 'CT_TENANT_LABEL_REMOVE' },
    ),
    prefix: key(text, '', 'Stands before every tenant, the default one included.', {
      ct: 'CT_TENANT_PREFIX',
    }),
    prefix_prefer_source: key(
      boolean,
      'false',
      'Whether the tenant header of an inbound push, and a `-`, replace `tenant.prefix`; trusts every sender.',
      { ct: 'CT_TENANT_PREFIX_PREFER_SOURCE' },
    ),
    header: key(headerName, 'X-Scope-OrgID', 'Header that carries the tenant to the store.', {
      ct: 'CT_TENANT_HEADER',
      zeroIsUnset: true,
    }),
    default: key(text, '', 'Tenant of series without the label.', { ct: 'CT_TENANT_DEFAULT' }),
    missing: optional(
      oneOf('reject', 'drop', 'default'),
      '`default` where `tenant.default` is set, else `reject`',
      'What becomes of series without a tenant; the rest of their push is delivered either way.',
    ),
    invalid: key(
      oneOf('reject', 'drop', 'default'),
      'reject',
      'What becomes of series whose tenant is not one of `tenant.format`; the rest of their push is delivered either way.',
    ),
    format: key(
      oneOf('mimir', 'thanos', 'victoriametrics'),
      'mimir',
      'Whose rule decides what may be a tenant: `mimir` (also Cortex), `thanos`, or `victoriametrics` (`accountID` or `accountID:projectID`).',
    ),
    accept_all: key(
      boolean,
      'false',
      'Whether senders get 204 even where the store stored nothing; loses data.',
      { ct: 'CT_TENANT_ACCEPT_ALL' },
    ),
  }),

  auth: section('Who we are to the store, and the certificate that we show to senders.', {
    egress: section('Basic authentication and TLS towards the store.', {
      username: key(text, '', 'User name for Basic authentication.', { ct: 'CT_AUTH_EGRESS_USERNAME' }),
      password: optional(secret, 'none', 'Its password.', {
        ct: 'CT_AUTH_EGRESS_PASSWORD',
        zeroIsUnset: true,
      }),
      password_file: key(
        text,
        '',
        'File that holds the password, instead of `password`; one newline at its end is ignored. Followed while it changes.',
      ),
      tls_config: section('How the store’s certificate is checked.', {
        ca_bundle_file: key(
          text,
          '',
          'PEM file with the authorities that may sign the store’s certificate; without it, those of the system.',
          { ct: 'CT_CA_BUNDLE_FILE' },
        ),
      }),
    }),
    ingress: section('TLS towards senders.', {
      tls_config: section('Both files, or none for plain HTTP.', {
        cert_file: key(text, '', 'PEM file with our certificate chain.', { ct: 'CT_TLS_CERT_FILE' }),
        key_file: key(text, '', 'PEM file with its private key.', { ct: 'CT_TLS_KEY_FILE' }),
      }),
    }),
  }),

  limits: section('What one push, and all pushes together, may take.', {
    max_body: key(size(KIB, GIB), '8MiB', 'Largest body as it arrives, compressed; a larger one gets 413.'),
    max_decoded: key(
      size(KIB, 2 * GIB),
      '32MiB',
      'Largest body after decompression; one that claims more gets 400.',
    ),
    max_split_output: key(
      size(KIB, 2 * GIB),
      '128MiB',
      'Most bytes of all shares of a push before compression; only the symbol tables of 2.0 make this more than what came in.',
    ),
    max_series: key(
      integer(1, 10_000_000),
      '262144',
      'Most series and metadata entries in a push; one with more gets 400.',
    ),
    max_tenants_per_push: key(
      integer(1, 100_000),
      '2000',
      'Most tenants in a push; series of further ones are rejected and the rest is delivered.',
    ),
    max_in_flight_bytes: key(
      size(KIB, 64 * GIB),
      '256MiB',
      'Most bytes that pushes in flight hold: bodies, what splitting takes for a moment, and shares; further ones get 503.',
    ),
  }),

  metadata: section(
    'What becomes of metric metadata, which has no tenant in remote write 1.0. `metadata: true` alone means `route: default`, and `metadata: false` means `route: drop`.',
    {
      route: key(
        oneOf('drop', 'default', 'all', 'learned'),
        'drop',
        'Where entries go: nowhere, to `tenant.default`, to all tenants that their sender writes, or to those that it writes series of that family for.',
        { ct: 'CT_METADATA', short: metadataSwitch },
      ),
      remember: key(
        duration,
        '1h',
        'How long a sender’s tenants and families are remembered after they were last seen; with all and learned.',
      ),
      max_senders: key(
        integer(1, 1_000_000),
        '200',
        'Most senders remembered; the one that was silent the longest is forgotten.',
      ),
      max_families: key(
        integer(1, 10_000_000),
        '20000',
        'Most families remembered for one sender, each once for each tenant that has it; further ones are not learned.',
      ),
      max_waiting: key(
        integer(0, 10_000_000),
        '20000',
        'Most entries, of all senders, that wait until their family is known; further ones are dropped.',
      ),
      max_waiting_bytes: key(size(0, GIB), '8MiB', 'Most bytes of these; further ones are dropped.'),
      wait: key(duration, '2m', 'How long an entry waits before it is dropped.'),
      interval: key(
        duration,
        '1m',
        'How often metadata of a 2.0 push goes to a store that takes 1.0, per tenant and family; 0 is never.',
      ),
      max_sent: key(
        integer(1, 10_000_000),
        '100000',
        'Most families of tenants known to have been sent within the interval; further ones go with every push.',
      ),
    },
  ),

  lanes: section(
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
      ),
      max_batch_bytes: key(size(KIB, GIB), '8MiB', 'Most bytes that leave together, before compression.'),
      max_queued_bytes: key(
        size(KIB, 64 * GIB),
        '64MiB',
        'Most bytes that wait for one tenant, before compression; pushes with more for it get 503.',
      ),
      linger: key(
        duration,
        '0s',
        'How long a share waits for others although nothing is in flight for its tenant.',
      ),
      max: key(integer(1, 1_000_000), '10000', 'Most lanes; pushes with series of further tenants get 503.'),
      max_new_per_second: key(
        integer(1, 1_000_000),
        '5000',
        'Most new lanes a second; pushes with series of further tenants get 503.',
      ),
      idle: key(duration, '1m', 'How long a lane without data is kept.'),
      max_connections_percent: key(
        integer(1, 100),
        '25',
        'Most of max_conns_per_host that one tenant may use, so that one that hangs leaves room for the others.',
      ),
      ha_labels: list(
        labelName,
        'Labels that name an HA pair and its replica: a store deduplicates a whole request by its first series, so only equal ones leave together.',
        { items: 'cluster, __replica__, prometheus_replica, replica' },
      ),
    },
  ),

  retry: section('Attempts that follow a broken connection, 502, 503 or 504, within push_deadline.', {
    max_attempts: key(integer(1, 100), '3', 'Most attempts, the first one included.'),
    min_backoff: key(
      duration,
      '50ms',
      'Wait before the second attempt; it doubles from there, and half of it is chance.',
    ),
    max_backoff: key(duration, '1s', 'Longest such wait.'),
  }),

  breaker: section(
    'Stops attempts at a store that fails again and again for a tenant; pushes get 503 at once.',
    {
      failures: key(integer(0, 1_000_000), '5', 'Failures in a row that open it; 0 means never.'),
      cooldown: key(duration, '2s', 'How long it stays open before one attempt probes the store.'),
    },
  ),

  memo: section(
    'Remembers which tenants of a failed push are served, so that its retry reaches only the others.',
    {
      enabled: key(boolean, 'true', 'Whether anything is remembered.'),
      ttl: key(duration, '5m', 'For how long.'),
      max_bytes: key(size(0, 64 * GIB), '16MiB', 'Most memory for it; the oldest is forgotten first.'),
    },
  ),

  tenant_failure: section(
    'What becomes of a tenant’s data while the store fails for it. By default its senders keep it.',
    {
      shed: list(
        shedRule,
        'Tenants whose data is given up when the store has failed for them for so long, as `dev-*=5m`: senders get 400 and go on. Loses data.',
      ),
    },
  ),

  admission: section('When pushes are refused with 503, beside concurrency and limits.max_in_flight_bytes.', {
    max_memory_percent: key(
      integer(0, 100),
      '85',
      'Most of the memory that the process may use, by its container’s limit or the machine; 0 switches it off.',
    ),
    max_event_loop_delay: key(
      duration,
      '1s',
      'Longest delay of the event loop, as the 99th percentile of the last second; 0 switches it off.',
    ),
  }),

  ingress: section('What senders may send, and their connections.', {
    encodings: list(
      oneOf('snappy', 'zstd'),
      'Encodings of bodies that are taken; zstd is VictoriaMetrics’ own, for remote write 1.0. Whoever sends another gets a 415, and vmagent falls back to snappy.',
      { items: 'snappy, zstd' },
    ),
    max_connections: key(
      integer(1, 1_000_000),
      '10000',
      'Most connections; further ones are closed at once.',
    ),
    max_connection_age: key(
      duration,
      '2m',
      'After how long, give or take a tenth, a connection is closed with its next answer, so that new replicas get load; 0 is never.',
    ),
  }),

  egress: section('What is sent to the store.', {
    compression: key(
      oneOf('fast', 'none'),
      'fast',
      'How hard snappy tries: `none` is larger on the wire and takes almost no CPU.',
    ),
    forward_headers: list(headerName, 'Inbound headers that go to the store as they are.'),
    protocol: key(
      oneOf('auto', 'same', '1.0', '2.0'),
      'auto',
      'In which remote write the store is written to: as a push came in, and in 1.0 while the store shows that it lacks 2.0 (`auto`); always as it came in (`same`); or always in one.',
    ),
    protocol_reprobe: key(
      duration,
      '1h',
      'How long a store that lacks 2.0 gets 1.0 before 2.0 is tried again; 0 is for ever.',
    ),
    written_headers: key(
      oneOf('expected', 'omitted'),
      'expected',
      'What a success of 2.0 without `X-Prometheus-Remote-Write-*-Written` headers means: that nothing was written, or (`omitted`) that this store writes all and does not say so.',
    ),
  }),

  split: section('Where pushes are split.', {
    threads: optional(
      integer(0, 256),
      'one less than the cores, at least 1',
      'Worker threads; 0 splits on the main thread.',
    ),
  }),

  metrics: section('What /metrics shows.', {
    max_tenants: key(
      integer(0, 1_000_000),
      '1000',
      'Most tenants with a label of their own; the others share `__other__`.',
    ),
    compatibility: key(
      oneOf('none', 'cortex_tenant'),
      'none',
      'Whether cortex-tenant’s metric names are served as well.',
    ),
  }),

  log: section('What the log looks like.', {
    format: key(
      oneOf('auto', 'json', 'pretty'),
      'auto',
      'JSON, or text for people; `auto` is text on a terminal.',
    ),
  }),

  compatibility: section('What existing setups may rely on.', {
    headers: key(
      boolean,
      'false',
      'Whether the store gets cortex-tenant’s X-Cortex-Tenant-Client and X-Cortex-Tenant-ReqID.',
    ),
  }),
})

/** A key with its place in the tree. */
export interface PathedKey {
  /** `tenant.label_list` */
  readonly path: string
  readonly key: Key
}

/** All keys, in the order of the table. */
export const KEYS: readonly PathedKey[] = pathed(SCHEMA, '')

/** Our own variable for a key: `tenant.label_list` → `SLUICE_TENANT_LABEL_LIST`. */
export function variableOf(path: string): string {
  return `SLUICE_${path.toUpperCase().replaceAll('.', '_')}`
}

/** All variables of a key, the one that wins first. */
export function variablesOf(path: string, { short, ct }: Key): readonly string[] {
  const section = short === undefined ? [] : [variableOf(path.slice(0, path.lastIndexOf('.')))]
  return [variableOf(path), ...section, ...(ct === undefined ? [] : [ct])]
}

function pathed(section: Section, base: string): PathedKey[] {
  return Object.entries(section.keys).flatMap(([name, node]) =>
    node.kind === 'key' ? [{ path: base + name, key: node }] : pathed(node, `${base}${name}.`),
  )
}
