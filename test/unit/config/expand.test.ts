// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files hold these
import { describe, expect, test } from 'vitest'
import { renderConfig } from '../../../src/config/effective.ts'
import { escaped, expand } from '../../../src/config/expand.ts'
import { loadConfig } from '../../../src/config/load.ts'

const env = {
  A: 'x',
  B_2: 'y z',
  EMPTY: '',
  LINE: 'secret\n',
  CRLF: 'secret\r\n',
  LINES: 'a\n\n',
  NESTED: '${A}',
}

describe('a variable in a value', () => {
  test.each([
    ['${A}', 'x'],
    ['http://${A}:1/${B_2}', 'http://x:1/y z'],
    ['${A}${A}', 'xx'],
    ['${EMPTY}', ''],
    ['${LINE}', 'secret'],
    ['${CRLF}', 'secret'],
    ['${LINES}', 'a\n'],
    ['${NESTED}', '${A}'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$${', '${'],
    ['$A $ $$ $$A', '$A $ $$ $$A'],
    ['${', '${'],
    ['${}', '${}'],
    ['${1A}', '${1A}'],
    ['${A', '${A'],
    ['${A B}', '${A B}'],
    ['${A:-b}', '${A:-b}'],
    ['pa$$w${rd', 'pa$$w${rd'],
  ])('makes of %j %j', (text, value) => {
    expect(expand(text, env)).toEqual({ value })
  })

  test('that is not set is named', () => {
    expect(expand('${A}${NOPE}', env)).toEqual({ unset: 'NOPE' })
    expect(expand('$${NOPE}', env)).toEqual({ value: '${NOPE}' })
  })

  test.each(['${A}', 'a$b', '$${', '${', '$$${x'])('is undone by escaping: %j', text => {
    expect(expand(escaped(text), {})).toEqual({ value: text })
  })
})

describe('a file with variables', () => {
  const load = (text: string, env: Record<string, string> = {}) =>
    loadConfig({ file: { name: 'test.yaml', text }, env, cores: 4 })
  const messageOf = (text: string, env: Record<string, string> = {}): string => {
    try {
      load(text, env)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    return ''
  }

  test('has their values in every kind of value', () => {
    const text = `
target: http://\${HOST}/push
concurrency: \${MANY}
tenant: {label_list: [a, "\${LABEL}"], default: "\${TENANT}"}
metadata: \${META}
upstreams: {vm: {target: "http://\${HOST}/vm", headers: {X-Key: "\${KEY}"}}}
routes: [{tenants: ["\${TENANT}-*"], upstream: "\${NAME}"}]
`
    const env = { HOST: 'h', MANY: '7', LABEL: 'b', TENANT: '007', META: 'yes', KEY: 'hunter2\n', NAME: 'vm' }
    const { config } = load(text, env)
    expect(config.target?.origin).toBe('http://h')
    expect(config.concurrency).toBe(7)
    expect(config.tenant.labels).toEqual(['a', 'b'])
    expect(config.tenant.defaultTenant).toBe('007')
    expect(config.metadata.route).toBe('default')
    expect(config.upstreams[1]?.headers[0]?.value.reveal()).toBe('hunter2')
    expect(config.routes[0]).toMatchObject({ tenants: ['007-*'], upstream: 'vm' })
  })

  test('keeps its structure whatever they hold', () => {
    const { config } = load('target: http://x/\nlisten_pprof: ${P}\n', { P: 'a\u2028timeout: 1s' })
    expect(config).toMatchObject({ listenPprof: 'a\u2028timeout: 1s', timeoutMs: 10_000 })
    expect(messageOf('target: ${P}\n', { P: 'http://x/\ntimeout: 1s' })).toContain('found "${P}"')
  })

  test('has one that is not set as a problem with key, place and name', () => {
    expect(messageOf('target: http://${NOPE}/\n')).toBe(
      'The configuration has a problem:\n  test.yaml:1:9: target: found ${NOPE}, and no variable NOPE in the environment; allowed: a variable that is set; or $${ for a literal ${',
    )
    expect(messageOf('target: http://x/\ntenant: {label_list: [a, "x${NOPE}"]}\n')).toContain(
      'test.yaml:2:26: tenant.label_list: found ${NOPE},',
    )
  })

  test('shows what was written, never what it means', () => {
    const { effective } = load('target: http://${HOST}/\nlisten_pprof: "$${x}"\n', { HOST: 'inner.name' })
    const shown = renderConfig(effective)
    expect(shown).toContain('target: "http://${HOST}/" # test.yaml:1:9')
    expect(shown).not.toContain('inner.name')
    expect(messageOf('target: http://x/\ntimeout: ${T}\n', { T: 'hunter2' })).toMatch(
      /found "\$\{T\}"; allowed: a dur/,
    )
    expect(messageOf('target: http://x/\ntenant: {default: "${T}"}\n', { T: 'hunter 2' })).toMatch(
      /tenant.default: found "\$\{T\}"; allowed: a tenant/,
    )
  })

  test('is listed so that the listing means the same, also where a variable of ours holds ${', () => {
    const first = load('target: http://x/\nlisten_pprof: "$${x}"\n', { CT_TARGET_LOKI: 'a${y}$${z}' })
    const second = load(renderConfig(first.effective))
    expect(second.config).toEqual(first.config)
  })

  test('is not looked at in variables of ours, which stay as they are', () => {
    expect(
      load('target: http://x/', { SLUICE_TENANT_PREFIX: '${A}', SLUICE_TENANT_FORMAT: 'thanos' }).config
        .tenant.prefix,
    ).toBe('${A}')
  })
})
