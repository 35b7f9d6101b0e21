import { describe, expect, test } from 'vitest'
import { readEnvironment } from '../../../src/config/environment.ts'
import { readFile } from '../../../src/config/file.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { join, pathText } from '../../../src/config/settings.ts'
import { formatPlace } from '../../../src/schema/problem.ts'
import { textOf } from '../../../src/schema/tree.ts'

/** Each key that is written, with its text and its place. */
function settingsOf(text: string, env: Record<string, string> = {}): Record<string, string> {
  const { settings } = join(readFile('f.yaml', text), readEnvironment(env).variables, env)
  return Object.fromEntries(
    settings.map(({ path, scalars, place }) => [
      pathText(path),
      `${scalars.map(textOf).join(' ')} @ ${formatPlace(place)}`,
    ]),
  )
}

function problemsOf(text: string, env: Record<string, string>): readonly string[] {
  try {
    loadConfig({ file: { name: 'f.yaml', text }, env })
  } catch (error) {
    return (error instanceof Error ? error.message : '').split('\n').slice(1)
  }
  return []
}

describe('the environment over the file', () => {
  test('sets the keys that it names and leaves their neighbours', () => {
    expect(settingsOf('tenant: {prefix: p, default: d}\n', { CT_TENANT_PREFIX: 'q' })).toEqual({
      'tenant.prefix': 'q @ CT_TENANT_PREFIX',
      'tenant.default': 'd @ f.yaml:1:30',
    })
  })

  test('makes the sections that the file lacks', () => {
    expect(settingsOf('', { SLUICE_AUTH_INGRESS_TLS_CONFIG_CERT_FILE: '/c' })).toEqual({
      'auth.ingress.tls_config.cert_file': '/c @ SLUICE_AUTH_INGRESS_TLS_CONFIG_CERT_FILE',
    })
  })

  test('replaces a list as a whole', () => {
    const env = { CT_TENANT_LABEL_LIST: 'c,d' }
    expect(settingsOf('tenant: {label_list: [a, b, e]}\n', env)).toEqual({
      'tenant.label_list': 'c d @ CT_TENANT_LABEL_LIST',
    })
  })

  test('stands beside one value in place of a section, in either of the two', () => {
    expect(settingsOf('metadata: yes\n', { SLUICE_METADATA_WAIT: '1s' })).toEqual({
      'metadata.route': 'yes @ f.yaml:1:11',
      'metadata.wait': '1s @ SLUICE_METADATA_WAIT',
    })
    expect(settingsOf('metadata: {wait: 1s}\n', { CT_METADATA: 't' })).toEqual({
      'metadata.route': 't @ CT_METADATA',
      'metadata.wait': '1s @ f.yaml:1:18',
    })
  })

  test('does not reach what an alias shares with its anchor', () => {
    const text = 'retry: &r {max_attempts: 5}\nupstreams: {a: {target: http://a/, retry: *r}}\n'
    expect(settingsOf(text, { SLUICE_RETRY_MAX_ATTEMPTS: '9' })).toMatchObject({
      'retry.max_attempts': '9 @ SLUICE_RETRY_MAX_ATTEMPTS',
      'upstreams.a.retry.max_attempts': '5 @ f.yaml:1:26',
    })
  })

  test('with 0 or nothing in a key of the peer leaves it unset, whatever the file says', () => {
    expect(settingsOf('timeout: 5s\nconcurrency: 0\n', { CT_TIMEOUT: '0s' })).toEqual({})
  })

  test('does not hide that a section of the file is none', () => {
    expect(problemsOf('target: http://x/\ntenant: x\n', { CT_TENANT_PREFIX: 'p' })).toEqual([
      expect.stringMatching(/f.yaml:2:9: tenant: found a single value; allowed: a section with label/),
    ])
  })
})

describe('a key with nothing behind it', () => {
  test('is not written, and a store or route with nothing behind it is an empty one', () => {
    expect(settingsOf('timeout:\ntenant:\n  prefix: ~\nupstreams:\nroutes: null\n')).toEqual({})
    expect(problemsOf('target: http://x/\nupstreams: {a: }\nroutes: [~]\n', {})).toHaveLength(2)
  })
})

test.each([
  [['a', 'b'], 'a.b'],
  [['routes', 3, 'tenants'], 'routes[3].tenants'],
  [[], ''],
])('the path %j is written %s', (path, text) => {
  expect(pathText(path)).toBe(text)
})
