import { describe, expect, test } from 'vitest'
import { parseSelector } from '../../../src/demo/selector.ts'

const API = [
  ['__name__', 'http_requests_total'],
  ['code', '200'],
  ['job', 'api'],
] as const

function selects(text: string): boolean {
  const parsed = parseSelector(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.selector(API)
}

function errorOf(text: string): string {
  const parsed = parseSelector(text)
  return parsed.ok ? '' : parsed.error
}

describe('a selector selects', () => {
  const selecting = [
    'http_requests_total',
    '  http_requests_total  ',
    'http_requests_total{}',
    'http_requests_total{job="api"}',
    'http_requests_total{job="api",}',
    'http_requests_total { job = "api" , code != "500" }',
    "{__name__='http_requests_total'}",
    '{job=~"a.i"}',
    '{job=~"api|web"}',
    '{job=~`\\w+`}',
    '{job="\\x61pi"}',
    '{job="\\u0061pi"}',
    'http_requests_total{job!~"web|db"}',
    'http_requests_total{absent=""}',
    'http_requests_total{absent!="x"}',
    'http_requests_total{absent=~"x?"}',
  ]
  for (const text of selecting) test(text, () => expect(selects(text)).toBe(true))
})

describe('a selector leaves out', () => {
  const leavingOut = [
    'http_requests',
    '{job="ap"}',
    '{job=~"ap"}', // anchored at both ends
    '{job=~"pi"}',
    'http_requests_total{job!="api"}',
    'http_requests_total{job!~"a.*"}',
    'http_requests_total{absent="x"}',
    'http_requests_total{absent!=""}',
    'http_requests_total{absent=~".+"}',
  ]
  for (const text of leavingOut) test(text, () => expect(selects(text)).toBe(false))
})

describe('what is no selector is told so', () => {
  const cases: readonly (readonly [text: string, error: RegExp])[] = [
    ['', /metric selectors only.*found the end/],
    ['rate(http_requests_total[5m])', /^1:5: .*metric selectors only.*found "\(/],
    ['up[5m]', /metric selectors only.*found "\[5m\]"/],
    ['up offset 5m', /metric selectors only.*found "offset 5m"/],
    ['up + 1', /metric selectors only/],
    ['1', /metric selectors only/],
    ['{}', /at least one matcher/],
    ['{job!="api"}', /at least one matcher/],
    ['{job=""}', /at least one matcher/],
    ['{job=~".*"}', /at least one matcher/],
    ['{job="a"', /expected "," or "}", found the end/],
    ['{job="a" code="b"}', /expected "," or "}"/],
    ['{job}', /expected one of = != =~ !~/],
    ['{job=a}', /expected a quoted string/],
    ['{="a"}', /expected a label name/],
    ['{job="a}', /expected a quoted string/],
    ['{job="\\q"}', /unknown escape/],
    ['{job="\\x6"}', /unknown escape/],
    ['{job=~"("}', /not a regular expression/],
    ['{job=~"(?=a)"}', /not a regular expression/],
    [`{job="${'a'.repeat(3000)}"}`, /3008 characters, at most 2048/],
  ]
  for (const [text, error] of cases)
    test(text.slice(0, 40) || '(nothing)', () => expect(errorOf(text)).toMatch(error))
})

test('a regular expression that makes a backtracking engine hang is answered', () => {
  const parsed = parseSelector('{job=~"(a|a)*(a|a)*(a|a)*b"}')
  expect(parsed.ok && parsed.selector([['job', 'a'.repeat(2000)]])).toBe(false)
})
