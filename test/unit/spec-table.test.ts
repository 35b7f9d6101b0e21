/** docs/remote-write-2.md says which test holds which rule; this holds that page. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const PAGE = readFileSync(new URL('../../docs/remote-write-2.md', import.meta.url), 'utf8')
const ROWS = PAGE.split('\n')
  .filter(line => /^\| \d[RSM]\d+ /.test(line))
  .map(line => {
    const [rule = '', duty = '', how = '', tests = ''] = line
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim())
    return { rule, duty, how, tests: tests === '–' ? [] : tests.split('<br>') }
  })

test('every rule says once what is asked, how it is held, and by which test', () => {
  expect(ROWS.length).toBeGreaterThan(60)
  expect(ROWS.filter(({ duty, how }) => !/\b(MUST|SHOULD)\b/.test(duty) || how === '')).toEqual([])
  const rules = ROWS.map(({ rule }) => rule)
  expect(rules.filter((rule, n) => rules.indexOf(rule) < n)).toEqual([])
})

test.each(ROWS.flatMap(({ rule, tests }) => tests.map(name => [rule, name] as const)))(
  '%s is held by a test that exists: %s',
  (_, name) => {
    const [, file, title] = /^`([a-z0-9/-]+)` (.+)$/.exec(name) ?? []
    const url = new URL(`../${file}.test.ts`, import.meta.url)
    expect(existsSync(url)).toBe(true)
    expect(titlesIn(readFileSync(url, 'utf8'))).toContain(title)
  },
)

/** The names of tests and describes: a text in quotes that a function or options follow. */
function titlesIn(source: string): string[] {
  const found = source.matchAll(/(['"`])((?:\\.|(?!\1).)+)\1,\s*(?:async\b|\(|\{|[a-z]\w* =>)/g)
  return [...found].map(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1'))
}
