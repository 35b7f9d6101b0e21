import { describe, expect, test } from 'vitest'
import type { RouteConfig } from '../../../src/config/config.ts'
import { renderConfig } from '../../../src/config/effective.ts'
import { loadConfig } from '../../../src/config/load.ts'

const STORES = 'upstreams: {a: {target: http://a/}, b: {target: http://b/}}\n'

function load(text: string) {
  return loadConfig({ file: { name: 'test.yaml', text }, env: {}, cores: 4 })
}

function problemOf(text: string): string {
  try {
    load(text)
  } catch (error) {
    return (error instanceof Error ? error.message : '').split('\n').slice(1).join('\n').trim()
  }
  return ''
}

function warningsOf(text: string): readonly string[] {
  return load(text).warnings.map(({ key, message }) => `${key} ${message}`)
}

describe('routes', () => {
  test('are in the order of the file, and what is not written matches anything', () => {
    const routes: readonly RouteConfig[] = load(`${STORES}routes:
  - {paths: [/api/v1/push], principals: [team], tenants: [x, dev-*], upstream: a}
  - {tenants: ["*"], upstream: b}
`).config.routes
    expect(routes).toEqual([
      { paths: ['/api/v1/push'], principals: ['team'], tenants: ['x', 'dev-*'], upstream: 'a' },
      { paths: undefined, principals: undefined, tenants: ['*'], upstream: 'b' },
    ])
  })

  test('end with one for everything where there is a target', () => {
    const { routes } = load(`target: http://x/\n${STORES}routes: [{tenants: [t], upstream: a}]`).config
    expect(routes.map(({ upstream, tenants }) => [upstream, tenants])).toEqual([
      ['a', ['t']],
      ['default', undefined],
    ])
  })

  test('may name the store of target', () => {
    const { routes } = load(`target: http://x/\n${STORES}routes: [{tenants: [t], upstream: default}]`).config
    expect(routes).toHaveLength(2)
  })

  test('are listed as they were written, and mean the same', () => {
    const first = load(`${STORES}routes:\n  - {tenants: ["007", dev-*], upstream: a}\n  - upstream: b\n`)
    const shown = renderConfig(first.effective)
    expect(shown).toContain(`routes:
  - tenants: [007, "dev-*"] # test.yaml:3:15
    upstream: a # test.yaml:3:41
  - upstream: b # test.yaml:4:15
`)
    expect(load(shown).config.routes).toEqual(first.config.routes)
  })
})

describe('what is wrong with a route is named with its place:', () => {
  test.each([
    [
      'an unknown store',
      '{tenants: [t], upstream: c}',
      'test.yaml:2:35: routes[0].upstream: found a name that no store has; allowed: a, b',
    ],
    [
      'no store',
      '{tenants: [t]}',
      'test.yaml:2:10: routes[0].upstream: found nothing; allowed: the name of a store',
    ],
    [
      'no tenants',
      '{tenants: [], upstream: a}',
      'test.yaml:2:20: routes[0].tenants: found an empty list; allowed: at least one item, or the key left out',
    ],
    ['no paths', '{paths: [], upstream: a}', 'test.yaml:2:18: routes[0].paths: found an empty list;'],
    [
      'a tenant that is no list',
      '{tenants: t, upstream: a}',
      'test.yaml:2:20: routes[0].tenants: found a single value; allowed: a list of single values',
    ],
    [
      'a tenant with a space',
      '{tenants: [a b], upstream: a}',
      'test.yaml:2:21: routes[0].tenants: found "a b"; allowed: a tenant, or a pattern of tenants',
    ],
    [
      'a long pattern',
      `{tenants: [${'x'.repeat(151)}], upstream: a}`,
      'test.yaml:2:21: routes[0].tenants: found "xxx',
    ],
    [
      'a misspelled key',
      '{tenant: [t], upstream: a}',
      'test.yaml:2:11: routes[0].tenant: found an unknown key (did you mean routes[0].tenants?); allowed: paths, principals, tenants, upstream',
    ],
    [
      'a text',
      'a',
      'test.yaml:2:10: routes[0]: found a single value; allowed: a section with paths, principals, tenants, upstream',
    ],
  ])('%s', (_, route, problem) => {
    const found = problemOf(`${STORES}routes: [${route}]\n`)
    expect(found.slice(0, problem.length)).toBe(problem)
    expect(found.split('\n')).toHaveLength(1)
  })

  test.each([
    ...['push', '', '/a?b=c', '/a#b', '/a b', '/../a', '/a/./b', '/%2e%2E/a', '/a%20b', '/a%'],
    ...['/-/reload', '/-', '/metrics', '/alive', 'http://x/', '/loki/push', '//', '/a//b'],
  ])('the path %j', path => {
    const problem = `test.yaml:2:19: routes[0].paths: found "${path}"; allowed: a path`
    expect(problemOf(`${STORES}routes: [{paths: ["${path}"], upstream: a}]\n`).slice(0, problem.length)).toBe(
      problem,
    )
  })

  test.each([
    ['/team%2Da/push', 'write what they stand for'],
    ['/a//b', 'with single slashes'],
    ['/loki/push', 'let senders write to another'],
  ])('the path %s, with what to do', (path, advice) => {
    expect(problemOf(`${STORES}routes: [{paths: ["${path}"], upstream: a}]\n`)).toContain(advice)
  })

  test('no list', () => {
    expect(problemOf(`${STORES}routes: {a: b}\n`)).toBe(
      'test.yaml:2:9: routes: found a section; allowed: a list of sections',
    )
  })

  test('all at once, each with the number that it has in the file', () => {
    const text = `${STORES}routes:\n  - {tenants: [], upstream: a}\n  - nothing\n  - {upstream: c}\n  - {paths: [x], upstream: d}\n`
    expect(
      problemOf(text)
        .split('\n')
        .map(line => line.trim().split(': ')[1]),
    ).toEqual([
      'routes[0].tenants',
      'routes[1]',
      'routes[2].upstream',
      'routes[3].paths',
      'routes[3].upstream',
    ])
  })

  test.each(['/api/v1/push', '/', '/metricsx', '/a:b', '/loki/push/', '/alive-and-well'])(
    'but not the path %s',
    path => {
      expect(problemOf(`${STORES}routes: [{paths: ["${path}"], upstream: a}]`)).toBe('')
    },
  )
})

describe('a warning', () => {
  test.each([
    [
      'of a store that nothing goes to',
      'target: http://x/\nupstreams: {a: {target: http://a/}}\n',
      ['upstreams.a is named by no route, so nothing goes there'],
    ],
    [
      'of tenants that go nowhere',
      `${STORES}routes: [{tenants: [t], upstream: a}, {tenants: [u], upstream: b}]`,
      ['routes has no route for all tenants, and there is no target: series of other tenants are refused'],
    ],
    [
      'of usual paths that lead nowhere',
      `${STORES}routes: [{paths: [/a/push], upstream: a}, {principals: [me], upstream: b}]`,
      [
        'routes has no route for all who push to a usual path, such as /api/v1/push, and there is no target: their pushes are refused',
      ],
    ],
    [
      'of a route behind one for everything',
      `${STORES}routes: [{upstream: a}, {tenants: [t], upstream: b}]`,
      ['routes[1] is never reached: routes[0] matches everything'],
    ],
    [
      'of several of these',
      `${STORES}routes: [{tenants: ["**"], upstream: a}, {upstream: b}, {upstream: b}]`,
      ['routes[1] is never reached, and neither is the one behind it: routes[0] matches everything'],
    ],
    [
      'of a header that nobody sends',
      'target: http://x/\nupstreams: {a: {target: "http://a/{tenant}", tenant_header: X-T}}\nroutes: [{upstream: a}]',
      ['upstreams.a.tenant_header has no effect with tenant: path'],
    ],
    [
      'of a password without a user',
      'target: http://x/\nupstreams: {a: {target: http://a/, auth: {password: hunter2}}}\nroutes: [{upstream: a}]',
      ['upstreams.a.auth.username is not set, so the password has no effect'],
    ],
    [
      'of a password in clear',
      'target: http://x/\nupstreams: {a: {target: http://a/, auth: {username: u, password: hunter2}}}\nroutes: [{upstream: a}]',
      ['upstreams.a gets its password in clear: its target is plain http'],
    ],
  ])('is given %s', (_, text, warnings) => {
    expect(warningsOf(text)).toEqual(warnings)
  })

  test.each([
    [
      'all tenants have a store',
      `${STORES}routes: [{tenants: [t], upstream: a}, {paths: [/x], upstream: b}]`,
    ],
    [
      'there is a target',
      `target: http://x/\n${STORES}routes: [{tenants: [t], upstream: a}, {tenants: [u], upstream: b}]`,
    ],
    [
      'one usual path leads somewhere',
      `${STORES}routes: [{paths: [/a/push], upstream: a}, {paths: [/api/v1/push], upstream: b}]`,
    ],
    ['the route for everything is the last', `${STORES}routes: [{tenants: [t], upstream: a}, {upstream: b}]`],
  ])('is not given where %s', (_, text) => {
    expect(warningsOf(text)).toEqual([])
  })
})
