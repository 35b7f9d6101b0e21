import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startApp } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { KEYS } from '../../../src/config/schema.ts'
import { Gauges } from '../../../src/telemetry/gauges.ts'
import { createLogger } from '../../../src/telemetry/log.ts'
import { startUpstream } from '../../support/upstream-stage.ts'

const yaml = `
listen: 127.0.0.1:0
listen_metrics_address: 127.0.0.1:0
target: http://127.0.0.1:1/push
metrics: { max_tenants: 7 }`
const loaded = loadConfig({ file: { name: 'test.yaml', text: yaml }, env: {} })
const { config } = loaded

let app: Awaited<ReturnType<typeof startApp>>
let registry: Registry

beforeEach(async () => {
  registry = new Registry()
  app = await startApp(loaded, { log: createLogger(config.log), registry, version: '0' })
})
afterEach(() => app.stop())

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
  ['reload', 2, 8],
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
  let value = 1
  const own = new Registry()
  new Gauges(own).offer([{ name: 'thing', help: 'A thing.', read: () => value }])
  expect(await own.getSingleMetricAsString('sluice_thing')).toMatch(/^sluice_thing 1$/m)
  value = 2
  expect(await own.getSingleMetricAsString('sluice_thing')).toMatch(/^sluice_thing 2$/m)
})

test('gauges of what is gone are gone, and those of its like stay', async () => {
  const own = new Registry()
  const board = new Gauges(own)
  const gauges = (read: () => number) => [{ name: 'thing', help: 'A thing.', read }]
  const one = board.offer(
    gauges(() => 1),
    { upstream: 'one' },
  )
  board.offer(
    gauges(() => 2),
    { upstream: 'two' },
  )
  const shown = async () => (await own.getSingleMetricAsString('sluice_thing')).match(/^sluice_.*$/gm)
  expect(await shown()).toEqual(['sluice_thing{upstream="one"} 1', 'sluice_thing{upstream="two"} 2'])
  one[Symbol.dispose]()
  expect(await shown()).toEqual(['sluice_thing{upstream="two"} 2'])
})

test('gauges of which one can’t be shown are not shown at all, and may be offered again', async () => {
  const own = new Registry()
  const board = new Gauges(own)
  const gauges = ['one', 'other'].map(name => ({ name, help: 'A thing.', read: () => 1 }))
  new Gauges(own).offer(gauges.slice(1))
  expect(() => board.offer(gauges)).toThrow('sluice_other has already been registered')
  own.removeSingleMetric('sluice_other')
  board.offer(gauges)
  expect(await own.getSingleMetricAsString('sluice_one')).toMatch(/^sluice_one 1$/m)
  expect(await own.getSingleMetricAsString('sluice_other')).toMatch(/^sluice_other 1$/m)
})

test('while one of its name is on its way out, counts are summed, and states and limits are the newer one’s', async () => {
  const own = new Registry()
  const board = new Gauges(own)
  const offer = (count: number, state: number, limit: number) =>
    board.offer(
      [
        { name: 'things', help: 'A test.', read: () => count, limit: { key: 'max', read: () => limit } },
        { name: 'open', help: 'A test.', read: () => state, state: true },
      ],
      { upstream: 'one' },
    )
  const shown = async () => (await own.metrics()).match(/^sluice_.*$/gm)
  const old = offer(3, 1, 10)
  const next = offer(4, 0, 20)
  expect(await shown()).toEqual([
    'sluice_things{upstream="one"} 7',
    'sluice_things_limit{upstream="one"} 20',
    'sluice_open{upstream="one"} 0',
  ])
  next[Symbol.dispose]()
  expect(await shown()).toEqual([
    'sluice_things{upstream="one"} 3',
    'sluice_things_limit{upstream="one"} 10',
    'sluice_open{upstream="one"} 1',
  ])
  old[Symbol.dispose]()
})

test('of a store, its protocol and whether its breaker is open are states', async () => {
  await using stage = await startUpstream()
  const states = stage.upstream.gauges.filter(({ state }) => state === true)
  expect(states.map(({ name }) => name)).toEqual(['upstream_breaker_open', 'upstream_protocol'])
})

test('nothing is in flight, waits or is open in a process that nobody asks anything', async () => {
  for (const [name, { value }] of await gauges())
    if (/in_flight|waiting|queued|open/.test(name) && !name.endsWith('_limit'))
      expect([name, value]).toEqual([name, 0])
})
