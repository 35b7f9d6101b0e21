import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoff, type RetryPolicy } from '../../../src/lanes/retry.ts'
import { localVerdict, NOTHING, type Verdict, verdictOf } from '../../../src/share/verdict.ts'

const policy: RetryPolicy = { maxAttempts: 3, minBackoffMs: 50, maxBackoffMs: 1000 }
const LONG = 60_000
const middle = () => 0.5
const broken = (cause: 'connect' | 'connection' | 'timeout' | 'local' | 'cancelled'): Verdict => {
  return { kind: 'unreachable', status: 0, reason: '', retryAfterMs: undefined, cause, written: NOTHING }
}

describe('another attempt', () => {
  test.each<[string, Verdict]>([
    ['no connection', broken('connect')],
    ['a broken connection', broken('connection')],
    ['502', verdictOf(502, '', undefined)],
    ['503', verdictOf(503, '', undefined)],
    ['504', verdictOf(504, '', undefined)],
  ])('follows %s', (_, verdict) => {
    expect(backoff(verdict, 1, LONG, policy, middle)).toBeGreaterThan(0)
  })

  test.each<[string, Verdict]>([
    ['success', verdictOf(204, '', undefined)],
    ['429, which is for the sender to hear', verdictOf(429, '', 1000)],
    ['400', verdictOf(400, '', undefined)],
    ['401', verdictOf(401, '', undefined)],
    ['408', verdictOf(408, '', undefined)],
    ['413', verdictOf(413, '', undefined)],
    ['302', verdictOf(302, '', undefined)],
    ['500', verdictOf(500, '', undefined)],
    ['529', verdictOf(529, '', undefined)],
    ['a timeout, which it would double', broken('timeout')],
    ['a queue of ours that is full', localVerdict('full', 100)],
    ['a push that was called off', broken('cancelled')],
  ])('does not follow %s', (_, verdict) => {
    expect(backoff(verdict, 1, LONG, policy, middle)).toBeUndefined()
  })

  test('is one of max_attempts, the first included', () => {
    const waits = [1, 2, 3, 4].map(attempts => backoff(broken('connect'), attempts, LONG, policy, middle))
    expect(waits.map(wait => wait !== undefined)).toEqual([true, true, false, false])
    expect(backoff(broken('connect'), 1, LONG, { ...policy, maxAttempts: 1 }, middle)).toBeUndefined()
  })

  test.each([
    [1, 25, 50],
    [2, 50, 100],
    [3, 100, 200],
    [5, 400, 800],
    [6, 500, 1000],
    [40, 500, 1000],
  ])('after %d waits between %d and %d ms, half of it chance', (attempts, from, to) => {
    const patient = { ...policy, maxAttempts: 100 }
    expect(backoff(broken('connect'), attempts, LONG, patient, () => 0)).toBe(from)
    expect(backoff(broken('connect'), attempts, LONG, patient, () => 0.999999)).toBeCloseTo(to, 1)
  })

  test('waits as long as the store asked for, where that is longer', () => {
    expect(backoff(verdictOf(503, '', 2000), 1, LONG, policy, middle)).toBe(2000)
    expect(backoff(verdictOf(503, '', 0), 1, LONG, policy, middle)).toBe(37.5)
    expect(backoff(verdictOf(503, '', 1), 1, LONG, policy, middle)).toBe(37.5)
  })

  test.each([
    ['the backoff', verdictOf(503, '', undefined), 37.5],
    ['Retry-After', verdictOf(503, '', 2000), 2000],
  ])('is not made where %s would end at or after the push’s deadline', (_, verdict, wait) => {
    expect(backoff(verdict, 1, wait + 0.1, policy, middle)).toBe(wait)
    expect(backoff(verdict, 1, wait, policy, middle)).toBeUndefined()
    expect(backoff(verdict, 1, -5, policy, middle)).toBeUndefined()
  })

  test('never waits past the deadline, less than half its step, or more than max_backoff without being asked', () => {
    const wait = fc.option(fc.nat(20_000), { nil: undefined })
    fc.assert(
      fc.property(wait, fc.integer({ min: 1, max: 9 }), fc.nat(30_000), fc.nat(999), (asked, n, left, r) => {
        const patient = { ...policy, maxAttempts: 10 }
        const ms = backoff(verdictOf(503, '', asked), n, left, patient, () => r / 1000)
        const step = Math.min(1000, 50 * 2 ** (n - 1))
        if (ms === undefined) {
          expect(Math.max(asked ?? 0, step)).toBeGreaterThanOrEqual(left)
          return
        }
        expect(ms).toBeLessThan(left)
        expect(ms).toBeGreaterThanOrEqual(Math.max(asked ?? 0, step / 2))
        expect(ms).toBeLessThanOrEqual(Math.max(asked ?? 0, step))
      }),
    )
  })
})
