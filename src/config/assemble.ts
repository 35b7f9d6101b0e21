import type { Config } from './config.ts'
import type { FollowedFile } from './followed-file.ts'
import { formatOf, tenantInPath } from './rules.ts'
import type { Secret } from './secret.ts'
import type { ValuesRead } from './values.ts'

/** Turns the values, in the words and units of the file, into the configuration that the code uses. `threads` is the default. */
export function assemble(
  { values, written }: ValuesRead,
  password: Secret | FollowedFile | undefined,
  threads: number,
): Config {
  const { tenant, auth, limits, egress, lanes, metadata } = values
  const { cert_file: certFile, key_file: keyFile } = auth.ingress.tls_config
  if (values.target === undefined) throw new Error('BUG: a missing target passed the rules')
  return {
    listen: values.listen,
    listenPprof: values.listen_pprof,
    listenMetrics: values.listen_metrics_address,
    metrics: {
      includeTenant: values.metrics_include_tenant,
      maxTenants: values.metrics.max_tenants,
      compatibility: values.metrics.compatibility,
    },
    target: values.target,
    targetLoki: values.target_loki,
    enableIpv6: values.enable_ipv6,
    log: { level: values.log_level, format: values.log.format, responseErrors: values.log_response_errors },
    timeoutMs: values.timeout,
    idleTimeoutMs: values.idle_timeout,
    timeoutShutdownMs: values.timeout_shutdown,
    drainTimeoutMs: values.drain_timeout,
    concurrency: values.concurrency,
    auth: {
      egress: {
        username: auth.egress.username,
        password: auth.egress.username === '' ? undefined : password,
        caBundleFile: auth.egress.tls_config.ca_bundle_file,
      },
      ingress: certFile === '' ? undefined : { certFile, keyFile },
    },
    tenant: {
      labels: tenant.label_list.length > 0 ? [...new Set(tenant.label_list)] : [tenant.label],
      precedence: tenant.label_precedence,
      prefix: tenant.prefix,
      prefixPreferSource: tenant.prefix_prefer_source,
      strip: tenant.label_remove,
      header: tenantInPath(values) && !written.has('tenant.header') ? '' : tenant.header,
      defaultTenant: tenant.default,
      acceptAll: tenant.accept_all,
      missing: tenant.missing ?? (tenant.default === '' ? 'reject' : 'default'),
      invalid: tenant.invalid,
      format: formatOf(values),
    },
    metadata: {
      route: metadata.route === 'default' && tenant.default === '' ? 'drop' : metadata.route,
      rememberMs: metadata.remember,
      maxSenders: metadata.max_senders,
      maxFamilies: metadata.max_families,
      maxWaiting: metadata.max_waiting,
      maxWaitingBytes: metadata.max_waiting_bytes,
      waitMs: metadata.wait,
      intervalMs: metadata.interval,
      maxSent: metadata.max_sent,
    },
    engine: values.engine,
    split: { threads: values.split.threads ?? threads },
    egress: {
      compression: egress.compression,
      maxConnsPerHost: values.max_conns_per_host,
      maxConnectionDurationMs: values.max_connection_duration,
      forwardHeaders: [...new Set(egress.forward_headers.map(name => name.toLowerCase()))],
      protocol: egress.protocol,
      protocolReprobeMs: egress.protocol_reprobe,
      writtenHeaders: egress.written_headers,
    },
    limits: {
      maxBodyBytes: limits.max_body,
      maxDecodedBytes: limits.max_decoded,
      maxSplitOutputBytes: limits.max_split_output,
      maxSeries: limits.max_series,
      maxTenantsPerPush: limits.max_tenants_per_push,
      maxInFlightBytes: limits.max_in_flight_bytes,
    },
    lanes: {
      concurrency: lanes.concurrency,
      max: lanes.max,
      maxNewPerSecond: lanes.max_new_per_second,
      maxBatchBytes: lanes.max_batch_bytes,
      maxBatchSeries: lanes.max_batch_series,
      maxQueuedBytes: lanes.max_queued_bytes,
      lingerMs: lanes.linger,
      idleMs: lanes.idle,
      maxConnectionsPercent: lanes.max_connections_percent,
      haLabels: [...new Set(lanes.ha_labels)],
    },
    retry: {
      maxAttempts: values.retry.max_attempts,
      minBackoffMs: values.retry.min_backoff,
      maxBackoffMs: values.retry.max_backoff,
    },
    breaker: { failures: values.breaker.failures, cooldownMs: values.breaker.cooldown },
    pushDeadlineMs: values.push_deadline,
    memo: { ttlMs: values.memo.ttl, maxBytes: values.memo.enabled ? values.memo.max_bytes : 0 },
    shed: values.tenant_failure.shed,
    admission: {
      maxMemoryPercent: values.admission.max_memory_percent,
      maxEventLoopDelayMs: values.admission.max_event_loop_delay,
    },
    ingress: {
      encodings: [...new Set(values.ingress.encodings)],
      maxConnections: values.ingress.max_connections,
      maxConnectionAgeMs: values.ingress.max_connection_age,
    },
    on429: values.on_429,
    onUpstreamRefusal: values.on_upstream_refusal,
    retryAfterMaxMs: values.retry_after_max,
    compatibilityHeaders: values.compatibility.headers,
  }
}
