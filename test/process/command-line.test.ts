// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files hold these
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sluice } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { answerWith, startReceiver } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { LAUNCHER, startCommand } from '../support/splitter.ts'
import { bodyOf, startStage } from '../support/stage.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-command-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

let files = 0
function fileOf(yaml: string): string {
  const file = join(dir, `${++files}.yaml`)
  writeFileSync(file, yaml)
  return file
}

describe('sluice check', () => {
  test('takes its file with or without --config, and no two', async () => {
    const file = fileOf('target: http://x/\n')
    const [plain, flagged, twice] = await Promise.all(
      [[file], ['--config', file], [file, '--config', file]].map(args => sluice(['check', ...args])),
    )
    expect(plain?.code).toBe(0)
    expect(flagged).toEqual(plain)
    expect(twice).toMatchObject({ code: 1, stderr: 'sluice: check takes one file, not two\n' })
  })

  test('reads the files that are named, and expands variables of its own environment', async () => {
    const yaml = 'target: https://${HOST}/\nauth: {egress: {username: u, password_file: /nowhere}}\n'
    const unset = await sluice(['check', fileOf(yaml)])
    expect(unset.stderr).toContain('target: found ${HOST}, and no variable HOST in the environment')
    const { code, stderr } = await sluice(['check', fileOf(yaml)], { HOST: 'store' })
    expect(code).toBe(1)
    expect(stderr).toContain("auth.egress.password_file: found a file that can't be read (ENOENT)")
  })
})

describe('sluice serve', () => {
  test.each([
    ['no target', 'listen: 127.0.0.1:0\n', 'target'],
    ['a target without scheme', 'target: 127.0.0.1:9090\n', '127.0.0.1:9090'],
    ['an unknown key', 'target: http://store/\ntimeuot: 3s\n', 'timeout'],
    ['a user without a password', 'target: http://store/\nauth: {egress: {username: a}}\n', 'password'],
    [
      'a certificate without its key',
      'target: http://store/\nauth: {ingress: {tls_config: {cert_file: a.pem}}}\n',
      'key_file',
    ],
  ])('does not start with %s, and says so', async (_what, yaml, says) => {
    const { code, stdout, stderr } = await sluice(['serve', '--config', fileOf(yaml)])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(says)
  })

  const launched = async (flags: string, env: Record<string, string>) => {
    const url = new URL(`http://127.0.0.1:${await freePort()}/push`)
    const yaml = `listen: ${url.host}\nlisten_metrics_address: 127.0.0.1:0\ntarget: http://127.0.0.1:9/\n`
    const variables = { NODE: process.execPath, LAUNCHER, FILE: fileOf(yaml), ...env }
    const command = `exec "$NODE" ${flags} "$LAUNCHER" serve --config "$FILE"`
    const { pid, end } = await startCommand(command, url, variables)
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0')
    const seen = { flags: read('cmdline'), env: read('environ') }
    await end('SIGTERM')
    return seen
  }

  test.skipIf(process.platform !== 'linux')('tells glibc and V8 what to keep, before it starts', async () => {
    const { flags, env } = await launched('', {})
    expect(flags).toContain('--heap-growing-percent=75')
    expect(env).toEqual(
      expect.arrayContaining(['MALLOC_MMAP_THRESHOLD_=1048576', 'MALLOC_TRIM_THRESHOLD_=4194304']),
    )
  })

  test.skipIf(process.platform !== 'linux')(
    'leaves alone who has set a flag or a variable of these',
    async () => {
      const own = await launched('--heap-growing-percent=20', {})
      expect(own.flags.filter(flag => flag.includes('heap-growing'))).toEqual(['--heap-growing-percent=20'])
      const { flags, env } = await launched('', { MALLOC_TRIM_THRESHOLD_: '262144' })
      expect(flags.filter(flag => flag.includes('heap-growing'))).toEqual([])
      expect(env.filter(one => one.startsWith('MALLOC_'))).toEqual(['MALLOC_TRIM_THRESHOLD_=262144'])
    },
  )

  test('starts as cortex-tenant does: one dash, and everything in CT_ variables', async () => {
    await using store = await startReceiver()
    const url = new URL(`http://127.0.0.1:${await freePort()}/push`)
    const metrics = `127.0.0.1:${await freePort()}`
    const started = await startCommand(`exec "$NODE" "$LAUNCHER" -config "$FILE"`, url, {
      NODE: process.execPath,
      LAUNCHER,
      FILE: fileOf('{}\n'),
      CT_LISTEN: url.host,
      CT_LISTEN_METRICS_ADDRESS: metrics,
      CT_TARGET: store.url,
      CT_TENANT_LABEL: 'tenant',
      CT_TIMEOUT: '2s',
    })
    const { status } = await request(url, { body: bodyOf([{ tenant: 'a' }]) })
    const scrape = await request(`http://${metrics}/metrics`, { method: 'GET' })
    await started.end('SIGTERM')
    expect([status, scrape.status]).toEqual([204, 200])
    expect(store.received.map(({ headers }) => headers['x-scope-orgid'])).toEqual(['a'])
  })

  test('warns of what has no effect here, and goes on', async () => {
    const config = { listen_pprof: '127.0.0.1:7008', target_loki: 'http://127.0.0.1:3100' }
    await using stage = await startStage({ config: { ...config, tenant: { label_list: ['tenant', 'b'] } } })
    expect((await stage.push([{ tenant: 'a' }])).status).toBe(204)
    const warned = stage.sluice
      .log()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line).key as string)
    expect(warned).toEqual(['listen_pprof', 'target_loki', 'tenant.label_precedence'])
  })

  test('listens on all interfaces, of IPv6 too, where no host is said', async () => {
    const port = await freePort()
    await using stage = await startStage({ config: { listen: `:${port}` }, port })
    expect((await stage.push([{ tenant: 'a' }])).status).toBe(204)
    const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(it => it.address === '::1'))
    if (!hasIpv6) return
    const { status } = await request(`http://[::1]:${port}/alive`, { method: 'GET' })
    expect(status).toBe(200)
  })

  test('needs no file where the environment says it all', async () => {
    await using store = await startReceiver()
    const url = new URL(`http://127.0.0.1:${await freePort()}/push`)
    const started = await startCommand(`exec "$NODE" "$LAUNCHER" serve`, url, {
      NODE: process.execPath,
      LAUNCHER,
      CT_LISTEN: url.host,
      CT_LISTEN_METRICS_ADDRESS: `127.0.0.1:${await freePort()}`,
      CT_TARGET: store.url,
      CT_TENANT_LABEL: 'tenant',
    })
    const { status } = await request(url, { body: bodyOf([{ tenant: 'a' }]) })
    await started.end('SIGTERM')
    expect(status).toBe(204)
  })
})

describe('a password', () => {
  const auth = { egress: { username: 'user', password: 'geheim' } }

  test('goes to the store as Basic authentication, and into no log', async () => {
    await using stage = await startStage({ config: { auth, log_level: 'trace', log_response_errors: true } })
    stage.store.respond = answerWith(401)
    await stage.push([{ tenant: 'a' }], { headers: { authorization: 'Basic eDp5' } })
    const basic = `Basic ${Buffer.from('user:geheim').toString('base64')}`
    expect(stage.store.received.map(({ headers }) => headers.authorization)).toEqual([basic])
    expect(stage.sluice.log()).toContain('401')
    expect(stage.sluice.log()).not.toContain('geheim')
    expect(stage.sluice.log()).not.toContain(basic)
  })

  test('is not shown by sluice check', async () => {
    const yaml = 'target: http://store/\nauth: {egress: {username: user, password: geheim}}\n'
    const { code, stdout, stderr } = await sluice(['check', '--config', fileOf(yaml)])
    expect(code).toBe(0)
    expect(stdout).toMatch(/password: "?\[redacted\]/)
    expect(stdout + stderr).not.toContain('geheim')
  })

  test('is not shown by sluice check --changed either, which shows what differs from the defaults', async () => {
    const yaml = 'target: http://x/\ntimeout: 10s\nauth: {egress: {username: user, password: geheim}}\n'
    const file = fileOf(yaml)
    const { code, stdout } = await sluice(['check', '--changed', file])
    expect(code).toBe(0)
    expect(stdout).toBe(
      `target: http://x/ # ${file}:1:9\nauth:\n  egress:\n    username: user # ${file}:3:27\n    password: "[redacted]" # ${file}:3:43\n`,
    )
  })

  test('is not shown by sluice check when it comes from the environment and something else is wrong', async () => {
    const env = { CT_AUTH_EGRESS_USERNAME: 'user', CT_AUTH_EGRESS_PASSWORD: 'geheim' }
    const { code, stdout, stderr } = await sluice(['check', '--config', fileOf('timeout: never\n')], env)
    expect(code).toBe(1)
    expect(stdout + stderr).not.toContain('geheim')
  })
})
