/**
 * The one table of all keys, joined from the parts that own them: name, type, default, sentence, and cortex-tenant's
 * variable where it has that key. The file, the environment, the reference page, the JSON Schema and `config/sluice.yaml`
 * all come from here, and so does the type of the configuration.
 */
import * as ingress from '../ingress/section.ts'
import * as lanes from '../lanes/section.ts'
import * as limits from '../limits/section.ts'
import * as push from '../push/section.ts'
import * as remoteWrite from '../remote-write/section.ts'
import * as routing from '../routes/section.ts'
import { type Key, key, type Section, section, type Values } from '../schema/key.ts'
import { boolean } from '../schema/leaf.ts'
import * as telemetry from '../telemetry/section.ts'
import * as upstream from '../upstream/section.ts'

export const SCHEMA = section('Where Sluice listens, where it writes to, and how patient it is.', {
  listen: ingress.listen,
  listen_metrics_address: telemetry.listenMetricsAddress,
  listen_pprof: telemetry.listenPprof,
  metrics_include_tenant: telemetry.metricsIncludeTenant,
  target: upstream.defaultTarget,
  target_loki: upstream.targetLoki,
  enable_ipv6: upstream.enableIpv6,
  log_level: telemetry.logged,
  log_response_errors: telemetry.logResponseErrors,
  timeout: upstream.timeout,
  idle_timeout: ingress.idleTimeout,
  timeout_shutdown: ingress.timeoutShutdown,
  push_deadline: push.pushDeadline,
  drain_timeout: ingress.drainTimeout,
  concurrency: limits.concurrency,
  max_connection_duration: upstream.maxConnectionDuration,
  max_conns_per_host: upstream.maxConnsPerHost,
  on_429: push.on429,
  on_upstream_refusal: push.onUpstreamRefusal,
  retry_after_max: push.retryAfterMax,
  engine: remoteWrite.engine,

  config: section(
    'This configuration itself.',
    {
      follow: key(
        boolean,
        'false',
        'Whether a changed configuration file takes effect by itself: after a rename or a symlink swap, never after a write in place, which may be half done.',
      ),
    },
    '.',
  ),

  tenant: remoteWrite.tenant,
  auth: section('Who we are to the store, and the certificate that we show to senders.', {
    egress: upstream.credentials,
    ingress: ingress.tls,
  }),
  upstreams: upstream.upstreams,
  routes: routing.routes,
  limits: limits.limits,
  metadata: remoteWrite.metadata,
  lanes: lanes.lanes,
  retry: lanes.retry,
  breaker: lanes.breaker,
  memo: lanes.memo,
  tenant_failure: lanes.tenantFailure,
  admission: limits.admission,
  ingress: ingress.ingress,
  egress: upstream.egress,
  split: remoteWrite.split,
  metrics: telemetry.metrics,
  log: telemetry.log,
  compatibility: ingress.compatibility,
})

/** All keys with what was written, or their defaults; what follows from other keys is not in it yet. */
export type ConfigValues = Values<(typeof SCHEMA)['keys']>

/** A key with its place in the tree. */
export interface PathedKey {
  /** `tenant.label_list` */
  readonly path: string
  readonly steps: readonly string[]
  readonly key: Key
}

/** All keys that have one place, and so a variable, in the order of the table. */
export const KEYS: readonly PathedKey[] = pathed(SCHEMA, [])

/** Our own variable for a key: `tenant.label_list` → `SLUICE_TENANT_LABEL_LIST`. */
export function variableOf(path: string): string {
  return `SLUICE_${path.toUpperCase().replaceAll('.', '_')}`
}

/** All variables of a key, the one that wins first. */
export function variablesOf(path: string, { short, ct }: Key): readonly string[] {
  const section = short === undefined ? [] : [variableOf(path.slice(0, path.lastIndexOf('.')))]
  return [variableOf(path), ...section, ...(ct === undefined ? [] : [ct])]
}

function pathed(section: Section, base: readonly string[]): PathedKey[] {
  return Object.entries(section.keys).flatMap(([name, node]) => {
    const steps = [...base, name]
    if (node.kind === 'section') return pathed(node, steps)
    return node.kind === 'key' ? [{ path: steps.join('.'), steps, key: node }] : []
  })
}
