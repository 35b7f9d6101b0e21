import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { renderConfig } from '../../../src/config/effective.ts'
import { type ConfigSource, loadConfig } from '../../../src/config/load.ts'
import { KEYS } from '../../../src/config/schema.ts'
import { ConfigError } from '../../../src/schema/problem.ts'
import { selfSigned } from '../../support/certificate.ts'

const { cert, key } = await selfSigned()

function load(text: string, source: Partial<ConfigSource> = {}) {
  const readFile = (path: string) => (path === '/k' ? key : cert)
  return loadConfig({ file: { name: 'test.yaml', text }, env: {}, cores: 4, readFile, ...source })
}

function linesOf(text: string, env: Record<string, string> = {}): readonly string[] {
  return renderConfig(load(text, { env }).effective).split('\n')
}

describe('the configuration in force', () => {
  test('shows each value with the place it came from', () => {
    const lines = linesOf('target: http://store/push\ntimeout: 5s\ntenant:\n  label_list: [a, b]\n', {
      CT_CONCURRENCY: '7',
      SLUICE_TENANT_LABEL_PRECEDENCE: 'config',
    })
    expect(lines).toContain('target: http://store/push # test.yaml:1:9')
    expect(lines).toContain('timeout: 5s # test.yaml:2:10')
    expect(lines).toContain('idle_timeout: 60s # default')
    expect(lines).toContain('concurrency: 7 # CT_CONCURRENCY')
    expect(lines).toContain('  label_list: [a, b] # test.yaml:4:15')
    expect(lines).toContain('  label_precedence: config # SLUICE_TENANT_LABEL_PRECEDENCE')
  })

  test('shows one value in place of a section as what it means there', () => {
    expect(linesOf('target: http://x\nmetadata: yes\ntenant: {default: d}\n')).toContain(
      '  route: default # test.yaml:2:11',
    )
    expect(linesOf('target: http://x\n', { CT_METADATA: 'f' })).toContain('  route: drop # CT_METADATA')
    expect(linesOf('target: http://x\nmetadata: {route: all}\n')).toContain('  route: all # test.yaml:2:19')
  })

  test('has every key once', () => {
    expect(load('target: http://x').effective.map(({ path }) => path)).toEqual(KEYS.map(({ path }) => path))
  })

  test('shows what a key without a default came to be', () => {
    const lines = linesOf('target: http://store/{tenant}\ntenant: {default: d}\n')
    expect(lines).toContain('  missing: default # default')
    expect(lines).toContain('  header: "" # default')
    expect(lines).toContain('  threads: 3 # default')
  })

  test('shows the default where 0 means that', () => {
    expect(linesOf('target: http://x\ntimeout: 0\n')).toContain('timeout: 10s # default')
  })

  test.each([
    '007',
    '12:34',
    'yes',
    'null',
    '~',
    'a b',
    'a: b',
    'ä',
    '*x',
    '',
    'x'.repeat(150),
    '#',
    '- a',
    'a:',
  ])('is YAML that means the same: a user name of %j', name => {
    // `:` can't be in a user name, so the text goes where any text may stand.
    const { config, effective } = load(`target: http://x\nlisten_pprof: ${JSON.stringify(name)}\n`)
    expect(config.listenPprof).toBe(name)
    expect(load(renderConfig(effective)).config).toEqual(config)
  })

  test('is YAML that means the same, with everything set', () => {
    const text = `
target: https://store/{tenant}/push?x=%20
listen: '[::1]:0'
log_level: PANIC
timeout: 1.5s
auth: {ingress: {tls_config: {cert_file: "/c d", key_file: /k}}}
tenant: {label_list: [a, b.c], prefix: p-, default: "007", missing: drop, header: X-T, format: thanos}
limits: {max_body: 1.5MiB}
egress: {forward_headers: [X-A, X-B]}
split: {threads: 0}
`
    const { config, effective } = load(text)
    expect(load(renderConfig(effective)).config).toEqual(config)
  })
})

describe('a password', () => {
  const sources: Record<string, ConfigSource> = {
    'in the file': { file: file('password: hunter2'), env: {} },
    'in the environment': { file: file(''), env: { CT_AUTH_EGRESS_PASSWORD: 'hunter2' } },
    'in a file of its own': {
      file: file('password_file: /pw'),
      env: {},
      readFile: path => (path === '/pw' ? 'hunter2\n' : ''),
    },
  }

  function file(password: string): { name: string; text: string } {
    return {
      name: 'test.yaml',
      text: `target: http://store\nauth:\n  egress:\n    username: me\n    ${password}\n`,
    }
  }

  test.each(Object.entries(sources))('%s is used, and never shown', (_, source) => {
    const loaded = loadConfig(source)
    const credentials = loaded.config.upstreams[0]?.credentials
    expect(credentials?.passwordFile?.text ?? credentials?.password?.reveal()).toBe('hunter2')
    const shown = [
      renderConfig(loaded.effective),
      JSON.stringify(loaded),
      inspect(loaded, { depth: null, showHidden: true }),
      `${credentials?.password} ${credentials?.passwordFile}`,
    ]
    for (const text of shown) expect(text).not.toContain('hunter2')
  })

  test('is [redacted] in the listing', () => {
    const { effective } = loadConfig(sources['in the file'] as ConfigSource)
    expect(renderConfig(effective)).toContain('    password: "[redacted]" # test.yaml:5:15\n')
  })

  test('is not in a warning', () => {
    const { warnings } = loadConfig(sources['in the file'] as ConfigSource)
    expect(warnings).toHaveLength(1)
    expect(JSON.stringify(warnings)).not.toContain('hunter2')
  })

  test('is not in an error, even where it is written twice', () => {
    const { name, text } = file('password: hunter2')
    let error: unknown
    try {
      loadConfig({ file: { name, text: `${text}    password: hunter2\ncolour: red\n` }, env: {} })
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).problems).toHaveLength(2)
    expect(inspect(error, { depth: null })).not.toContain('hunter2')
  })
})
