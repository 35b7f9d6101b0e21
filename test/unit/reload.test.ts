import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { Reloading } from '../../src/reload.ts'
import { createLogger } from '../../src/telemetry/log.ts'

const TARGET = 'target: http://store/push\n'
const AUTH = 'auth: {egress: {username: me, password: secret}}\n'
const FOLLOW = 'config: {follow: true}\n'

const loaded = (more = ''): LoadedConfig =>
  loadConfig({ file: { name: 'test.yaml', text: `${TARGET}${more}` }, env: {} })

/** With the text of the file, as it is whenever it is read. */
function start(first = '') {
  const stage = { text: first, applied: [] as LoadedConfig[], log: '', reads: 0, clock: 1_000_000 }
  let gate: Promise<void> = Promise.resolve()
  const config = loaded(first)
  const stream = new Writable({
    write(chunk, _encoding, done) {
      stage.log += chunk
      done()
    },
  })
  const reloading = new Reloading({
    first: config,
    load: async () => {
      stage.reads++
      const { text } = stage
      await gate
      return loaded(text)
    },
    apply: next => stage.applied.push(next),
    log: createLogger({ ...config.config.log, level: 'info' }, stream),
    now: () => stage.clock,
  })
  /** Reads wait until what is returned is called. */
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    return resolve
  }
  const gauge = (name: string) => reloading.gauges.find(it => it.name === `config_${name}`)?.read()
  return { reloading, stage, hold, gauge }
}

describe('a reload', () => {
  test('takes the new configuration, says which keys changed, and counts the success', async () => {
    const { reloading, stage, gauge } = start()
    const before = gauge('hash')
    stage.text = 'on_429: retry\nlimits: {max_series: 7}\n'
    stage.clock += 5000
    expect(await reloading.reload()).toEqual({ ok: true, restart: [] })
    expect(stage.applied.map(({ config }) => [config.on429, config.limits.maxSeries])).toEqual([['retry', 7]])
    expect(stage.log).toContain('"changed":["on_429","limits.max_series"]')
    expect(gauge('last_reload_successful')).toBe(1)
    expect(gauge('last_reload_success_timestamp_seconds')).toBe(1005)
    expect(gauge('hash')).toBe(loaded(stage.text).hash)
    expect(gauge('hash')).not.toBe(before)
  })

  test('names the keys that need a restart', async () => {
    const { reloading, stage } = start()
    stage.text = 'listen: 127.0.0.1:1\non_429: retry\nsplit: {threads: 0}\n'
    expect(await reloading.reload()).toEqual({ ok: true, restart: ['listen', 'split.threads'] })
    expect(stage.log).toContain('"keys":["listen","split.threads"]')
  })

  test('names them again while they wait, and no more when they are what they were at the start', async () => {
    const { reloading, stage } = start()
    for (const [text, restart] of [
      ['listen: 127.0.0.1:1\n', ['listen']],
      ['listen: 127.0.0.1:1\n', ['listen']],
      ['listen: 127.0.0.1:1\non_429: retry\n', ['listen']],
      ['on_429: retry\n', []],
    ] as const) {
      stage.text = text
      expect(await reloading.reload()).toEqual({ ok: true, restart })
    }
  })

  test('gives pushes a turn between the check, what follows from it and the list of what changed', async () => {
    let turns = 0
    let counting = true
    const count = () => {
      turns++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    const steps: number[] = []
    const reloading = new Reloading({
      first: loaded(),
      load: async () => {
        steps.push(turns)
        return loaded('on_429: retry\n')
      },
      apply: () => steps.push(turns),
      log: createLogger({ level: 'info', format: 'json' }, new Writable({ write: (_1, _2, done) => done() })),
    })
    await reloading.reload()
    steps.push(turns)
    counting = false
    expect(new Set(steps).size).toBe(3)
  })

  test('of a bad file keeps what runs, and says all that is wrong', async () => {
    const { reloading, stage, gauge } = start()
    const hash = gauge('hash')
    stage.text = 'on_429: never\ntimeout: x\n'
    stage.clock += 5000
    const outcome = await reloading.reload()
    expect(outcome).toMatchObject({ ok: false })
    expect(JSON.stringify(outcome)).toMatch(/test\.yaml:2:9.*test\.yaml:3:10/)
    expect(stage.log).toMatch(/test\.yaml:2:9.*test\.yaml:3:10/)
    expect(stage.applied).toEqual([])
    expect(gauge('last_reload_successful')).toBe(0)
    expect(gauge('last_reload_success_timestamp_seconds')).toBe(1000)
    expect(gauge('hash')).toBe(hash)
    stage.text = ''
    expect(await reloading.reload()).toEqual({ ok: true, restart: [] })
    expect(gauge('last_reload_successful')).toBe(1)
  })

  test('that can’t be applied is a failure, and what was in force stays so', async () => {
    const broken = new Reloading({
      first: loaded(),
      load: async () => loaded('on_429: retry\n'),
      apply: () => {
        throw new Error('no room')
      },
      log: createLogger({ ...loaded().config.log, level: 'fatal' }, new Writable()),
    })
    const hash = () => broken.gauges.find(({ name }) => name === 'config_hash')?.read()
    expect(await broken.reload()).toEqual({ ok: false, reason: 'no room' })
    expect(hash()).toBe(loaded().hash)
    expect(await broken.reload()).toEqual({ ok: false, reason: 'no room' })
  })

  test('asked for while another is under way is the next, and reads the file anew', async () => {
    const { reloading, stage, hold } = start()
    const release = hold()
    const first = reloading.reload()
    // The first one reads now.
    await new Promise(setImmediate)
    const others = [reloading.reload(), reloading.reload()]
    stage.text = 'on_429: retry\n'
    release()
    expect(await Promise.all([first, ...others])).toEqual(Array(3).fill({ ok: true, restart: [] }))
    // Both that waited are one.
    expect([stage.reads, stage.applied.map(({ config }) => config.on429)]).toEqual([2, ['pass', 'retry']])
  })
})

describe('a followed change', () => {
  test('is left alone where the configuration in force does not follow', async () => {
    const { reloading, stage } = start()
    stage.text = FOLLOW
    expect(await reloading.follow()).toMatchObject({ ok: false })
    expect(stage.reads).toBe(0)
    await reloading.reload()
    stage.text = `${FOLLOW}on_429: retry\n`
    expect(await reloading.follow()).toEqual({ ok: true, restart: [] })
  })

  test.each([
    ['auth.egress', AUTH, ''],
    [
      'upstreams.vm.auth',
      'upstreams: {vm: {target: "http://vm/push", auth: {username: me, password: secret}}}\n',
      'upstreams: {vm: {target: "http://vm/push"}}\n',
    ],
    [
      'upstreams.vm.headers.X-Api-Key',
      'upstreams: {vm: {target: "http://vm/push", headers: {X-Api-Key: secret, X-Other: a}}}\n',
      'upstreams: {vm: {target: "http://vm/push", headers: {X-Other: b}}}\n',
    ],
  ])('that removes %s is refused, and a reload with it is taken', async (key, before, after) => {
    const { reloading, stage, gauge } = start(`${FOLLOW}${before}`)
    stage.text = `${FOLLOW}${after}`
    const outcome = await reloading.follow()
    expect(outcome).toMatchObject({ ok: false, reason: expect.stringContaining(`(${key})`) })
    expect(gauge('last_reload_successful')).toBe(0)
    expect(stage.applied).toEqual([])
    expect(await reloading.reload()).toEqual({ ok: true, restart: [] })
    expect(stage.applied).toHaveLength(1)
  })

  test('may add authentication, change it, and drop a store with its own', async () => {
    const { reloading, stage } = start(FOLLOW)
    stage.text = `${FOLLOW}${AUTH}`
    expect(await reloading.follow()).toMatchObject({ ok: true })
    stage.text = `${FOLLOW}${AUTH.replace('secret', 'other')}upstreams: {vm: {target: "http://vm/push"}}\n`
    expect(await reloading.follow()).toMatchObject({ ok: true })
    stage.text = `${FOLLOW}${AUTH}`
    expect(await reloading.follow()).toMatchObject({ ok: true })
  })

  test('that waits behind another is taken as a reload where somebody asks for one meanwhile', async () => {
    const { reloading, stage, hold } = start(`${FOLLOW}${AUTH}`)
    const release = hold()
    const first = reloading.reload()
    await new Promise(setImmediate)
    const followed = reloading.follow()
    const asked = reloading.reload()
    stage.text = FOLLOW
    release()
    await first
    expect(await asked).toMatchObject({ ok: true })
    expect(await followed).toMatchObject({ ok: true })
  })

  test('is judged by what is in force when its turn comes, not when it was seen', async () => {
    const { reloading, stage, hold } = start(FOLLOW)
    const release = hold()
    stage.text = 'config: {follow: false}\n'
    const first = reloading.reload()
    await new Promise(setImmediate)
    const followed = reloading.follow()
    release()
    expect(await first).toMatchObject({ ok: true })
    expect(await followed).toMatchObject({ ok: false })
    expect(stage.applied).toHaveLength(1)
  })
})
