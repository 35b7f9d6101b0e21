import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { KEYS } from '../../../src/config/schema.ts'
import { Gate } from '../../../src/limits/gate.ts'
import { Pressure, processVitals } from '../../../src/limits/pressure.ts'
import { MetadataRouter } from '../../../src/remote-write/metadata/router.ts'
import { createSplitter, type Splitter } from '../../../src/remote-write/splitter.ts'
import { verdictOf } from '../../../src/share/verdict.ts'
import { registerGauges } from '../../../src/telemetry/gauges.ts'
import { Metrics } from '../../../src/telemetry/metrics.ts'
import { createEgress, type Egress } from '../../../src/upstream/egress.ts'

const { config } = loadConfig({ file: { name: 'test.yaml', text: 'target: http://store/push' }, env: {} })

let egress: Egress
let splitter: Splitter
let registry: Registry
let gate: Gate

beforeEach(() => {
  registry = new Registry()
  gate = new Gate({ maxPushes: 5, maxBytes: 100 })
  splitter = createSplitter({ threads: 0, engine: 'reference' })
  egress = createEgress({
    config,
    upstream: {
      route: tenant => ({ path: '/', tenant, headers: { '1.0': [], '2.0': [], credentials: [] } }),
      attempt: async () => ({ verdict: verdictOf(204, '', undefined), reported: undefined }),
    },
    events: { attempted() {}, happened() {}, broke() {}, lost() {} },
    refused() {},
    mergeRequests: splitter.mergeRequests,
    convert: splitter.convert,
    halve: splitter.halve,
  })
  const pressure = new Pressure(config.admission, processVitals(2 ** 34))
  const metrics = new Metrics({ registry, version: '0', includeTenant: false, maxTenants: 7 })
  const metadata = new MetadataRouter({
    policy: config.metadata,
    rules: { haLabels: [], compression: 'fast', maxOutputBytes: 1000 },
    events: { dropped() {}, limited() {} },
    compress: block => block,
    now: () => 0,
  })
  registerGauges(metrics, { config, gate, pressure, egress, splitter, metadata })
})
afterEach(async () => {
  egress.stop()
  await splitter.close()
})

async function gauges() {
  const all = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('sluice_'))
  return new Map(all.map(({ name, help, values }) => [name, { help, value: values[0]?.value }]))
}

describe('each limit', () => {
  test('has a gauge beside it, and its help begins with its key', async () => {
    const all = await gauges()
    const keys = KEYS.map(({ path }) => path)
    const limits = [...all].filter(([name]) => name.endsWith('_limit'))
    expect(limits.map(([name]) => name)).toContain('sluice_lanes_limit')
    for (const [name, { help, value }] of limits) {
      expect(keys).toContain(help.split(',')[0])
      expect(value).toBeGreaterThan(0)
      expect([...all.keys()]).toContain(name.replace(/(_per_(lane|sender))?_limit$/, ''))
    }
  })

  test.each([
    ['in_flight_pushes', 'concurrency', config.concurrency],
    ['in_flight_bytes', 'limits.max_in_flight_bytes', config.limits.maxInFlightBytes],
    ['memory_ratio', 'admission.max_memory_percent, divided by 100', 0.85],
    ['event_loop_delay_seconds', 'admission.max_event_loop_delay', 1],
    ['lanes', 'lanes.max', 10_000],
    ['lanes_queued_bytes_per_lane', 'lanes.max_queued_bytes', 64 * 2 ** 20],
    ['upstream_connections', 'max_conns_per_host', 256],
    ['upstream_connections_per_lane', 'lanes.max_connections_percent', 64],
    ['memo_bytes', 'memo.max_bytes', 16 * 2 ** 20],
    ['tenant_labels', 'metrics.max_tenants', 7],
    ['metadata_senders', 'metadata.max_senders', 200],
    ['metadata_families_per_sender', 'metadata.max_families', 20_000],
    ['metadata_waiting', 'metadata.max_waiting', 20_000],
    ['metadata_waiting_bytes', 'metadata.max_waiting_bytes', 8 * 2 ** 20],
    ['metadata_sent', 'metadata.max_sent', 100_000],
  ])('of %s says what %s is', async (name, help, value) => {
    expect((await gauges()).get(`sluice_${name}_limit`)).toEqual({ help, value })
  })
})

test.each([
  ['delivery', 10, 20],
  ['metadata', 5, 9],
])('docs/%s.md names no metric and no key that there is not', async (page, fewestMetrics, fewestKeys) => {
  const text = readFileSync(new URL(`../../../docs/${page}.md`, import.meta.url), 'utf8')
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name)
  const metrics = new Set([...text.matchAll(/sluice_\w+/g)].map(([name]) => name))
  expect(metrics.size).toBeGreaterThan(fewestMetrics)
  for (const name of metrics) expect(names).toContain(name)
  const paths = KEYS.map(({ path }) => path)
  const keys = new Set([...text.matchAll(/`([a-z]\w*\.[a-z_]+)(?:: [^`]*)?`/g)].map(([, key]) => key))
  expect(keys.size).toBeGreaterThan(fewestKeys)
  for (const key of keys) expect(paths).toContain(key)
})

test('gauges are read when they are asked for', async () => {
  expect((await gauges()).get('sluice_in_flight_bytes')?.value).toBe(0)
  const permit = gate.admit(42)
  expect((await gauges()).get('sluice_in_flight_bytes')?.value).toBe(42)
  if (permit.admitted) permit.release()
  expect((await gauges()).get('sluice_in_flight_bytes')?.value).toBe(0)
  for (const [name, { value }] of await gauges())
    if (/in_flight|waiting|queued|open/.test(name) && !name.endsWith('_limit'))
      expect([name, value]).toEqual([name, 0])
})
