import { describe, expect, test } from 'vitest'
import { readFile as parse } from '../../../src/config/file.ts'
import { join, pathText } from '../../../src/config/settings.ts'
import { readValues } from '../../../src/config/values.ts'
import type { ConfigProblem } from '../../../src/schema/problem.ts'
import { spotAt, textOf } from '../../../src/schema/tree.ts'

interface FileSetting {
  readonly place: unknown
  readonly texts: readonly { readonly text: string; readonly place: unknown }[]
}

/** A file as it is read and held against the schema. */
function readFile(
  name: string,
  source: string,
): { settings: Map<string, FileSetting>; problems: ConfigProblem[] } {
  const parsed = parse(name, source)
  const joined = join(parsed, [], {})
  const settings = joined.settings.map(({ path, key, place, scalars }): [string, FileSetting] => {
    const placeOf = (index: number) => (key.list ? spotAt(joined, [...path, index])?.value : place)
    return [
      pathText(path),
      { place, texts: scalars.map((text, i) => ({ text: textOf(text), place: placeOf(i) })) },
    ]
  })
  const problems = [...parsed.problems, ...readValues(joined, name, []).problems]
  const line = ({ place }: ConfigProblem) => place.line ?? Number.POSITIVE_INFINITY
  return { settings: new Map(settings), problems: problems.sort((a, b) => line(a) - line(b)) }
}

function textsOf(source: string): Record<string, readonly string[]> {
  const joined = join(parse('f.yaml', source), [], {})
  const { settings } = joined
  expect(readFile('f.yaml', source).problems.filter(({ found }) => !found.startsWith('"'))).toEqual([])
  return Object.fromEntries(settings.map(({ path, scalars }) => [pathText(path), scalars.map(textOf)]))
}

function firstProblem(source: string): string {
  const { problems } = readFile('f.yaml', source)
  const { place, key, found } = problems[0] as (typeof problems)[number]
  return `${place.line}:${place.column} ${key}: ${found}`
}

describe('a scalar in a file', () => {
  test.each([
    ['007', '007'],
    ['12:34', '12:34'],
    ['1_000', '1_000'],
    ['0x1F', '0x1F'],
    ['1e3', '1e3'],
    ['.inf', '.inf'],
    ['yes', 'yes'],
    ['2026-01-02', '2026-01-02'],
    ['<<', '<<'],
    ['a b # comment', 'a b'],
    ["'007'", '007'],
    ['"a\\tb"', 'a\tb'],
    ["'it''s'", "it's"],
    ['""', ''],
    ['"null"', 'null'],
    ['"~"', '~'],
    ['|\n    two\n    lines\n', 'two\nlines\n'],
    ['>-\n    one\n    line\n', 'one line'],
    ['!!str 10', '10'],
  ])('%j is the text %j', (yaml, text) => {
    expect(textsOf(`tenant:\n  default: ${yaml}\n`)).toEqual({ 'tenant.default': [text] })
  })

  test.each(['', ' ', ' # comment', ' ~', ' null', ' Null', ' NULL'])('of %j is not written at all', yaml => {
    expect(textsOf(`tenant:\n  default:${yaml}\n  prefix: p\n`)).toEqual({ 'tenant.prefix': ['p'] })
  })
})

describe('a file', () => {
  test.each(['', '\n', '# nothing\n', '---\n', 'null\n', '{}\n', 'tenant:\n', 'auth:\n  egress:\n'])(
    'of %j sets nothing',
    source => {
      expect(textsOf(source)).toEqual({})
    },
  )

  test('may use flow style, CRLF, a byte order mark and a document start', () => {
    expect(textsOf('\ufeff---\r\nlisten: :1\r\ntenant: {label_list: [a, "b"], prefix: p}\r\n')).toEqual({
      listen: [':1'],
      'tenant.label_list': ['a', 'b'],
      'tenant.prefix': ['p'],
    })
  })

  test('may use anchors and aliases, also for sections and lists', () => {
    const source =
      'timeout: &t 5s\nidle_timeout: *t\ntenant: {label_list: &l [a]}\negress: {forward_headers: *l}\n'
    expect(textsOf(source)).toEqual({
      timeout: ['5s'],
      idle_timeout: ['5s'],
      'tenant.label_list': ['a'],
      'egress.forward_headers': ['a'],
    })
  })

  test('whose aliases refer to themselves is read no deeper than the schema', () => {
    expect(firstProblem('auth: &a\n  egress: *a\n')).toBe('2:3 auth.egress.egress: an unknown key')
  })

  test('whose aliases multiply is no more work than its keys', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `x${i}: &x${i} [${`*x${i - 1}, `.repeat(i === 0 ? 0 : 9)}1]`,
    )
    const { problems } = readFile('f.yaml', levels.join('\n'))
    expect(problems).toHaveLength(30)
  })

  test('keeps line and column of every text', () => {
    const { settings } = readFile('f.yaml', 'tenant:\n  label_list:\n    - a\n    - "b"\n  prefix:   p\n')
    expect(settings.get('tenant.label_list')?.texts).toEqual([
      { text: 'a', place: { name: 'f.yaml', line: 3, column: 7 } },
      { text: 'b', place: { name: 'f.yaml', line: 4, column: 7 } },
    ])
    expect(settings.get('tenant.prefix')?.place).toEqual({ name: 'f.yaml', line: 5, column: 13 })
  })
})

describe('what is wrong with a file has its line and column:', () => {
  test.each([
    ['a tab', 'tenant:\n\tlabel: x\n', '2:1 : a tab in the indentation'],
    ['a second document', 'listen: :1\n---\nlisten: :2\n', '2:1 : a second document (after ---)'],
    [
      'an alias without anchor',
      'listen: *a\n',
      '1:9 listen: an alias (*name) without its anchor (&name) before it',
    ],
    ['an unknown tag', 'listen: !env X\n', '1:9 : an unknown tag (!name)'],
    ['a missing quote', 'listen: "x\n', '2:1 : text where a : or a closing bracket or quote is missing'],
    ['two keys in one line', 'listen: a: b\n', '1:9 : a second : in one line'],
    ['a reserved character', 'listen: @x\n', '1:9 : a value that starts with a reserved character'],
    ['a list at the top', '- listen\n', '1:1 : a list'],
    ['a text at the top', 'listen\n', '1:1 : a single value'],
    ['an unknown key', 'tenant:\n  colour: red\n', '2:3 tenant.colour: an unknown key'],
    ['a merge key', 'tenant: &t {}\nauth:\n  <<: *t\n', '3:3 auth: an unknown key'],
    ['a complex key', '? [a]\n: b\n', '1:3 : an unknown key'],
    ['a key twice', 'listen: :1\nlisten: :1\n', '2:1 listen: the key a second time, after line 1'],
    [
      'a section twice',
      'tenant:\n  label: a\ntenant:\n  prefix: b\n',
      '3:1 tenant: the key a second time, after line 1',
    ],
    ['a value for a section', 'tenant: x\n', '1:9 tenant: a single value'],
    ['a list for a section', 'tenant: [x]\n', '1:9 tenant: a list'],
    ['a section for a value', 'listen:\n  host: x\n', '2:3 listen: a section'],
    ['a list for a value', 'listen: [x]\n', '1:9 listen: a list'],
    ['a value for a list', 'tenant:\n  label_list: a,b\n', '2:15 tenant.label_list: a single value'],
    ['a list in a list', 'tenant:\n  label_list: [a, [b]]\n', '2:19 tenant.label_list: a list'],
    ['nothing in a list', 'tenant:\n  label_list:\n    - a\n    -\n', '4:6 tenant.label_list: nothing'],
  ])('%s', (_, source, problem) => {
    expect(firstProblem(source)).toBe(problem)
  })
})

test('a broken line is one problem, and each broken line has its own', () => {
  const { problems } = readFile('f.yaml', 'listen: a: b: c: d\ntarget: x\ntimeout: @x: @y\n')
  expect(problems.map(({ place }) => place.line)).toEqual([1, 3])
})

test.each(['[', '{a: ', '- ', 'a: ', '"', '&a '])('a file of many %j is refused with few words', token => {
  const { problems } = readFile('f.yaml', token.repeat(5000))
  expect(problems).toHaveLength(1)
})

test.each(['__proto__', 'constructor', 'toString'])('%s is an unknown key like any other', name => {
  expect(firstProblem(`${name}: {a: b}\n`)).toBe(`1:1 ${name}: an unknown key`)
})

test.each([
  'auth: {egress: {password: *hunter2}}',
  'auth: {egress: {password: !hunter2 x}}',
  'auth: {egress: {password: "\\hunter2"}}',
  'auth: {egress: {password: @hunter2}}',
  'auth: {egress: {password: a: hunter2}}',
  'auth: {egress: {password=hunter2}}',
  'auth: {egress: password=hunter2}',
  'auth:\n  egress:\n    username: x\n    password:hunter2\n',
  'auth:\n  egress:\n    password: [hunter2]\n',
  'auth:\n  egress:\n    password: x\n   hunter2: y\n',
  'auth:\n  egress:\n    password: "x" hunter2\n',
  '%hunter2\n---\n',
])('a secret in a broken file is not repeated: %j', source => {
  const { problems } = readFile('f.yaml', source)
  expect(problems.length).toBeGreaterThan(0)
  expect(JSON.stringify(problems)).not.toContain('hunter2')
})
