import { describe, expect, test } from 'vitest'
import type { UpstreamConfig } from '../../../src/config/config.ts'
import { renderConfig } from '../../../src/config/effective.ts'
import { loadConfig } from '../../../src/config/load.ts'

const read = (path: string) => `password of ${path}\n`

function load(text: string, env: Record<string, string> = {}) {
  return loadConfig({ file: { name: 'test.yaml', text }, env, cores: 4, readFile: read })
}

function storesOf(text: string): Readonly<Record<string, UpstreamConfig>> {
  return Object.fromEntries(load(text).config.upstreams.map(store => [store.name, store]))
}

function problemsOf(text: string): readonly string[] {
  try {
    load(text)
  } catch (error) {
    return (error instanceof Error ? error.message : '')
      .split('\n')
      .slice(1)
      .map(line => line.trim())
  }
  return []
}

const ROUTE = 'routes: [{upstream: vm}]\n'

describe('a store', () => {
  test('of target is named default and comes first, the others as they are written', () => {
    const { config } = load(
      'upstreams: {b: {target: http://b/}, a: {target: http://a/}}\ntarget: http://x/\n',
    )
    expect(config.upstreams.map(({ name }) => name)).toEqual(['default', 'b', 'a'])
    expect(config.target?.origin).toBe('http://x')
  })

  test('is enough without a target, and may then be named default itself', () => {
    const { config } = load('upstreams: {default: {target: http://b/}}\nroutes: [{upstream: default}]\n')
    expect(config.target).toBeUndefined()
    expect(config.upstreams.map(({ target }) => target.origin)).toEqual(['http://b'])
  })

  test('takes the values of the top level for what is not written', () => {
    const top = `
target: http://x/
timeout: 3s
max_conns_per_host: 9
max_connection_duration: 1m
enable_ipv6: true
egress: {protocol: '1.0', protocol_reprobe: 2h, written_headers: omitted, compression: none, forward_headers: [X-A]}
lanes: {concurrency: 2, max: 7, ha_labels: [c]}
retry: {max_attempts: 5}
breaker: {failures: 1}
auth: {egress: {username: u, password: hunter2}}
upstreams: {vm: {target: http://vm/}}
`
    const { default: first, vm } = storesOf(`${top}${ROUTE}`)
    const { name: _, target: __, fingerprint: ___, ...values } = first as UpstreamConfig
    expect(vm).toMatchObject(values)
    expect(vm).toMatchObject({
      timeoutMs: 3000,
      maxConnsPerHost: 9,
      maxConnectionDurationMs: 60_000,
      enableIpv6: true,
      protocol: '1.0',
      protocolReprobeMs: 7_200_000,
      writtenHeaders: 'omitted',
      compression: 'none',
      forwardHeaders: ['x-a'],
    })
    expect(vm?.lanes).toMatchObject({ concurrency: 2, max: 7, idleMs: 60_000 })
    expect(vm?.lanes).not.toHaveProperty('haLabels')
  })

  test('has its own values where they are written', () => {
    const { vm, default: first } = storesOf(`
target: http://x/
upstreams:
  vm:
    target: http://vm/
    timeout: 1s
    max_conns_per_host: 0
    protocol: same
    forward_headers: []
    lanes: {concurrency: 9}
    retry: {min_backoff: 1s}
    breaker: {cooldown: 9s}
${ROUTE}`)
    expect(vm).toMatchObject({ timeoutMs: 1000, maxConnsPerHost: 256, protocol: 'same', forwardHeaders: [] })
    expect(vm?.lanes).toEqual({ ...first?.lanes, concurrency: 9 })
    expect(vm?.retry).toEqual({ ...first?.retry, minBackoffMs: 1000 })
    expect(vm?.breaker).toEqual({ ...first?.breaker, cooldownMs: 9000 })
  })

  test.each([
    ['http://vm/', '', 'header', ['X-Scope-OrgID']],
    ['http://vm/', 'tenant: header, tenant_header: X-T', 'header', ['X-T']],
    ['http://vm/', 'tenant: none', 'none', []],
    ['http://vm/', 'tenant: header_pair', 'header_pair', ['AccountID', 'ProjectID']],
    ['http://vm/{tenant}/', '', 'path', []],
    ['http://vm/{tenant}/', 'tenant: path', 'path', []],
    ['http://vm/{tenant}/', 'tenant: header', 'header', ['X-Scope-OrgID']],
  ])('at %s with {%s} learns of the tenant by %s', (target, keys, kind, headers) => {
    const { vm } = storesOf(
      `tenant: {format: victoriametrics}\nupstreams: {vm: {target: "${target}"${keys === '' ? '' : `, ${keys}`}}}\n${ROUTE}`,
    )
    expect(vm).toMatchObject({ tenant: kind, tenantHeaders: headers })
  })

  test('of target may have the tenant in its path and in a header', () => {
    expect(storesOf('target: http://x/{tenant}')).toMatchObject({
      default: { tenant: 'path', tenantHeaders: [] },
    })
    expect(storesOf('target: http://x/{tenant}\ntenant: {header: X-T}')).toMatchObject({
      default: { tenant: 'header', tenantHeaders: ['X-T'] },
    })
  })

  test('with the tenant in its path makes the rule of Thanos stricter for all', () => {
    const text =
      'target: http://x/\ntenant: {format: thanos}\nupstreams: {vm: {target: "http://vm/{tenant}"}}\n'
    expect(load(`${text}${ROUTE}`).config.tenant.format).toBe('thanos-path')
  })

  test('has credentials as a whole: those of auth.egress, or its own, or none', () => {
    const {
      default: first,
      same,
      own,
      file,
      none,
    } = storesOf(`
target: http://x/
auth: {egress: {username: u, password: one}}
upstreams:
  same: {target: http://a/}
  own: {target: http://b/, auth: {username: v, password: two}}
  file: {target: http://c/, auth: {username: w, password_file: /pw}}
  none: {target: http://d/, auth: {username: ""}}
`)
    expect(first?.credentials).toMatchObject({ username: 'u', passwordFile: undefined })
    expect(same?.credentials).toEqual(first?.credentials)
    expect(own?.credentials?.password?.reveal()).toBe('two')
    expect(file?.credentials).toMatchObject({ username: 'w', password: undefined })
    expect(file?.credentials?.passwordFile?.text).toBe('password of /pw')
    expect(none?.credentials).toBeUndefined()
  })

  test('has constant headers, whose values nobody sees', () => {
    const loaded = load(
      `target: http://x/\nupstreams: {vm: {target: http://vm/, headers: {X-Api.Key: hunter2}}}\n${ROUTE}`,
    )
    const [, vm] = loaded.config.upstreams
    expect(vm?.headers.map(({ name, value }) => [name, value.reveal()])).toEqual([['X-Api.Key', 'hunter2']])
    expect(renderConfig(loaded.effective)).toContain('      "X-Api.Key": "[redacted]" # test.yaml:2:')
    expect(JSON.stringify(loaded)).not.toContain('hunter2')
  })

  test('is frozen', () => {
    const [first] = load('target: http://x/').config.upstreams
    expect(
      Object.isFrozen(first) && Object.isFrozen(first?.lanes) && Object.isFrozen(first?.tenantHeaders),
    ).toBe(true)
  })
})

describe('what is wrong with a store is named with its place:', () => {
  const VM = 'target: http://x/\nupstreams:\n  vm:\n    target: http://vm/\n'
  test.each([
    [
      'no target',
      'upstreams: {vm: {timeout: 1s}}\n',
      'test.yaml:1:17: upstreams.vm.target: found nothing; allowed: the URL of the store, such as http://mimir:8080/api/v1/push',
    ],
    ['nothing', 'upstreams:\n  vm:\n', 'test.yaml:2:6: upstreams.vm.target: found nothing; allowed: the URL'],
    [
      'a text',
      'upstreams:\n  vm: http://x/\n',
      'test.yaml:2:7: upstreams.vm: found a single value; allowed: a section with target, tenant, tenant_header',
    ],
    [
      'a list',
      'upstreams: [http://x/]\n',
      'test.yaml:1:12: upstreams: found a list; allowed: a section with a name for each',
    ],
    [
      'a bad name',
      'target: http://x/\nupstreams: {Vm: {target: http://y/}}\n',
      'test.yaml:2:13: upstreams.Vm: found a name that is none; allowed: a name of at most 63',
    ],
    [
      'a risky name',
      'target: http://x/\nupstreams: {__proto__: {target: http://y/}}\n',
      'test.yaml:2:13: upstreams.__proto__: found a name that is none',
    ],
    [
      'a name twice',
      'upstreams:\n  a: {target: http://x/}\n  a: {target: http://y/}\n',
      'test.yaml:3:3: upstreams.a: found the key a second time, after line 2; allowed: each key once',
    ],
    [
      'default beside target',
      'target: http://x/\nupstreams: {default: {target: http://y/}}\n',
      'test.yaml:2:22: upstreams.default: found a store of that name beside target, which makes one; allowed: another name, or no target',
    ],
    [
      'an unknown key',
      `${VM}    timeouts: 1s\n`,
      'test.yaml:5:5: upstreams.vm.timeouts: found an unknown key (did you mean upstreams.vm.timeout?); allowed: target, tenant,',
    ],
    [
      'an unknown key further in',
      `${VM}    lanes: {ha_labels: [a]}\n`,
      'test.yaml:5:13: upstreams.vm.lanes.ha_labels: found an unknown key; allowed: concurrency, max_batch_series,',
    ],
    [
      'a bad value',
      `${VM}    timeout: soon\n`,
      'test.yaml:5:14: upstreams.vm.timeout: found "soon"; allowed: a duration',
    ],
    [
      'the tenant in no path',
      `${VM}    tenant: path\n`,
      'test.yaml:5:13: upstreams.vm.tenant: found "path", and no {tenant} in the target; allowed: header, header_pair or none',
    ],
    [
      'a pair of headers',
      `${VM}    tenant: header_pair\n`,
      'test.yaml:5:13: upstreams.vm.tenant: found "header_pair" without tenant.format victoriametrics;',
    ],
    [
      'a path and none',
      'target: http://x/\nupstreams: {vm: {target: "http://vm/{tenant}", tenant: none}}\n',
      'test.yaml:2:56: upstreams.vm.tenant: found "none", and {tenant} in the target;',
    ],
    [
      'a user without a password',
      `${VM}    auth: {username: u}\n`,
      'test.yaml:5:22: upstreams.vm.auth.username: found a user name without a password; allowed: password or password_file beside it',
    ],
    [
      'two passwords',
      `${VM}    auth: {username: u, password: hunter2, password_file: /pw}\n`,
      'test.yaml:5:59: upstreams.vm.auth.password_file: found a password file beside a password; allowed: one of the two',
    ],
    [
      'a header of the connection',
      `${VM}    headers: {Host: hunter2}\n`,
      'test.yaml:5:15: upstreams.vm.headers.Host: found a name that is none; allowed: a header that does not belong',
    ],
    [
      'a header without a value',
      `${VM}    headers: {X-A: }\n`,
      'test.yaml:5:20: upstreams.vm.headers.X-A: found nothing; allowed: a single value',
    ],
    [
      'a header of the tenant',
      `${VM}    headers: {x-scope-orgid: hunter2}\n`,
      'test.yaml:5:30: upstreams.vm.headers.x-scope-orgid: found a header that carries the tenant;',
    ],
    [
      'a second Authorization',
      `${VM}    auth: {username: u, password: p}\n    headers: {authorization: hunter2}\n`,
      'test.yaml:6:30: upstreams.vm.headers.authorization: found Authorization beside a user name; allowed: one of the two',
    ],
    [
      'a header twice',
      `${VM}    headers: {X-A: a, x-a: b}\n`,
      'test.yaml:5:28: upstreams.vm.headers.x-a: found a header a second time; allowed: each header once',
    ],
    [
      'a header that is forwarded',
      `${VM}    headers: {X-A: a}\n    forward_headers: [x-a]\n`,
      'test.yaml:5:20: upstreams.vm.headers.X-A: found a header that is forwarded too; allowed: one of the two',
    ],
    [
      'the tenant among the forwarded',
      `${VM}    forward_headers: [X-Scope-OrgID]\n`,
      'test.yaml:5:22: upstreams.vm.forward_headers: found a header that carries the tenant;',
    ],
  ])('%s', (_, text, problem) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]?.slice(0, problem.length)).toBe(problem)
    expect(problems.join()).not.toContain('hunter2')
  })

  test.each([
    [
      'tenant: {format: victoria}\nupstreams: {vm: {target: http://vm/, tenant: header_pair}}\n',
      'tenant.format',
    ],
    [
      'upstreams: {vm: {target: http://vm/, auth: {username: u, password: [p]}}}\n',
      'upstreams.vm.auth.password',
    ],
    ['upstreams: {vm: {target: http://vm/, auth: {username: u, pasword: p}}}\n', 'upstreams.vm.auth.pasword'],
    [
      'upstreams: {vm: {target: http://vm/, tenant: pth, headers: {X-Scope-OrgID: a}}}\n',
      'upstreams.vm.tenant',
    ],
    ['upstreams: {default: {target: http://vm/}}\ntarget: nowhere\n', 'target'],
    [
      'upstreams: {vm: {target: nowhere, tenant: path, auth: {username: a}}}\nroutes: [{upstream: vm}]\n',
      'upstreams.vm.target',
    ],
    [
      'upstreams: {vm: {target: http://vm/, headers: {X-A: "hunter2\\nX-B: c"}}}\n',
      'upstreams.vm.headers.X-A',
    ],
  ])('and one mistake is one problem: %j', (text, key) => {
    expect(problemsOf(text).map(line => line.split(': ')[1])).toEqual([key])
  })

  test('all at once, also those between keys of stores that are right', () => {
    const text = `
upstreams:
  a: {target: nowhere}
  b: {target: http://b/, tenant: path}
  c: {target: http://c/, auth: {username: "x:y", password: p}}
  d: {targt: http://d/}
timeout: soon
`
    expect(problemsOf(text).map(line => line.split(': ')[1])).toEqual([
      'upstreams.a.target',
      'upstreams.b.tenant',
      'upstreams.c.auth.username',
      'upstreams.d.targt',
      'timeout',
    ])
  })
})

describe('the fingerprint of a store', () => {
  const of = (keys: string, top = '') =>
    storesOf(`target: http://x/\n${top}upstreams: {vm: {target: http://vm/${keys}}}\n${ROUTE}`).vm
      ?.fingerprint
  const plain = of('')

  test('is the same where all values are, however they are written', () => {
    expect(of('')).toBe(plain)
    expect(of(', timeout: 10000ms')).toBe(plain)
    expect(of(', lanes: {concurrency: 4}')).toBe(plain)
    expect(of('', 'concurrency: 9\n')).toBe(plain)
    expect(of(', auth: {username: u, password: p}')).toBe(
      of('', 'auth: {egress: {username: u, password: p}}\n'),
    )
  })

  test.each([
    [', timeout: 9s', ''],
    [', lanes: {linger: 1s}', ''],
    [', headers: {X-A: a}', ''],
    [', headers: {X-A: b}', ''],
    [', auth: {username: u, password: p}', ''],
    [', auth: {username: u, password: q}', ''],
    [', auth: {username: u, password_file: /p}', ''],
    [', auth: {username: u, password_file: /q}', ''],
    ['', 'timeout: 9s\n'],
    ['', 'breaker: {failures: 1}\n'],
  ])('is another with %s %s', (keys, top) => {
    const [one, other] = [of(keys, top), of(keys, top)]
    expect(one).toBe(other)
    expect(one).not.toBe(plain)
  })

  test('tells secrets apart, and shows none', () => {
    const prints = ['a', 'b'].map(value => of(`, headers: {X-A: ${value}}`))
    expect(new Set(prints).size).toBe(2)
    expect(prints[0]).toMatch(/^[\w-]{43}$/)
  })
})
