import { readdirSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { isMap, isPair, parse, parseDocument, visit } from 'yaml'
import { GENERATED } from '../../../src/config/generated.ts'
import { jsonSchema } from '../../../src/config/json-schema.ts'
import type { LoadedConfig } from '../../../src/config/load.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { KEYS } from '../../../src/config/schema.ts'

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

function load(name: string, text: string): LoadedConfig {
  return loadConfig({ file: { name, text }, env: {}, cores: 4, readFile: () => 'secret' })
}

/** Every path of a YAML file that has no section below it. */
function pathsOf(text: string): string[] {
  const paths: string[] = []
  visit(parseDocument(text), {
    Pair(_, pair, ancestors) {
      if (isMap(pair.value)) return
      paths.push(
        [...ancestors, pair]
          .filter(isPair)
          .map(({ key }) => `${key}`)
          .join('.'),
      )
    },
  })
  return paths
}

test.each(GENERATED)('$path is what npm run generate writes', ({ path, render }) => {
  expect(read(path)).toBe(render())
})

describe('config/sluice.yaml', () => {
  const sample = read('config/sluice.yaml')
  const everything = sample.replace(/^( *)#(?=\w+:)/gm, '$1')

  test('sets tenant.label_precedence against its default, and a target, which has none', () => {
    const alone = load('sluice.yaml', 'target: http://127.0.0.1:9009/api/v1/push\n').config
    expect(load('sluice.yaml', sample).config).toEqual({
      ...alone,
      tenant: { ...alone.tenant, precedence: 'config' },
    })
    expect(load('sluice.yaml', sample).warnings).toEqual([])
  })

  test('holds every key and no other', () => {
    expect(pathsOf(everything).sort()).toEqual(KEYS.map(({ path }) => path).sort())
  })

  test('shows the default of every key: it means the same when all comments are keys', () => {
    expect(load('sluice.yaml', everything).config).toEqual(load('sluice.yaml', sample).config)
  })

  test.each(KEYS)('has a sentence above $path', ({ path, key }) => {
    const name = path.slice(path.lastIndexOf('.') + 1)
    const words = key.sentence.replaceAll('`', '')
    const above = sample.replace(/\n *# /g, ' ')
    expect(above).toMatch(new RegExp(`${literally(words)}\\n *#?${name}:`))
    expect(key.sentence).toMatch(/^[A-Z].*\.$/)
  })
})

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

describe('the JSON Schema', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(jsonSchema())
  const examples = [
    'sluice.yaml',
    ...readdirSync(new URL('../../../config/examples', import.meta.url)).map(name => `examples/${name}`),
  ]

  test.each(examples)('accepts config/%s, which loads and sets tenant.label_precedence', name => {
    const text = read(`config/${name}`)
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true)
    const { config, warnings } = load(name, text)
    expect(config.tenant.precedence).toBe('config')
    expect(text).toMatch(/^ {2}label_precedence: config$/m)
    expect(warnings).toEqual([])
  })

  test('knows a store of each kind', () => {
    expect(examples.sort()).toEqual([
      'examples/cortex.yaml',
      'examples/mimir.yaml',
      'examples/thanos.yaml',
      'examples/two-stores.yaml',
      'examples/victoriametrics.yaml',
      'sluice.yaml',
    ])
  })

  test.each([
    'timeout: 0',
    'timeout: 1.5s',
    'concurrency:',
    'tenant:',
    'tenant: {default: 007, label_remove: yes, label_list: [a]}',
    'limits: {max_body: 1024, max_decoded: 8 MiB}',
    'log_level: WARN',
    'metadata: yes',
    'metadata: false',
    'metadata:',
    'metadata: {route: learned, wait: 5m}',
    'upstreams: {vm: {target: http://vm/, timeout: 1s, headers: {X-A: 7}, lanes: {linger: 0}}}',
    'upstreams: {7: {target: http://vm/, tenant: none, auth: {username: ""}}}',
    'upstreams:',
    'routes: [{tenants: [7, dev-*], paths: [/x], upstream: default}]',
    'routes: []',
    'config: { follow: yes }',
  ])('accepts what loads: %s', text => {
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true)
    expect(() => load('f.yaml', `target: http://x\n${text}\n`)).not.toThrow()
  })

  test.each(['timeout', 'concurrency', 'log_level', 'enable_ipv6', 'target', 'engine'])(
    'accepts a variable for %s',
    name => {
      expect(validate(parse(`${name}: $${'{X}'}`))).toBe(true)
      expect(validate(parse(`${name}: $X`))).toBe(false)
    },
  )

  test.each([
    'timeout: 10',
    'timeout: -1s',
    'colour: red',
    'tenant: {lable: x}',
    'tenant: {missing: ignore}',
    'tenant: {label_list: a}',
    'limits: {max_body: 8M}',
    'concurrency: many',
    'metadata: maybe',
    'metadata: learned',
    'metadata: {route: true}',
    'metadata: {rout: all}',
    'metadata: [true]',
    'target: store:9090',
    'upstreams: {vm: {timeout: 1s}}',
    'upstreams: {vm: }',
    'upstreams: {Vm: {target: http://vm/}}',
    'upstreams: {vm: {target: http://vm/, colour: red}}',
    'upstreams: {vm: {target: http://vm/, lanes: {ha_labels: [a]}}}',
    'upstreams: [{target: http://vm/}]',
    'routes: [{tenants: [a]}]',
    'routes: [{tenants: [], upstream: default}]',
    'routes: [{tenants: a, upstream: default}]',
    'routes: {upstream: default}',
  ])('refuses what does not load: %s', text => {
    expect(validate(parse(text))).toBe(false)
    expect(() => load('f.yaml', text.startsWith('target') ? text : `target: http://x\n${text}\n`)).toThrow()
  })
})

test('config/examples/victoriametrics.yaml puts the tenant into the path, and sends no header', () => {
  const { target, tenant } = load('vm.yaml', read('config/examples/victoriametrics.yaml')).config
  expect(target).toEqual({
    origin: 'http://vminsert:8480',
    pathParts: ['/insert/', '/prometheus/api/v1/write'],
  })
  expect(tenant).toMatchObject({
    header: '',
    format: 'victoriametrics',
    defaultTenant: '0',
    invalid: 'default',
  })
})

describe('docs/configuration.md', () => {
  const page = read('docs/configuration.md')
  test.each(KEYS)('has one row for $path', ({ path, key }) => {
    const rows = page.split('\n').filter(line => line.startsWith(`| \`${path}\` |`))
    expect(rows).toHaveLength(1)
    expect(rows[0]).toContain(key.sentence)
    if (key.ct !== undefined) expect(rows[0]).toContain(`\`${key.ct}\``)
  })

  test('has a row for each key of a store and of a route', () => {
    for (const name of ['target', 'headers.NAME', 'auth.password_file', 'lanes.linger'])
      expect(page).toContain(`| \`upstreams.NAME.${name}\` |`)
    for (const name of ['paths', 'principals', 'tenants', 'upstream'])
      expect(page).toContain(`| \`routes[].${name}\` |`)
    expect(page).not.toContain('upstreams.NAME.lanes.ha_labels')
  })

  test.each(KEYS)('says of $path whether it needs a restart', ({ path, key }) => {
    const row = page.split('\n').find(line => line.startsWith(`| \`${path}\` |`))
    expect(/ \*Restart/.test(row ?? '')).toBe(key.restart !== false)
  })
})

test('config/examples/two-stores.yaml routes by pattern, and all else to target', () => {
  const { upstreams, routes } = load('two.yaml', read('config/examples/two-stores.yaml')).config
  expect(upstreams.map(({ name, tenant }) => [name, tenant])).toEqual([
    ['default', 'header'],
    ['victoriametrics', 'none'],
  ])
  expect(routes.map(({ tenants, upstream }) => [tenants, upstream])).toEqual([
    [['archive-*', 'long-term'], 'victoriametrics'],
    [undefined, 'default'],
  ])
})
