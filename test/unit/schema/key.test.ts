// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files hold these
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  inherited,
  inheritedSection,
  key,
  list,
  listedSections,
  named,
  optional,
  optionalList,
  required,
  section,
  type Values,
} from '../../../src/schema/key.ts'
import {
  boolean,
  duration,
  integer,
  labelName,
  oneOf,
  secret,
  text,
  upstreamName,
} from '../../../src/schema/leaf.ts'
import { Secret } from '../../../src/schema/secret.ts'
import { type Tree, Worded } from '../../../src/schema/tree.ts'

const lanes = section('Lanes.', {
  concurrency: key(integer(1, 9), '4', 'How many.'),
  linger: key(duration, '1s', 'How long.', { as: 'lingerMs' }),
  ha_labels: list(labelName, 'Which.', { as: 'haLabels', items: 'a, b' }),
})

const SCHEMA = section('All.', {
  listen: key(text, ':1', 'Where.'),
  log_level: key(oneOf('warn', 'info'), 'warn', 'What.', { as: 'log.level' }),
  log: section('Log.', { format: key(text, 'json', 'How.') }),
  flat: section('Flat.', { shed_after: optional(duration, 'never', 'When.', { as: 'shedAfterMs' }) }, '.'),
  lanes,
  stores: named(
    upstreamName,
    'Stores.',
    section('A store.', {
      target: required(text, 'the URL', 'Where to.'),
      headers: named(labelName, 'Headers.', required(secret, 'a value', 'What.')),
      timeout: inherited(key(duration, '1s', 'How long.', { as: 'egress.timeoutMs' }), 'timeout'),
      lanes: inheritedSection(lanes, 'lanes', ['ha_labels']),
    }),
  ),
  routes: listedSections(
    'Routes.',
    section('A route.', {
      tenants: optionalList(text, 'any', 'Whose.'),
      to: required(upstreamName, 'a store', 'Where to.'),
    }),
  ),
})

type All = Values<(typeof SCHEMA)['keys']>

function issuesOf(tree: Tree): readonly (readonly [path: string, message: string, received: string])[] {
  const { issues = [] } = v.safeParse(SCHEMA.schema, tree)
  return issues.map(issue => [v.getDotPath(issue) ?? '', issue.message, issue.received])
}

describe('a table of keys', () => {
  test('becomes values under their names in code, each with its default', () => {
    expect(v.parse(SCHEMA.schema, {})).toEqual({
      listen: ':1',
      log: { level: 'warn', format: 'json' },
      shedAfterMs: undefined,
      lanes: { concurrency: 4, lingerMs: 1000, haLabels: ['a', 'b'] },
      stores: {},
      routes: [],
    })
  })

  test('reads texts, of files and of the environment by their own words', () => {
    const { schema } = section('S.', { a: key(boolean, 'false', 'A.') })
    expect(v.parse(schema, { a: 'yes' })).toEqual({ a: true })
    expect(v.parse(schema, { a: new Worded('t', 't', 'environment', false) })).toEqual({ a: true })
    expect(v.safeParse(schema, { a: 't' }).success).toBe(false)
    expect(v.parse(schema, { a: new Worded('${X}', 'on', 'file', false) })).toEqual({ a: true })
  })

  test('has sections under names, and one after the other', () => {
    const values = v.parse(SCHEMA.schema, {
      stores: { a: { target: 'x', headers: { h: 'p' }, timeout: '2s', lanes: { concurrency: '5' } } },
      routes: [{ to: 'a' }, { tenants: ['t'], to: 'b' }],
    })
    expect(values.stores).toEqual({
      a: {
        target: 'x',
        headers: { h: expect.any(Secret) },
        timeoutMs: 2000,
        lanes: { concurrency: 5, lingerMs: undefined },
      },
    })
    expect(values.routes).toEqual([
      { tenants: undefined, to: 'a' },
      { tenants: ['t'], to: 'b' },
    ])
  })

  test('says in types what it becomes', () => {
    expectTypeOf<All['listen']>().toEqualTypeOf<string>()
    expectTypeOf<All['log']['level']>().toEqualTypeOf<'warn' | 'info'>()
    expectTypeOf<All['log']['format']>().toEqualTypeOf<string>()
    expectTypeOf<All['shedAfterMs']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<All['lanes']['haLabels']>().toEqualTypeOf<readonly string[]>()
    expectTypeOf<All['stores'][string]['timeoutMs']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<All['stores'][string]['lanes']['lingerMs']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<All['stores'][string]['headers']>().toEqualTypeOf<Readonly<Record<string, Secret>>>()
    expectTypeOf<All['routes'][number]['tenants']>().toEqualTypeOf<readonly string[] | undefined>()
    // @ts-expect-error: left out of the inherited section
    expectTypeOf<All['stores'][string]['lanes']['haLabels']>().toBeNever
  })

  test('has all issues at once, with their paths, what is allowed and what was found', () => {
    expect(
      issuesOf({
        listen: ['x'],
        colour: 'red',
        size: 'xl',
        lanes: 'x',
        stores: { a: { lanes: { concurrency: '10', ha_labels: [] } }, B: { target: 'x' } },
        routes: [{ tenants: [], to: 'a' }, { tenants: ['a', ['b']], to: 'a' }, null, { to: 'A' }],
      }),
    ).toEqual([
      ['listen', 'a single value', 'a list'],
      ['lanes', 'a section with concurrency, linger, ha_labels', '"x"'],
      ['stores.a.target', 'the URL', 'undefined'],
      ['stores.a.lanes.concurrency', 'a whole number from 1 to 9', '"10"'],
      ['stores.a.lanes.ha_labels', 'concurrency, linger', 'Array'],
      [
        'stores.B',
        'a name of at most 63 lower-case letters, digits, - and _, the first no - or _',
        'a name that is none',
      ],
      ['routes.0.tenants', 'at least one item, or the key left out', '0'],
      ['routes.1.tenants.1', 'a list of single values', 'a list'],
      ['routes.2', 'a section with tenants, to', 'null'],
      ['routes.3.to', 'a name of at most 63 lower-case letters, digits, - and _, the first no - or _', '"A"'],
      ['colour', 'listen, log_level, log, flat, lanes, stores, routes', '"red"'],
      ['size', 'listen, log_level, log, flat, lanes, stores, routes', '"xl"'],
    ])
  })

  test.each(['toString', 'valueOf', 'hasOwnProperty'])('takes %s for an unknown key', name => {
    expect(issuesOf({ [name]: 'x' })).toHaveLength(1)
  })
})
