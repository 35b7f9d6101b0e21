import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { KEYS } from '../../../src/config/schema.ts'
import { ConfigError } from '../../../src/schema/problem.ts'

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
      auth: { ingress: undefined },
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
      metadata: {
        route: 'drop',
        rememberMs: 3_600_000,
        maxSenders: 200,
        maxFamilies: 20_000,
        maxWaiting: 20_000,
        maxWaitingBytes: 8 * 2 ** 20,
        waitMs: 120_000,
        intervalMs: 60_000,
        maxSent: 100_000,
      },
      engine: 'wasm',
      split: { threads: 3 },
      egress: {
        compression: 'fast',
        maxConnsPerHost: 256,
        maxConnectionDurationMs: 0,
        forwardHeaders: [],
        protocol: 'auto',
        protocolReprobeMs: 3_600_000,
        writtenHeaders: 'expected',
      },
      limits: {
        maxBodyBytes: 8 * 2 ** 20,
        maxDecodedBytes: 32 * 2 ** 20,
        maxSplitOutputBytes: 128 * 2 ** 20,
        maxSeries: 262_144,
        maxTenantsPerPush: 2000,
        maxInFlightBytes: 256 * 2 ** 20,
      },
      on429: 'pass',
      lanes: {
        concurrency: 4,
        max: 10_000,
        maxNewPerSecond: 5000,
        maxBatchBytes: 8 * 2 ** 20,
        maxBatchSeries: 10_000,
        maxQueuedBytes: 64 * 2 ** 20,
        lingerMs: 0,
        idleMs: 60_000,
        maxConnectionsPercent: 25,
        haLabels: ['cluster', '__replica__', 'prometheus_replica', 'replica'],
      },
      retry: { maxAttempts: 3, minBackoffMs: 50, maxBackoffMs: 1000 },
      breaker: { failures: 5, cooldownMs: 2000 },
      pushDeadlineMs: 25_000,
      memo: { ttlMs: 300_000, maxBytes: 16 * 2 ** 20 },
      shed: [],
      admission: { maxMemoryPercent: 85, maxEventLoopDelayMs: 1000 },
      ingress: { encodings: ['snappy', 'zstd'], maxConnections: 10_000, maxConnectionAgeMs: 120_000 },
      onUpstreamRefusal: 'retry',
      retryAfterMaxMs: 10_000,
      compatibilityHeaders: false,
      follow: false,
      routes: [{ paths: undefined, principals: undefined, tenants: undefined, upstream: 'default' }],
      upstreams: [
        {
          name: 'default',
          target: { origin: 'http://store', pathParts: ['/push'] },
          tenant: 'header',
          tenantHeaders: ['X-Scope-OrgID'],
          headers: [],
          credentials: undefined,
          caFile: undefined,
          timeoutMs: 10_000,
          maxConnsPerHost: 256,
          maxConnectionDurationMs: 0,
          enableIpv6: false,
          protocol: 'auto',
          protocolReprobeMs: 3_600_000,
          writtenHeaders: 'expected',
          compression: 'fast',
          forwardHeaders: [],
          lanes: {
            concurrency: 4,
            max: 10_000,
            maxNewPerSecond: 5000,
            maxBatchBytes: 8 * 2 ** 20,
            maxBatchSeries: 10_000,
            maxQueuedBytes: 64 * 2 ** 20,
            lingerMs: 0,
            idleMs: 60_000,
            maxConnectionsPercent: 25,
          },
          retry: { maxAttempts: 3, minBackoffMs: 50, maxBackoffMs: 1000 },
          breaker: { failures: 5, cooldownMs: 2000 },
          fingerprint: expect.any(String),
        },
      ],
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

describe('the tenant', () => {
  test('goes into the header by default, also with a query', () => {
    expect(load('target: http://x/y?z=1').config.tenant.header).toBe('X-Scope-OrgID')
  })

  test('goes into the path alone where the target says so', () => {
    expect(load('target: http://x/{tenant}').config.tenant.header).toBe('')
    expect(load('target: http://x/{tenant}\ntenant: {header: ""}').config.tenant.header).toBe('')
  })

  test('goes into both where the header is written too, in the file or in the environment', () => {
    expect(load('target: http://x/{tenant}\ntenant: {header: X-Scope-OrgID}').config.tenant.header).toBe(
      'X-Scope-OrgID',
    )
    expect(load('target: http://x/{tenant}', { CT_TENANT_HEADER: 'X-T' }).config.tenant.header).toBe('X-T')
  })

  test('of Thanos has a stricter rule in a path', () => {
    expect(load(`${TARGET}tenant: {format: thanos, default: "a%?#"}`).config.tenant.format).toBe('thanos')
    expect(load('target: http://x/{tenant}\ntenant: {format: thanos}').config.tenant.format).toBe(
      'thanos-path',
    )
    expect(problemsOf('target: http://x/{tenant}\ntenant: {format: thanos, default: "a%"}')).toHaveLength(1)
  })

  test.each([
    ['', 'reject'],
    ['default: d', 'default'],
    ['default: d, missing: drop', 'drop'],
    ['default: d, missing: reject', 'reject'],
    ['missing: drop', 'drop'],
  ])('is missing with {%s}: %s', (keys, missing) => {
    expect(load(`${TARGET}tenant: {${keys}}`).config.tenant.missing).toBe(missing)
  })

  test('by default may hold digits that YAML would eat', () => {
    expect(load(`${TARGET}tenant: {default: 007}`).config.tenant.defaultTenant).toBe('007')
    expect(
      load(`${TARGET}tenant: {default: 12:34, format: victoriametrics}`).config.tenant.defaultTenant,
    ).toBe('12:34')
  })

  test.each([
    ['', 'a', true],
    ['', 'x'.repeat(150), true],
    ['', 'x'.repeat(151), false],
    ['p-', 'x'.repeat(148), true],
    ['p-', 'x'.repeat(149), false],
    ['', '..', false],
    ['', '__mimir_cluster', false],
    ['.', '.', false],
    ['p|', 'a', false],
  ])('%j with %j is valid: %s', (prefix, tenant, valid) => {
    const text = `${TARGET}tenant: {prefix: ${JSON.stringify(prefix)}, default: ${JSON.stringify(tenant)}}`
    expect(problemsOf(text)).toHaveLength(valid ? 0 : 1)
  })

  test('label_list overrides label, and names each label once', () => {
    expect(load(`${TARGET}tenant: {label: z, label_list: [b, a, b]}`).config.tenant.labels).toEqual([
      'b',
      'a',
    ])
  })
})

describe('metadata', () => {
  const D = `${TARGET}tenant: {default: d}\n`
  const routeOf = (text: string, env: Record<string, string> = {}) => load(text, env).config.metadata.route

  test('goes to the default tenant where there is one', () => {
    expect(routeOf(`${D}metadata: yes`)).toBe('default')
    expect(routeOf(`${TARGET}metadata: yes`)).toBe('drop')
    expect(routeOf(`${D}metadata: no`)).toBe('drop')
    expect(routeOf(`${D}metadata: {route: default}`)).toBe('default')
    expect(routeOf(`${TARGET}metadata: {route: default}`)).toBe('drop')
    expect(routeOf(`${TARGET}metadata:\n  route: learned`)).toBe('learned')
    expect(routeOf(`${TARGET}metadata:`)).toBe('drop')
  })

  test('is one value or a section, in variables too: the more exact one wins, and both over the file', () => {
    expect(routeOf(D, { SLUICE_METADATA: 'true' })).toBe('default')
    expect(routeOf(`${D}metadata: {route: all}`, { CT_METADATA: '0' })).toBe('drop')
    expect(routeOf(`${D}metadata: true`, { SLUICE_METADATA_ROUTE: 'learned' })).toBe('learned')
    expect(routeOf(D, { CT_METADATA: 't', SLUICE_METADATA: 'f' })).toBe('drop')
    expect(routeOf(D, { SLUICE_METADATA: 't', SLUICE_METADATA_ROUTE: 'all' })).toBe('all')
  })

  test('takes words of one spelling for that only', () => {
    const boolean = 'true or false, yes or no, on or off; or a section with route'
    expect(problemsOf(`${TARGET}metadata: learned`)).toEqual([
      `test.yaml:2:11: metadata: found "learned"; allowed: ${boolean}`,
    ])
    expect(problemsOf(`${TARGET}metadata: {route: true}`)).toEqual([
      'test.yaml:2:19: metadata.route: found "true"; allowed: drop, default, all or learned',
    ])
    expect(problemsOf(`${TARGET}metadata: [true]`)[0]).toMatch(
      /^test.yaml:2:11: metadata: found a list; allowed: boolean, or a section with route, /,
    )
    expect(problemsOf(`${TARGET}metadata: true\nmetadata: {route: all}`)[0]).toMatch(/a second time/)
    expect(problemsOf(`${TARGET}metadata: {rout: all}`)[0]).toMatch(/did you mean metadata.route/)
  })
})

test('encodings are each there once', () => {
  const { config } = load(`${TARGET}ingress: {encodings: [snappy, snappy]}`)
  expect(config.ingress.encodings).toEqual(['snappy'])
})

test('forwarded headers are in lower case, each once', () => {
  const { config } = load(`${TARGET}egress: {forward_headers: [X-B, x-a, x-b]}`)
  expect(config.egress.forwardHeaders).toEqual(['x-b', 'x-a'])
})

test.each([
  [1, 1],
  [2, 1],
  [8, 7],
])('on %d cores %d threads split', (cores, threads) => {
  expect(loadConfig({ env: { SLUICE_TARGET: 'http://x' }, cores }).config.split.threads).toBe(threads)
})

test('a password without a user name is not used', () => {
  expect(load(`${TARGET}auth: {egress: {password: x}}`).config.upstreams[0]?.credentials).toBeUndefined()
})

test('any text gives a configuration or a ConfigError, and nothing else', () => {
  const word = fc.constantFrom(
    ...KEYS.flatMap(({ path }) => path.split('.')),
    '0',
    '-1',
    'yes',
    'http://x/{tenant}',
    ...['upstreams', 'routes', 'tenants', 'paths', 'upstream', 'vm', 'default', 'headers', 'ref: *a'],
    `$${'{A}'}`,
    'a b',
    '""',
  )
  const glue = fc.constantFrom(
    ': ',
    ':\n  ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '&a ',
    '*a',
    '#',
    '|\n',
    '\t',
    '---\n',
    '"',
  )
  const yaml = fc
    .array(fc.oneof(word, glue, fc.string({ maxLength: 4 })), { maxLength: 40 })
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(
      yaml,
      fc.dictionary(
        word.map(name => `SLUICE_${name.toUpperCase()}`),
        fc.string(),
      ),
      (text, env) => {
        expect(Array.isArray(problemsOf(text, env))).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})
