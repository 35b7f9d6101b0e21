/** A configuration that changes under a running process, and what that means for pushes, stores, files and metrics. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { selfSigned } from '../support/certificate.ts'
import { eventually } from '../support/eventually.ts'
import { held } from '../support/held.ts'
import { answerWith, type Receiver, startReceiver } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import { request } from '../support/request.ts'
import { bodyOf, type Stage, startStage } from '../support/stage.ts'

type Config = Readonly<Record<string, unknown>>

const up = (tenant: string) => ({ __name__: 'up', tenant })

const hashOf = async (stage: Stage) => await stage.metric('sluice_config_hash')

/** Where a reload can be asked for. */
const doors = ({ sluice }: Stage) => [
  new URL('/-/reload', sluice.url),
  new URL('/-/reload', sluice.metricsUrl),
]

/** Puts it in place and asks by a signal, which has no answer. */
async function hangUp(stage: Stage, config: Config): Promise<void> {
  const before = await hashOf(stage)
  stage.sluice.configure({ tenant: { label: 'tenant' }, ...config })
  stage.sluice.signal('SIGHUP')
  await eventually(async () => (await hashOf(stage)) !== before)
}

/** Tenants of the requests that a store has got since this was last asked. */
const tenantsAt = (store: Receiver) =>
  store.received
    .splice(0)
    .map(({ headers }) => headers['x-scope-orgid'])
    .sort()

describe('a changed file', () => {
  test('is taken by SIGHUP and by POST /-/reload at both ports, and no push fails meanwhile', async () => {
    await using stage = await startStage()
    const stop = new AbortController()
    const statuses: number[] = []
    const senders = Array.from({ length: 4 }, async (_, sender) => {
      for (let n = 0; !stop.signal.aborted; n++) {
        const { status } = await stage.push([up(`a-${sender}`), up(`b-${n % 7}`)])
        statuses.push(status)
      }
    })
    await hangUp(stage, { limits: { max_series: 1001 } })
    for (const [i, door] of [...doors(stage), ...doors(stage)].entries()) {
      stage.sluice.configure({
        limits: { max_series: 2000 + i },
        tenant: { label: 'tenant' },
        // Each time another store, by its section.
        timeout: `${5 + i}s`,
      })
      expect(await request(door)).toMatchObject({ status: 200, body: 'The configuration is in force.\n' })
    }
    await hangUp(stage, {})
    stop.abort()
    await Promise.all(senders)
    expect(statuses.length).toBeGreaterThan(10)
    expect(statuses.filter(status => status !== 204)).toEqual([])
  })

  test('that is bad keeps what runs, and the log, the answer and three metrics say why', async () => {
    await using stage = await startStage({ config: { limits: { max_series: 1 } } })
    const metrics = async () =>
      await Promise.all(
        ['last_reload_successful', 'last_reload_success_timestamp_seconds', 'hash'].map(name =>
          stage.metric(`sluice_config_${name}`),
        ),
      )
    const before = await metrics()
    expect(before[0]).toBe(1)

    const bad = `target: ${stage.store.url}/push\non_429: never\ntenant:\n  lable: team\ntimeout: x\n`
    const { status, body } = await stage.reload(bad)
    expect(status).toBe(400)
    expect(body).toMatch(/^The old configuration stays in force\. The configuration has 3 problems:/)
    for (const place of [
      'sluice.yaml:2:9: on_429',
      'sluice.yaml:4:3: tenant.lable',
      'sluice.yaml:5:10: timeout',
    ]) {
      expect(body).toContain(place)
      expect(stage.sluice.log()).toContain(place)
    }
    expect(await metrics()).toEqual([0, ...before.slice(1)])
    expect((await stage.push([up('a')])).status).toBe(204)
    expect((await stage.push([up('a'), up('b')])).status).toBe(400)

    expect((await stage.reload({})).status).toBe(200)
    const [successful, at, hash] = await metrics()
    expect(successful).toBe(1)
    expect(at).toBeGreaterThan(before[1] as number)
    expect(hash).not.toBe(before[2])
    expect((await stage.push([up('a'), up('b')])).status).toBe(204)
  })

  test('that is gone, or names a file that is, keeps what runs', async () => {
    await using stage = await startStage()
    const missing = { auth: { egress: { username: 'me', password_file: '/nowhere/password' } } }
    expect(await stage.reload(missing)).toMatchObject({
      status: 400,
      body: expect.stringMatching(/sluice\.yaml:\d+:\d+: auth\.egress\.password_file/),
    })
    rmSync(stage.sluice.configFile)
    expect(await request(doors(stage)[0] as URL)).toMatchObject({
      status: 400,
      body: expect.stringContaining('can’t read the configuration'),
    })
    expect((await stage.push([up('a')])).status).toBe(204)
  })

  test('names the keys that need a restart, in the answer and in the log', async () => {
    await using stage = await startStage({ config: { split: { threads: 1 } } })
    const { status, body } = await stage.reload({
      split: { threads: 0 },
      metrics_include_tenant: true,
      on_429: 'retry',
    })
    expect(status).toBe(200)
    expect(body.split('\n').slice(0, -1).sort()).toEqual([
      'The configuration is in force.',
      'metrics_include_tenant was changed and needs a restart',
      'split.threads was changed and needs a restart',
    ])
    expect(stage.sluice.log()).toContain('changed keys that need a restart stay what they were')
    stage.store.respond = answerWith(429)
    expect((await stage.push([up('a')])).status).toBe(503)
  })
})

describe('POST /-/reload', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await startStage()
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  test.each(['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via'])(
    'that %s says was passed on is 403',
    async name => {
      for (const door of doors(stage)) {
        expect((await request(door, { headers: { [name]: '10.0.0.1' } })).status).toBe(403)
      }
    },
  )

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('by %s is 405', async method => {
    for (const door of doors(stage)) {
      const { status, headers } = await request(door, { method })
      expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'POST' })
    }
  })

  test('may have a body of any type', async () => {
    for (const door of doors(stage)) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      expect((await request(door, { headers, body: new Uint8Array(0) })).status).toBe(200)
      expect((await request(door, { headers, body: new Uint8Array(9) })).status).toBe(200)
    }
  })

  test('many at once are all answered, and one is under way at a time', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => request(doors(stage)[0] as URL)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect((await stage.push([up('a')])).status).toBe(204)
  })
})

test('what a reload changes holds for the next push', async () => {
  await using stage = await startStage()
  const { store } = stage
  const taken = async (config: Config) =>
    expect((await stage.reload(config)).body).toBe('The configuration is in force.\n')
  const pushed = async (...list: Parameters<Stage['push']>[0]) => (await stage.push(list)).status

  await taken({ limits: { max_series: 1 } })
  expect(await pushed(up('a'), up('b'))).toBe(400)
  await taken({ limits: { max_body: '1KiB' } })
  expect((await stage.send(new Uint8Array(1025))).status).toBe(413)
  await taken({ tenant: { label: 'team', prefix: 'x-', default: 'rest' } })
  store.received.splice(0)
  expect(await pushed({ __name__: 'up', team: 't', tenant: 'a' }, up('b'))).toBe(204)
  expect(tenantsAt(store)).toEqual(['x-rest', 'x-t'])
  store.respond = answerWith(429)
  await taken({})
  expect(await pushed(up('a'))).toBe(429)
  await taken({ on_429: 'retry' })
  expect(await pushed(up('a'))).toBe(503)
  store.respond = answerWith(401)
  await taken({ on_upstream_refusal: 'pass' })
  expect(await pushed(up('a'))).toBe(400)
  store.respond = answerWith(204)
  await taken({ idle_timeout: '7s' })
  const kept = await stage.push([up('a')], { headers: { connection: 'keep-alive' } })
  expect(kept.headers['keep-alive']).toBe('timeout=7')
  await taken({ log_level: 'info' })
  expect(stage.sluice.log()).toContain('the configuration was taken into force')
  const lines = () => stage.sluice.log().split('taken into force').length
  const before = lines()
  await taken({ log_level: 'warn' })
  expect(lines()).toBe(before)
  await taken({ concurrency: 1 })
  const { respond, release, waiting } = held()
  store.respond = respond
  const first = stage.push([up('a')])
  await eventually(() => waiting.length === 1)
  expect(await pushed(up('b'))).toBe(503)
  release()
  expect((await first).status).toBe(204)
})

test('a push in flight ends by the rules that it began with', async () => {
  await using stage = await startStage()
  await using other = await startReceiver()
  const answers: (() => void)[] = []
  stage.store.respond = (_received, response) => {
    answers.push(() => response.writeHead(429).end())
  }
  const first = stage.push([up('a')])
  await eventually(() => answers.length === 1)
  expect((await stage.reload({ on_429: 'retry', target: `${other.url}/push` })).status).toBe(200)
  other.respond = answerWith(429)
  expect((await stage.push([up('a')])).status).toBe(503)
  expect(stage.store.received.length).toBe(1)
  answers[0]?.()
  expect((await first).status).toBe(429)
})

/** Connections of a store, as they were opened, and which of them are still open. */
function countConnections(store: Receiver) {
  const sockets = new Set<Socket>()
  store.respond = (_received, response, { socket }) => {
    sockets.add(socket)
    response.writeHead(204).end()
  }
  return {
    get opened() {
      return sockets.size
    },
    get open() {
      return [...sockets].filter(({ destroyed }) => !destroyed).length
    },
  }
}

describe('stores', () => {
  const both = (one: Receiver, two: Receiver, more: Config = {}, name = 'two') => ({
    target: `${one.url}/push`,
    upstreams: { [name]: { target: `${two.url}/push`, ...more } },
    routes: [{ tenants: ['b'], upstream: name }],
  })

  test('keep their connections where their sections are the same; another one is opened anew, and what is gone is not shown', async () => {
    await using two = await startReceiver()
    await using one = await startReceiver()
    await using stage = await startStage({ config: both(one, two) })
    const [atOne, atTwo] = [countConnections(one), countConnections(two)]
    const shown = async (name: string) => {
      const { body } = await request(stage.sluice.metricsUrl, { method: 'GET' })
      return body.split('\n').filter(line => line.includes(`upstream="${name}"`)).length
    }
    const push = async () => expect((await stage.push([up('a'), up('b')])).status).toBe(204)
    await push()
    await push()
    expect([atOne.opened, atTwo.opened]).toEqual([1, 1])

    // Neither is touched by this.
    await stage.reload({ ...both(one, two), on_429: 'retry' })
    await push()
    expect([atOne.opened, atTwo.opened]).toEqual([1, 1])

    await stage.reload(both(one, two, { timeout: '3s' }))
    await push()
    expect([atOne.opened, atTwo.opened]).toEqual([1, 2])
    await eventually(() => atTwo.open === 1)
    const lanes = await stage.metric('sluice_lanes{upstream="two"}')
    expect(lanes).toBe(1)

    await stage.reload(both(one, two, { timeout: '3s' }, 'renamed'))
    await push()
    await eventually(async () => (await shown('two')) === 0)
    expect(await shown('renamed')).toBeGreaterThan(8)
    await stage.reload({ target: `${one.url}/push` })
    await push()
    await eventually(async () => (await shown('renamed')) === 0)
    // One for each of its two tenants now.
    expect([atOne.opened, atTwo.opened, atTwo.open]).toEqual([2, 3, 0])
    expect(await shown('default')).toBeGreaterThan(8)
  })

  test('lose a tenant to each other by a reload', async () => {
    await using two = await startReceiver()
    await using one = await startReceiver()
    await using stage = await startStage({ config: both(one, two) })
    const push = async () => expect((await stage.push([up('a'), up('b')])).status).toBe(204)
    await push()
    expect([tenantsAt(one), tenantsAt(two)]).toEqual([['a'], ['b']])
    await stage.reload({ ...both(one, two), routes: [{ tenants: ['a'], upstream: 'two' }] })
    await push()
    expect([tenantsAt(one), tenantsAt(two)]).toEqual([['b'], ['a']])
  })

  test('that a tenant moved to get what its old store has, when the push is sent again; one that stays gets it once', async () => {
    await using two = await startReceiver()
    await using one = await startReceiver()
    const retry = { retry: { max_attempts: 1 }, breaker: { failures: 0 } }
    await using stage = await startStage({ config: { ...both(one, two), ...retry } })
    const fails = answerWith(503)
    const works = answerWith(204)

    two.respond = fails
    const moved = bodyOf([up('a'), up('b')])
    expect((await stage.send(moved)).status).toBe(503)
    expect(tenantsAt(one)).toEqual(['a'])
    two.respond = works
    two.received.splice(0)
    await stage.reload({ ...both(one, two), ...retry, routes: [{ tenants: ['a', 'b'], upstream: 'two' }] })
    expect((await stage.send(moved)).status).toBe(204)
    expect([tenantsAt(one), tenantsAt(two)]).toEqual([[], ['a', 'b']])

    await stage.reload({ ...both(one, two), ...retry })
    two.respond = fails
    const kept = bodyOf([up('a'), up('b'), { ...up('b'), n: '1' }])
    expect((await stage.send(kept)).status).toBe(503)
    expect(tenantsAt(one)).toEqual(['a'])
    two.respond = works
    two.received.splice(0)
    // Only the section of the other store changes, and what an answer says.
    await stage.reload({ ...both(one, two, { timeout: '3s' }), ...retry, on_429: 'retry' })
    expect((await stage.send(kept)).status).toBe(204)
    expect([tenantsAt(one), tenantsAt(two)]).toEqual([[], ['b']])
  })
})

describe('files that the configuration names', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-reload-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, `${name}.new`), text)
    renameSync(join(dir, `${name}.new`), join(dir, name))
    return join(dir, name)
  }

  test('a password, authorities and our certificate change under a running process', {
    timeout: 60_000,
  }, async () => {
    const [ours, next, stores, others] = await Promise.all([1, 2, 3, 4].map(selfSigned))
    if (!ours || !next || !stores || !others) throw new Error('BUG: four certificates')
    let password = 'old'
    const store = await startReceiver(({ headers }, response) => {
      const expected = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`
      response.writeHead(headers.authorization === expected ? 204 : 401).end()
    }, stores)
    const config = {
      retry: { max_attempts: 1 },
      breaker: { failures: 0 },
      auth: {
        egress: {
          username: 'me',
          password_file: put('password', 'old'),
          tls_config: { ca_bundle_file: put('ca', others.cert) },
        },
        ingress: { tls_config: { cert_file: put('cert', ours.cert), key_file: put('key', ours.key) } },
      },
    }
    await using stage = await startStage({ store, config })
    const url = new URL(stage.sluice.url.href.replace('http:', 'https:'))
    const body = bodyOf([up('a')])
    const push = async (ca: string) => (await request(url, { body, ca, headers: PUSH_HEADERS['1.0'] })).status
    const pushes = (ca: string, wanted: number) => eventually(async () => (await push(ca)) === wanted)

    // A store whose certificate nobody trusts; then its own authority is put there, and nothing is asked for.
    expect(await push(ours.cert)).toBe(503)
    put('ca', stores.cert)
    await pushes(ours.cert, 204)

    put('password', 'new')
    password = 'new'
    await pushes(ours.cert, 204)

    // With a reload, nobody waits for the next look.
    put('cert', next.cert)
    put('key', next.key)
    expect((await stage.reload(config)).status).toBe(200)
    expect(await push(next.cert)).toBe(204)
    await expect(push(ours.cert)).rejects.toThrow(/certificate/)
  })
})

test('a file that takes the place of the followed one is taken by itself, but not what removes authentication', {
  timeout: 90_000,
}, async () => {
  const auth = { egress: { username: 'me', password: 'secret' } }
  const follow = { config: { follow: true }, tenant: { label: 'tenant' }, log_level: 'info' }
  await using stage = await startStage({ config: { ...follow, auth } })
  const { sluice, store } = stage
  const pushed = async () => (await stage.push([up('a'), up('b')])).status
  const before = await hashOf(stage)

  const text = stringify({ target: `${store.url}/push`, ...follow, auth, limits: { max_series: 1 } })
  writeFileSync(sluice.configFile, text)
  await sleep(6000)
  expect(await hashOf(stage)).toBe(before)
  expect(await pushed()).toBe(204)

  sluice.configure({ ...follow, auth, limits: { max_series: 1 } })
  await eventually(async () => (await hashOf(stage)) !== before)
  expect(await pushed()).toBe(400)

  sluice.configure(follow)
  await eventually(() => sluice.log().includes('it would remove authentication (auth.egress)'))
  store.received.splice(0)
  await stage.push([up('a')])
  expect(store.received[0]?.headers.authorization).toMatch(/^Basic /)
  expect(await stage.metric('sluice_config_last_reload_successful')).toBe(0)

  sluice.signal('SIGHUP')
  await eventually(async () => (await stage.metric('sluice_config_last_reload_successful')) === 1)
  expect(await pushed()).toBe(204)
  expect(store.received.at(-1)?.headers.authorization).toBeUndefined()
})

describe('a reload while the process stops', () => {
  test('is refused, and the process ends as it would', async () => {
    await using stage = await startStage({ config: { timeout_shutdown: '2s' } })
    const ended = stage.sluice.end('SIGTERM')
    const alive = () => request(new URL('/alive', stage.sluice.url), { method: 'GET' })
    await eventually(async () => (await alive()).status === 503)
    const { status, body } = await stage.reload({ timeout: '3s' })
    expect([status, body]).toEqual([400, expect.stringContaining('this process is stopping')])
    stage.sluice.signal('SIGHUP')
    expect((await stage.push([up('a')])).status).toBe(204)
    expect(await ended).toBe(0)
  })

  test('that was under way when it was asked to stop does no harm', async () => {
    await using stage = await startStage({ config: { timeout_shutdown: '100ms' } })
    const { respond, release, waiting } = held()
    stage.store.respond = respond
    const push = stage.push([up('a')])
    await eventually(() => waiting.length === 1)
    stage.sluice.configure({ timeout: '3s' })
    stage.sluice.signal('SIGHUP')
    const ended = stage.sluice.end('SIGTERM')
    await sleep(500)
    stage.sluice.signal('SIGHUP')
    release()
    expect((await push).status).toBe(204)
    expect(await ended).toBe(0)
  })
})
