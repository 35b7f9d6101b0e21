import { describe, expect, test } from 'vitest'
import { counted } from '../../../src/remote-write/counted.ts'
import type { Written } from '../../../src/remote-write/written.ts'
import { NOTHING, type Verdict, verdictOf } from '../../../src/share/verdict.ts'

const of = (samples: number, histograms = 0, exemplars = 0): Written => ({ samples, histograms, exemplars })
const SENT = of(10, 5, 2)

function count(status: number, reported: Written | undefined, shares = 1, omitted = false) {
  const { verdict, unclear } = counted(
    { verdict: verdictOf(status, '', undefined), reported },
    SENT,
    shares,
    omitted,
  )
  expect(verdict).toMatchObject({ ...verdictOf(status, '', undefined), written: verdict.written })
  return unclear ? 'unclear' : verdict.written
}

describe('a share that travelled alone', () => {
  test.each<[string, number, Written | undefined, Verdict['written']]>([
    ['all', 204, SENT, 'all'],
    ['a part', 204, of(9, 5, 1), of(9, 5, 1)],
    ['nothing', 200, of(0), of(0)],
    ['more than was sent', 204, of(11, 50, 3), 'all'],
    ['more of one kind and less of another', 204, of(11, 4, 9), of(10, 4, 2)],
    ['all, though the store rejects it', 400, SENT, 'all'],
    ['a part, and the rest is rejected', 400, of(9), of(9)],
    ['a part before it was throttled', 429, of(3, 9), of(3, 5)],
    ['a part before the store failed', 500, of(3), of(3)],
    ['nothing, as the store failed', 503, undefined, NOTHING],
  ])('has written %s', (_, status, reported, written) => {
    expect(count(status, reported)).toEqual(written)
  })
})

describe('a success that says nothing of what was written', () => {
  test('means nothing', () => {
    expect(count(204, undefined)).toEqual(NOTHING)
    expect(count(204, undefined, 3)).toEqual(NOTHING)
  })
  test('means all, where the store is configured as one that omits it', () => {
    expect(count(204, undefined, 1, true)).toBe('all')
    expect(count(204, undefined, 3, true)).toBe('all')
  })
  test('does not overrule a store that does say it', () => {
    expect(count(204, of(1), 1, true)).toEqual(of(1))
  })
})

describe('a push of a replica that is not elected', () => {
  test.each([
    ['the count of what was sent, as Cortex 1.21 and Mimir say it', SENT],
    ['0, as Cortex 1.20 says it', of(0)],
    ['nothing', undefined],
  ])('counts as written where the 202 says %s', (_, reported) => {
    expect(count(202, reported)).toBe('all')
    expect(count(202, reported, 3)).toBe('all')
  })
  test('counts as the store says where a part of it was written', () => {
    expect(count(202, of(3))).toEqual(of(3))
  })
})

describe('shares that travelled together', () => {
  test('have each their own where nothing is missing', () => {
    expect(count(204, SENT, 3)).toBe('all')
  })
  test.each([[of(9, 5, 2)], [of(0)]])('are to go again where %j was written of all', reported => {
    expect(count(204, reported, 3)).toBe('unclear')
  })
  test.each([400, 429, 500])('have none, of a %d that wrote a part of them', status => {
    expect(count(status, of(9), 3)).toEqual(NOTHING)
    expect(count(status, SENT, 3)).toBe('all')
  })
})
