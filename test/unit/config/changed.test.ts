import { describe, expect, test } from 'vitest'
import {
  changedFromDefaults,
  changedKeys,
  keysThatWait,
  renderConfig,
} from '../../../src/config/effective.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { selfSigned } from '../../support/certificate.ts'

const { cert, key } = await selfSigned()

function load(text: string, env: Record<string, string> = {}, cores = 4) {
  const readFile = (path: string) => (path.startsWith('/key') ? key : cert)
  return loadConfig({ file: { name: 'test.yaml', text: `target: http://x/\n${text}` }, env, cores, readFile })
}

function changes(before: string, after: string): readonly string[] {
  const [was, is] = [load(before), load(after)]
  const waiting = keysThatWait(was, is)
  return changedKeys(was, is).map(path => (waiting.includes(path) ? `${path} (restart)` : path))
}

const tls = (cert: string) => `auth: {ingress: {tls_config: {cert_file: ${cert}, key_file: /key}}}\n`

describe('what a change of the configuration changes', () => {
  test.each([
    ['nothing', 'timeout: 5s\n', 'timeout: 5s\n', []],
    ['a comment and the order', 'timeout: 5s\nconcurrency: 9\n', '# x\nconcurrency: 9\ntimeout: 5s\n', []],
    ['the spelling', 'timeout: 90s\nmetadata: yes\n', 'timeout: 1m30s\nmetadata: {route: default}\n', []],
    ['a default that is written', '', 'timeout: 10s\negress: {protocol: auto}\n', []],
    ['a value', 'timeout: 5s\n', 'timeout: 6s\n', ['timeout']],
    ['a value that is left out', 'tenant: {prefix: p}\n', '', ['tenant.prefix']],
    ['a list', 'tenant: {label_list: [a, b]}\n', 'tenant: {label_list: [b, a]}\n', ['tenant.label_list']],
    [
      'a password',
      'auth: {egress: {password: a}}\n',
      'auth: {egress: {password: b}}\n',
      ['auth.egress.password'],
    ],
    ['what follows from another key', '', 'tenant: {default: d}\n', ['tenant.default', 'tenant.missing']],
    ['where it listens', '', 'listen: :1\n', ['listen (restart)']],
    [
      'metrics',
      '',
      'metrics_include_tenant: true\nmetrics: {max_tenants: 1}\n',
      ['metrics_include_tenant (restart)', 'metrics.max_tenants (restart)'],
    ],
    ['threads', '', 'split: {threads: 9}\n', ['split.threads (restart)']],
    [
      'whether there is TLS',
      '',
      tls('/cert'),
      ['auth.ingress.tls_config.cert_file (restart)', 'auth.ingress.tls_config.key_file (restart)'],
    ],
    ['a certificate', tls('/cert'), tls('/cert2'), ['auth.ingress.tls_config.cert_file']],
    [
      'a store',
      'upstreams: {a: {target: http://a/}}\n',
      'upstreams: {a: {target: http://b/, timeout: 1s}}\n',
      ['upstreams.a.target', 'upstreams.a.timeout'],
    ],
    [
      'the stores',
      'upstreams: {a: {target: http://a/}}\n',
      'upstreams: {b: {target: http://a/}}\n',
      ['upstreams.a.target', 'upstreams.b.target'],
    ],
    [
      'a secret of a store',
      'upstreams: {a: {target: http://a/, headers: {X-A: one}}}\n',
      'upstreams: {a: {target: http://a/, headers: {X-A: two}}}\n',
      ['upstreams.a.headers.X-A'],
    ],
    [
      'a route',
      'routes: [{tenants: [a], upstream: default}]\n',
      'routes: [{tenants: [b], upstream: default}]\n',
      ['routes[0].tenants'],
    ],
  ])('is named where it is %s', (_, before, after, keys) => {
    expect(changes(before, after)).toEqual(keys)
  })

  test('is what a variable in a value changes, too', () => {
    const text = `timeout: $${'{T}'}\n`
    expect(changedKeys(load(text, { T: '1s' }), load(text, { T: '2s' }))).toEqual(['timeout'])
  })
})

describe('what differs from the defaults', () => {
  const shown = (text: string, env: Record<string, string> = {}) =>
    renderConfig(changedFromDefaults(load(text, env).effective))

  test('is shown in its sections, with its place', () => {
    expect(
      shown('timeout: 5s\ntenant: {prefix: p}\n', { SLUICE_LANES_LINGER: '1ms' }),
    ).toBe(`target: http://x/ # test.yaml:1:9
timeout: 5s # test.yaml:2:10
tenant:
  prefix: p # test.yaml:3:18
lanes:
  linger: 1ms # SLUICE_LANES_LINGER
`)
  })

  test('is nothing that is written and means the default', () => {
    expect(shown('timeout: 10000ms\nconcurrency: 512\ntenant: {label: __tenant__}\n')).toBe(
      'target: http://x/ # test.yaml:1:9\n',
    )
  })
})

describe('the hash', () => {
  const hashOf = (text: string, env: Record<string, string> = {}, cores = 4) => load(text, env, cores).hash

  test('is a number of at most 48 bits, equal for equal sources', () => {
    const hash = hashOf('timeout: 5s\n')
    expect(hashOf('timeout: 5s\n', { OTHER: 'x' }, 9)).toBe(hash)
    expect(Number.isSafeInteger(hash) && hash >= 0 && hash < 2 ** 48).toBe(true)
  })

  test.each([
    ['a value', 'timeout: 6s\n', {}],
    ['a key', 'timeout: 5s\nconcurrency: 9\n', {}],
    ['a variable of ours', 'timeout: 5s\n', { CT_CONCURRENCY: '9' }],
    ['a store', 'timeout: 5s\nupstreams: {a: {target: http://a/}}\n', {}],
  ])('is another with %s', (_, text, env) => {
    expect(hashOf(text, env)).not.toBe(hashOf('timeout: 5s\n'))
  })

  test('is another with a variable that the file names', () => {
    const text = `timeout: $${'{T}'}\n`
    expect(hashOf(text, { T: '1s' })).not.toBe(hashOf(text, { T: '2s' }))
  })

  test.each([
    ['a comment', '# x\ntimeout: 5s\n', {}],
    ['a default that is written', 'timeout: 5s\nconcurrency: 512\n', {}],
    ['where a value stands', '', { SLUICE_TIMEOUT: '5s' }],
  ])('is the same with %s', (_, text, env) => {
    expect(hashOf(text, env)).toBe(hashOf('timeout: 5s\n'))
  })

  const password = (text: string) => `auth: {egress: {username: u, password: "${text}"}}\n`
  const headers = (value: string) => `upstreams: {a: {target: http://a/, headers: {X-A: "${value}"}}}\n`

  test.each([
    ['a password in the file', password('a'), password('b')],
    ['a header of a store', headers('a'), headers('b')],
  ])('cannot be used to guess %s', (_, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other))
  })

  test.each([
    ['that the file names', password(`$${'{PASSWORD}'}`), 'PASSWORD'],
    ['of ours', '', 'SLUICE_AUTH_EGRESS_PASSWORD'],
  ])('cannot be used to guess a password in a variable %s', (_, text, name) => {
    expect(hashOf(text, { [name]: 'a' })).toBe(hashOf(text, { [name]: 'b' }))
  })
})
