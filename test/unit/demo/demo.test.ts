import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { startApp } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { type RunningSluice, runDemo } from '../../../src/demo/demo.ts'
import { createLogger } from '../../../src/telemetry/log.ts'

async function startSluice(yaml: string): Promise<RunningSluice> {
  const loaded = loadConfig({ file: { name: 'demo', text: yaml }, env: {} })
  expect(loaded.warnings).toEqual([])
  const registry = new Registry()
  const app = await startApp(loaded, { log: createLogger(loaded.config.log), registry, version: '0.0.0' })
  return {
    pushUrl: `${app.url}/api/v1/push`,
    metricsUrl: `${app.metricsUrl}/metrics`,
    registry,
    close: () => app.stop(),
  }
}

interface Running {
  readonly store: string
  readonly push: string
  text(): string
  stop(): Promise<void>
}

async function start(ports: { push: number; metrics: number; store: number }): Promise<Running> {
  const stop = new AbortController()
  let text = ''
  const output = { write: (more: string) => (text += more) }
  const done = runDemo({ ports, intervalMs: 20 }, { startSluice, output, signal: stop.signal })
  await until(async () => text.includes('Ctrl-C'))
  const address = (name: string) => new RegExp(`${name} +(http://\\S+)`).exec(text)?.[1] ?? ''
  return {
    store: address('store'),
    push: address('pushes'),
    text: () => text,
    async stop() {
      stop.abort()
      await done
    },
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10))
}

async function ask(store: string, tenant: string, query: string): Promise<Record<string, string>[]> {
  const url = `${store}/api/v1/query?query=${encodeURIComponent(query)}`
  const answer = await fetch(url, { headers: { 'x-scope-orgid': tenant } })
  const { data } = (await answer.json()) as { data: { result: { metric: Record<string, string> }[] } }
  return data.result.map(({ metric }) => metric)
}

const FREE = { push: 0, metrics: 0, store: 0 }

test('each tenant receives its own series, and none has the tenant label', async () => {
  const demo = await start(FREE)
  const jobs = { 'team-a': 'sluice', 'team-b': 'sluice-process', 'team-c': 'host', default: 'demo-sender' }
  for (const [tenant, job] of Object.entries(jobs)) {
    await until(async () => (await ask(demo.store, tenant, 'up')).length > 0)
    const up = await ask(demo.store, tenant, 'up')
    expect(up).toEqual([{ __name__: 'up', job, instance: up[0]?.instance }])
  }
  expect(await ask(demo.store, 'team-a', 'sluice_pushes_total')).toHaveLength(1)
  expect(await ask(demo.store, 'team-b', 'process_start_time_seconds')).toHaveLength(1)
  expect(await ask(demo.store, 'team-c', 'node_load1')).toHaveLength(1)
  await until(async () => demo.text().includes('TENANT'))
  expect(demo.text()).toMatch(/^team-a +\d/m)
  await demo.stop()
  await expect(fetch(`${demo.store}/api/v1/tenants`)).rejects.toThrow()
  await expect(fetch(demo.push)).rejects.toThrow()
})

test('ports that are taken give way to free ones', async () => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  const demo = await start({ push: port, metrics: port, store: port })
  expect(new URL(demo.store).port).not.toBe(String(port))
  expect(new URL(demo.push).port).not.toBe(String(port))
  await demo.stop()
  taken.close()
})

test('the store is closed when Sluice can’t start', async () => {
  const stop = new AbortController()
  let store = ''
  const startNothing = async (yaml: string): Promise<RunningSluice> => {
    store = /target: (.*)/.exec(yaml)?.[1] ?? ''
    throw new Error('no')
  }
  const running = runDemo(
    { ports: FREE, intervalMs: 20 },
    { startSluice: startNothing, output: { write: () => {} }, signal: stop.signal },
  )
  await expect(running).rejects.toThrow('no')
  await expect(fetch(store)).rejects.toThrow('fetch failed')
})
