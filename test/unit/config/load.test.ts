import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { ConfigError } from '../../../src/config/problem.ts'

const TARGET = 'target: http://store/push\n'

function load(text: string, env: Record<string, string> = {}) {
  return loadConfig({ file: { name: 'test.yaml', text }, env, cores: 4 })
}

function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    load(text, env)
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1)
        .map(line => line.trim())
    throw error
  }
  return []
}

describe('a configuration', () => {
  test('with a target alone has the defaults of cortex-tenant, but for max_conns_per_host', () => {
    const { config, warnings } = load(TARGET)
    expect(warnings).toEqual([])
    expect(config).toEqual({
      listen: { host: '127.0.0.1', port: 8081 },
      listenPprof: '',
      listenMetrics: { host: '0.0.0.0', port: 9090 },
      metrics: { includeTenant: false, maxTenants: 1000, compatibility: 'none' },
      target: { origin: 'http://store', pathParts: ['/push'] },
      targetLoki: '',
      enableIpv6: false,
      log: { level: 'warn', format: 'auto', responseErrors: false },
      timeoutMs: 10_000,
      idleTimeoutMs: 60_000,
      timeoutShutdownMs: 0,
      drainTimeoutMs: 30_000,
      concurrency: 512,
      auth: { egress: { username: '', password: undefined, caBundleFile: '' }, ingress: undefined },
      tenant: {
        labels: ['__tenant__'],
        precedence: 'series_first',
        prefix: '',
        prefixPreferSource: false,
        strip: false,
        header: 'X-Scope-OrgID',
        defaultTenant: '',
        acceptAll: false,
        missing: 'reject',
        invalid: 'reject',
        format: 'mimir',
      },
      metadata: 'drop',
      engine: 'reference',
      split: { threads: 3 },
      egress: { compression: 'fast', maxConnsPerHost: 256, maxConnectionDurationMs: 0, forwardHeaders: [] },
      limits: {
        maxBodyBytes: 8 * 2 ** 20,
        maxDecodedBytes: 32 * 2 ** 20,
        maxSplitOutputBytes: 128 * 2 ** 20,
        maxSeries: 262_144,
        maxTenantsPerPush: 2000,
        maxInFlightBytes: 256 * 2 ** 20,
      },
      on429: 'pass',
      onUpstreamRefusal: 'pass',
      retryAfterMaxMs: 10_000,
      compatibilityHeaders: false,
    })
  })

  test('without a target says what to write', () => {
    expect(problemsOf('')).toEqual([
      'test.yaml: target: found nothing; allowed: the URL of the store, such as http://mimir:8080/api/v1/push or http://vminsert:8480/insert/{tenant}/prometheus/api/v1/write',
    ])
  })

  test('is frozen to the last list', () => {
    const { config } = load(TARGET)
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(config)).toBe(true)
  })
})
