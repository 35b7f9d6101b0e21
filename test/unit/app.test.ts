/** What only all parts together do, in this process. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadConfigOffThread } from '../../src/config/off-thread.ts'
import { createLogger } from '../../src/telemetry/log.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { eventually } from '../support/eventually.ts'
import { startReceiver } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import { request } from '../support/request.ts'
import { bodyOf } from '../support/stage.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A secret as the kubelet mounts it: `password` links into a directory that is replaced as a whole. */
function mountedSecret(first: string) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-secret-'))
  cleanups.push(() => rmSync(dir, { recursive: true }))
  let versions = 0
  const rotate = (password: string) => {
    const version = `..${++versions}`
    mkdirSync(join(dir, version))
    writeFileSync(join(dir, version, 'password'), `${password}\n`)
    symlinkSync(version, join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
  }
  rotate(first)
  symlinkSync(join('..data', 'password'), join(dir, 'password'))
  return { path: join(dir, 'password'), rotate }
}

/** Sluice before a store that takes one password, with the file of it. */
async function start(followIntervalMs: number) {
  const secret = mountedSecret('old')
  let accepted = 'old'
  const store = await startReceiver(({ headers }, response) => {
    const expected = `Basic ${Buffer.from(`me:${accepted}`).toString('base64')}`
    response.writeHead(headers.authorization === expected ? 204 : 401).end()
  })
  cleanups.push(() => store[Symbol.asyncDispose]())
  const text = JSON.stringify({
    listen: '127.0.0.1:0',
    listen_metrics_address: '127.0.0.1:0',
    target: `${store.url}/push`,
    log_level: 'info',
    tenant: { label: 'tenant' },
    auth: { egress: { username: 'me', password_file: secret.path } },
  })
  const loaded = loadConfig({ file: { name: 'test.yaml', text }, env: {} })
  let log = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log += chunk
      done()
    },
  })
  const app = await startApp(loaded, {
    log: createLogger(loaded.config.log, stream),
    registry: new Registry(),
    version: '0.0.0',
    followIntervalMs,
  })
  cleanups.push(() => app.stop())
  let n = 0
  return {
    secret,
    log: () => log,
    accept: (password: string) => {
      accepted = password
    },
    push: async (tenant = 'a') => {
      const body = bodyOf([{ tenant, n: String(n++) }])
      const { status } = await request(new URL(`${app.url}/push`), { body, headers: PUSH_HEADERS['1.0'] })
      return status
    },
  }
}

describe('a password file that is rotated while the app runs', () => {
  test('is followed, by lanes that were there before and by new ones', async () => {
    const { secret, push, accept, log } = await start(10)
    expect(await push()).toBe(204)
    secret.rotate('new')
    await eventually(() => log().includes('a file changed and is used from now on'))
    accept('new')
    expect(await push()).toBe(204)
    expect(await push('b')).toBe(204)
    expect(log()).not.toMatch(/"(old|new)"/)
  })

  test('is read at once when the store answers 401, and the next push is delivered', async () => {
    const { secret, push, accept, log } = await start(3_600_000)
    expect(await push()).toBe(204)
    secret.rotate('new')
    accept('new')
    expect(await push()).toBe(503)
    await eventually(() => log().includes('a file changed and is used from now on'))
    expect(await push()).toBe(204)
  })
})

test('a reload of 1,000 routes with a path each takes less than 50 ms in any turn', async () => {
  const sourceOf = (version: number) => {
    const routes = Array.from({ length: 1000 }, (_, i) => {
      return { paths: [`/p${i}/push`], tenants: [`t${i}`, `v${version}-${i}-*`], upstream: `u${i % 20}` }
    })
    const stores = Array.from({ length: 20 }, (_, i) => [`u${i}`, { target: `http://127.0.0.1:1/${i}` }])
    const text = JSON.stringify({
      listen: '127.0.0.1:0',
      listen_metrics_address: '127.0.0.1:0',
      timeout_shutdown: '0s',
      log_level: 'error',
      upstreams: Object.fromEntries(stores),
      routes,
    })
    return { file: { name: 'test.yaml', text }, env: {} }
  }
  let version = 0
  const first = loadConfig(sourceOf(version))
  const app = await startApp(first, {
    log: createLogger({ level: 'error', format: 'json' }),
    registry: new Registry(),
    version: '0.0.0',
    load: () => loadConfigOffThread(sourceOf(++version)),
  })
  cleanups.push(() => app.stop())
  const longest: number[] = []
  for (let round = 0; round < 5; round++) {
    let most = 0
    let running = true
    let before = process.threadCpuUsage()
    const turn = () => {
      const { user, system } = process.threadCpuUsage(before)
      most = Math.max(most, (user + system) / 1000)
      before = process.threadCpuUsage()
      if (running) setImmediate(turn)
    }
    setImmediate(turn)
    expect(await app.reload()).toEqual({ ok: true, restart: [] })
    running = false
    await new Promise(setImmediate)
    longest.push(most)
  }
  // The least: the others share their cores with other tests.
  expect(Math.min(...longest)).toBeLessThan(50)
})

test('an upstream of an earlier configuration that can’t be closed is said, and ends nothing', async () => {
  const loaded = (port: number) => {
    const text = JSON.stringify({
      listen: '127.0.0.1:0',
      listen_metrics_address: '127.0.0.1:0',
      target: `http://127.0.0.1:${port}/push`,
      timeout_shutdown: '0s',
    })
    return loadConfig({ file: { name: 'test.yaml', text }, env: {} })
  }
  let log = ''
  const app = await startApp(loaded(1), {
    log: createLogger(
      loaded(1).config.log,
      new Writable({
        write(chunk, _encoding, done) {
          log += chunk
          done()
        },
      }),
    ),
    registry: new Registry(),
    version: '0.0.0',
    load: async () => loaded(2),
  })
  vi.spyOn(Upstream.prototype, 'drained').mockRejectedValueOnce(new Error('no way'))
  expect(await app.reload()).toMatchObject({ ok: true })
  await eventually(() => log.includes('a bug: an upstream could not be closed'))
  await app.stop()
  expect(log).toContain('no way')
})
