/** The keys and values that cortex-tenant ships: its image's file, the file beside its sources, and its chart's defaults. */
import { describe, expect, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { KEYS } from '../../../src/config/schema.ts'
import { selfSigned } from '../../support/certificate.ts'

const { cert, key: privateKey } = await selfSigned()

function load(text: string, env: Record<string, string> = {}) {
  const readFile = (path: string) => (/^\/k|\.key$/.test(path) ? privateKey : cert)
  return loadConfig({ file: { name: 'cortex-tenant.yml', text }, env, cores: 2, readFile })
}

/** All but the stores, which repeat the values that are theirs. */
function keysOf({ upstreams: _, ...keys }: Config) {
  return keys
}

/** What a file without anything but a target means. */
const DEFAULTS = keysOf(load('target: http://x').config)

describe('the configuration of cortex-tenant', () => {
  test('as its image ships it', () => {
    const { config, warnings } = load(`
listen: 0.0.0.0:8080
listen_metrics_address: 0.0.0.0:9090
metrics_include_tenant: true
target: http://127.0.0.1:9091/receive
log_level: warn
timeout: 10s
tenant:
  default: default
  header: X-Scope-OrgID
  label: __tenant__
  label_remove: true
`)
    expect(warnings).toEqual([])
    expect(keysOf(config)).toEqual({
      ...DEFAULTS,
      listen: { host: '0.0.0.0', port: 8080 },
      metrics: { ...DEFAULTS.metrics, includeTenant: true },
      target: { origin: 'http://127.0.0.1:9091', pathParts: ['/receive'] },
      tenant: { ...DEFAULTS.tenant, defaultTenant: 'default', missing: 'default', strip: true },
    })
  })

  test('as it stands beside its sources', () => {
    const { config, warnings } = load(`
auth: { egress: { username: foo, password: bar } }
concurrency: 10
enable_ipv6: false
listen: 0.0.0.0:8080
listen_metrics_address: 0.0.0.0:9090
listen_pprof: 0.0.0.0:7008
log_level: debug
log_response_errors: true
max_conns_per_host: 64
metadata: false
metrics_include_tenant: true
target: http://127.0.0.1:9091/receive
timeout: 10s
timeout_shutdown: 0s
tenant:
  accept_all: false
  default: ""
  header: X-Scope-OrgID
  label: tenant
  label_list: [tenant, other_tenant]
  label_remove: true
  prefix: ""
  prefix_prefer_source: false
`)
    expect(warnings.map(({ key }) => key)).toEqual([
      'listen_pprof',
      'tenant.label_precedence',
      'auth.egress.password',
    ])
    expect(config.upstreams[0]?.credentials?.password?.reveal()).toBe('bar')
    expect(keysOf({ ...config, auth: { ...config.auth, ...DEFAULTS.auth } })).toEqual({
      ...DEFAULTS,
      listen: { host: '0.0.0.0', port: 8080 },
      listenPprof: '0.0.0.0:7008',
      metrics: { ...DEFAULTS.metrics, includeTenant: true },
      target: { origin: 'http://127.0.0.1:9091', pathParts: ['/receive'] },
      log: { ...DEFAULTS.log, level: 'debug', responseErrors: true },
      concurrency: 10,
      egress: { ...DEFAULTS.egress, maxConnsPerHost: 64 },
      tenant: { ...DEFAULTS.tenant, labels: ['tenant', 'other_tenant'], strip: true },
    })
  })

  test('as its chart writes it by default, with keys that have nothing behind them', () => {
    const { config, warnings } = load(`
listen: 0.0.0.0:8080
listen_pprof: 0.0.0.0:7008
target: http://cortex-distributor.cortex.svc:8080/api/v1/push
enable_ipv6: false
log_level: warn
timeout: 10s
timeout_shutdown: 10s
concurrency: 1000
metadata: false
log_response_errors: true
max_connection_duration: 0s
max_conns_per_host: 64
auth:
  egress:
    tls_config:
      ca_bundle_file: 
tenant:
  label: tenant
  prefix: 
  prefix_prefer_source: false
  label_remove: false
  header: X-Scope-OrgID
  default: cortex-tenant-default
  accept_all: false
`)
    expect(warnings.map(({ key }) => key)).toEqual(['listen_pprof'])
    expect(keysOf(config)).toEqual({
      ...DEFAULTS,
      listen: { host: '0.0.0.0', port: 8080 },
      listenPprof: '0.0.0.0:7008',
      target: { origin: 'http://cortex-distributor.cortex.svc:8080', pathParts: ['/api/v1/push'] },
      log: { ...DEFAULTS.log, responseErrors: true },
      timeoutShutdownMs: 10_000,
      concurrency: 1000,
      egress: { ...DEFAULTS.egress, maxConnsPerHost: 64 },
      tenant: {
        ...DEFAULTS.tenant,
        labels: ['tenant'],
        defaultTenant: 'cortex-tenant-default',
        missing: 'default',
      },
    })
  })

  test('with everything that its chart can turn on', () => {
    const { config } = load(`
target: https://cortex/api/v1/push
idle_timeout: 60s
auth:
  egress:
    tls_config:
      ca_bundle_file: /var/run/secrets/custom-ca/ca.crt
    username: u
    password: 0123
  ingress:
    tls_config:
      cert_file: /var/run/pki/tls.crt
      key_file: /var/run/pki/tls.key
tenant:
  label_list:
    - a
    - b
`)
    expect(config.auth.ingress?.certFile.path).toBe('/var/run/pki/tls.crt')
    expect(config.auth.ingress?.keyFile.path).toBe('/var/run/pki/tls.key')
    expect(config.upstreams[0]?.caFile?.path).toBe('/var/run/secrets/custom-ca/ca.crt')
    expect(config.upstreams[0]?.credentials?.password?.reveal()).toBe('0123')
    expect(config.tenant.labels).toEqual(['a', 'b'])
  })

  test('with empty values and zeros where they mean its defaults', () => {
    const { config, warnings } = load(`
listen: ""
listen_metrics_address: ''
target: http://x
log_level: ""
timeout: 0
idle_timeout: 0s
concurrency: 0
max_conns_per_host: 0
tenant: { header: "", label: "", label_list: [] }
auth: { egress: { username: "", password: "" } }
`)
    expect(warnings).toEqual([])
    expect(keysOf(config)).toEqual(DEFAULTS)
  })
})

describe('each variable of cortex-tenant', () => {
  const cases: Record<string, readonly [value: string, of: (config: Config) => unknown, result: unknown]> = {
    CT_LISTEN: [':8080', config => config.listen, { host: '', port: 8080 }],
    CT_LISTEN_PPROF: [':7008', config => config.listenPprof, ':7008'],
    CT_LISTEN_METRICS_ADDRESS: ['[::1]:9', config => config.listenMetrics, { host: '::1', port: 9 }],
    CT_METRICS_INCLUDE_TENANT: ['1', config => config.metrics.includeTenant, true],
    CT_TARGET: ['http://y/z', config => config.target, { origin: 'http://y', pathParts: ['/z'] }],
    CT_TARGET_LOKI: ['http://loki', config => config.targetLoki, 'http://loki'],
    CT_ENABLE_IPV6: ['t', config => config.enableIpv6, true],
    CT_LOG_LEVEL: ['DEBUG', config => config.log.level, 'debug'],
    CT_TIMEOUT: ['1.5s', config => config.timeoutMs, 1500],
    CT_IDLE_TIMEOUT: ['2m', config => config.idleTimeoutMs, 120_000],
    CT_TIMEOUT_SHUTDOWN: ['10s', config => config.timeoutShutdownMs, 10_000],
    CT_CONCURRENCY: ['7', config => config.concurrency, 7],
    CT_METADATA: ['True', config => config.metadata.route, 'default'],
    CT_LOG_RESPONSE_ERRORS: ['TRUE', config => config.log.responseErrors, true],
    CT_MAX_CONN_DURATION: ['1h', config => config.egress.maxConnectionDurationMs, 3_600_000],
    CT_MAX_CONNS_PER_HOST: ['9', config => config.egress.maxConnsPerHost, 9],
    CT_AUTH_EGRESS_USERNAME: ['me', config => config.upstreams[0]?.credentials?.username, 'me'],
    CT_AUTH_EGRESS_PASSWORD: ['pw', config => config.upstreams[0]?.credentials?.password?.reveal(), 'pw'],
    CT_CA_BUNDLE_FILE: ['/ca', config => config.upstreams[0]?.caFile?.path, '/ca'],
    CT_TLS_CERT_FILE: ['/crt', config => config.auth.ingress?.certFile.path, '/crt'],
    CT_TLS_KEY_FILE: ['/key', config => config.auth.ingress?.keyFile.path, '/key'],
    CT_TENANT_LABEL: ['l', config => config.tenant.labels, ['l']],
    CT_TENANT_LABEL_LIST: ['m,n', config => config.tenant.labels, ['m', 'n']],
    CT_TENANT_PREFIX: ['q-', config => config.tenant.prefix, 'q-'],
    CT_TENANT_PREFIX_PREFER_SOURCE: ['true', config => config.tenant.prefixPreferSource, true],
    CT_TENANT_LABEL_REMOVE: ['T', config => config.tenant.strip, true],
    CT_TENANT_HEADER: ['X-T', config => config.tenant.header, 'X-T'],
    CT_TENANT_DEFAULT: ['007', config => config.tenant.defaultTenant, '007'],
    CT_TENANT_ACCEPT_ALL: ['true', config => config.tenant.acceptAll, true],
  }

  test('is one of the cases here', () => {
    expect(KEYS.flatMap(({ key }) => key.ct ?? []).sort()).toEqual(Object.keys(cases).sort())
  })

  test.each(Object.entries(cases))('%s wins over the file', (name, [value, of, result]) => {
    // Some keys go in pairs.
    const text = `
target: http://x
auth:
  egress: { username: someone, password: secret }
  ingress: { tls_config: { cert_file: /c, key_file: /k } }
tenant: { default: d }
`
    expect(of(load(text).config)).not.toEqual(result)
    expect(of(load(text, { [name]: value }).config)).toEqual(result)
    expect(of(load(text, { [name]: '' }).config)).not.toEqual(result)
  })

  test('with 0 means the default, even over the file', () => {
    const { config } = load('target: http://x\ntimeout: 5s\nconcurrency: 9\n', {
      CT_TIMEOUT: '0',
      CT_CONCURRENCY: '0',
    })
    expect(config.timeoutMs).toBe(10_000)
    expect(config.concurrency).toBe(512)
  })

  test('is enough without any file', () => {
    expect(keysOf(loadConfig({ env: { CT_TARGET: 'http://x' }, cores: 2 }).config)).toEqual(DEFAULTS)
  })
})
