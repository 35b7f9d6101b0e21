/**
 * Starts that fail, one after the other, then one that works: in a process of its own, which ends by itself where nothing
 * is left of them. What was left after each goes to stdout, a line of JSON each.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { Resources, without } from './resources.ts'

const resources = new Resources()
// Only now: they take what they watch with from where it can be seen.
const { Gauge, Registry } = await import('prom-client')
const { startApp } = await import('../../src/app.ts')
const { loadConfig } = await import('../../src/config/load.ts')
const { createLogger } = await import('../../src/telemetry/log.ts')
const { eventually } = await import('./eventually.ts')
const { selfSigned } = await import('./certificate.ts')
const { bodyOf } = await import('./stage.ts')
const { held } = await import('./held.ts')
const { startReceiver } = await import('./receiver.ts')
const { PUSH_HEADERS } = await import('./remote-write.ts')
const { request } = await import('./request.ts')
type LoadedConfig = ReturnType<typeof loadConfig>

const MINIMAL = { listen: '127.0.0.1:0', listen_metrics_address: '127.0.0.1:0', tenant: { label: 'tenant' } }

function loaded(yaml: Readonly<Record<string, unknown>> = {}): LoadedConfig {
  const text = JSON.stringify({ target: 'http://127.0.0.1:1/push', ...MINIMAL, ...yaml })
  return loadConfig({ file: { name: 'test.yaml', text }, env: {} })
}

function withConfig(from: LoadedConfig, changes: Partial<LoadedConfig['config']>): LoadedConfig {
  return { ...from, config: { ...from.config, ...changes } }
}

const registry = new Registry()
const log = createLogger({ level: 'fatal', format: 'json' }, new Writable({ write: (_, __, done) => done() }))
const start = async (config: LoadedConfig, load = async () => config) => {
  const app = await startApp(config, { log, registry, version: '0', load })
  running.push(app)
  return app
}
const running: { stop(): Promise<void> }[] = []

const taken = createServer().listen(0, '127.0.0.1')
await once(taken, 'listening')
const { port } = taken.address() as AddressInfo
const dir = mkdtempSync(join(tmpdir(), 'sluice-starts-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))

const certified = async () => {
  const { cert, key } = await selfSigned()
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  return loaded({ auth: { ingress: { tls_config: { cert_file: certFile, key_file: keyFile } } } })
}

const FAILING: Readonly<Record<string, () => Promise<unknown>>> = {
  'the address is taken': () => start(loaded({ listen: `127.0.0.1:${port}` })),
  'the address of metrics is taken': () => start(loaded({ listen_metrics_address: `127.0.0.1:${port}` })),
  'the address of metrics is taken, with a certificate': async () =>
    start(withConfig(await certified(), { listenMetrics: { host: '127.0.0.1', port } })),
  'the certificate has vanished': async () => {
    const config = await certified()
    rmSync(join(dir, 'cert.pem'))
    await start(config)
  },
  'the certificate is another’s': async () => {
    const config = await certified()
    writeFileSync(join(dir, 'cert.pem'), (await selfSigned()).cert)
    await start(config)
  },
  'the engine can’t start': () =>
    start({
      ...loaded(),
      config: {
        ...loaded().config,
        get engine(): never {
          throw new Error('no engine')
        },
      },
    }),
  'a counter is there already': () => startBeside('sluice_received_bytes_total'),
  'a metric of the process is there already': () => startBeside('nodejs_gc_duration_seconds'),
  'a gauge of upstreams is there already': () => startBeside('sluice_breakers_open'),
  'a gauge of the process is there already': () => startBeside('sluice_config_hash'),
  'the second upstream can’t be opened': () => {
    const good = loaded()
    const [first] = good.config.upstreams
    if (first === undefined) throw new Error('BUG: no upstream')
    const second = {
      ...first,
      name: 'second',
      get target(): never {
        throw new Error('no upstream')
      },
    }
    return start(withConfig(good, { upstreams: [first, second] }))
  },
}

async function startBeside(name: string): Promise<void> {
  new Gauge({ name, help: 'Of somebody else.', registers: [registry] })
  try {
    await start(loaded())
  } finally {
    registry.removeSingleMetric(name)
  }
}

const GOOD: Readonly<Record<string, () => Promise<void>>> = {
  'a good start is stopped, twice': async () => {
    await using store = await startReceiver()
    const app = await start(loaded({ target: `${store.url}/push` }))
    expectStatus(204, await push(app.url, 'a'))
    const first = app.stop()
    await Promise.all([first, app.stop()])
    await app.stop()
  },
  'it is stopped while its threads start': async () => {
    await using store = await startReceiver()
    const app = await start(loaded({ target: `${store.url}/push`, split: { threads: 1 } }))
    // Long enough to be meant for a thread; it starts one, and is split here.
    const noise = Array.from({ length: 6000 }, (_, i) => ({ tenant: 'a', i: `${Math.sin(i)}${Math.cos(i)}` }))
    expectStatus(204, await push(app.url, ...noise))
    await app.stop()
  },
  'it is stopped while an upstream of an earlier configuration is drained': async () => {
    await using store = await startReceiver()
    await using next = await startReceiver()
    const { respond, release, waiting } = held()
    store.respond = respond
    const after = loaded({ target: `${next.url}/push` })
    const app = await start(loaded({ target: `${store.url}/push` }), async () => after)
    const old = push(app.url, 'a')
    await eventually(() => waiting.length === 1)
    if (!(await app.reload()).ok) throw new Error('the reload failed')
    expectStatus(204, await push(app.url, 'a'))
    const stopped = app.stop()
    release()
    expectStatus(204, await old)
    await stopped
  },
  'it is stopped while a store says nothing, and so does that of an earlier configuration': async () => {
    await using store = await startReceiver(() => {})
    const yaml = { target: `${store.url}/push`, drain_timeout: '200ms', timeout: '5s' }
    const app = await start(loaded(yaml), async () => loaded({ ...yaml, timeout: '6s' }))
    const one = push(app.url, 'a')
    await eventually(() => store.received.length === 1)
    if (!(await app.reload()).ok) throw new Error('the reload failed')
    const other = push(app.url, 'a')
    await eventually(() => store.received.length === 2)
    await app.stop()
    expectStatus(503, await one)
    expectStatus(503, await other)
  },
  'a reload fails at its second upstream': async () => {
    const first = loaded()
    const [one] = first.config.upstreams
    if (one === undefined) throw new Error('BUG: no upstream')
    const broken = {
      ...one,
      name: 'broken',
      get target(): never {
        throw new Error('no upstream')
      },
    }
    const changed = { ...one, name: 'third', fingerprint: 'another' }
    const app = await start(first, async () => withConfig(first, { upstreams: [one, changed, broken] }))
    const outcome = await app.reload()
    if (outcome.ok || !outcome.reason.includes('no upstream')) throw new Error('the reload did not fail')
    await eventually(async () => !/third|broken/.test(await registry.metrics()))
    await app.stop()
  },
  'a reload comes when it is stopped': async () => {
    const app = await start(loaded(), async () => loaded({ timeout: '7s' }))
    const stopped = app.stop()
    await stopped
    const outcome = await app.reload()
    if (outcome.ok) throw new Error('it was taken into force')
  },
}

async function push(url: string, ...tenants: readonly (string | Readonly<Record<string, string>>)[]) {
  const body = bodyOf(tenants.map(it => (typeof it === 'string' ? { tenant: it } : it)))
  return (await request(new URL(`${url}/push`), { body, headers: PUSH_HEADERS['1.0'] })).status
}

function expectStatus(expected: number, status: number): void {
  if (status !== expected) throw new Error(`answered with ${status}`)
}

/** Once through all that is loaded or begun once in a process: that is no part's to end. */
async function warmUp(): Promise<void> {
  // A thread would begin to use both.
  for (const stream of [process.stdout, process.stderr]) stream.write('')
  const app = await start(loaded())
  await registry.metrics()
  await app.stop()
}

await warmUp()
const before = resources.now
const kept = process.getActiveResourcesInfo()
const metrics = registry.getMetricsAsArray().length
for (const [name, run] of [...Object.entries(FAILING), ...Object.entries(GOOD)]) {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => String(thrown),
  )
  for (const app of running.splice(0)) await app.stop()
  const left = await resources.beyond(before)
  const keeping = without(process.getActiveResourcesInfo(), kept)
  const registered = registry.getMetricsAsArray().length - metrics
  process.stdout.write(`${JSON.stringify({ name, error, left, keeping, registered })}\n`)
}
taken.close()
