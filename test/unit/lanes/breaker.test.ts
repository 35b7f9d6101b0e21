import { describe, expect, test } from 'vitest'
import { Breaker, type Trial } from '../../../src/lanes/breaker.ts'

/** Steps: `a`ttempting, `f`ailed, `s`ucceeded, `e`nded (the last attempt) or `u` (one that was no probe), a number of milliseconds that pass. */
function walk(steps: string, policy = { failures: 3, cooldownMs: 100 }) {
  let time = 1000
  const breaker = new Breaker(policy, () => time)
  let trial: Trial = 'usual'
  for (const step of steps.split(' ').filter(Boolean)) {
    if (step === 'f') breaker.failed()
    else if (step === 's') breaker.succeeded()
    else if (step === 'e') breaker.ended(trial)
    else if (step === 'u') breaker.ended('usual')
    else if (step === 'a') trial = breaker.attempting()
    else time += Number(step)
  }
  return { open: breaker.open, waitMs: breaker.waitMs }
}

const CLOSED = { open: false, waitMs: 0 }
const opened = (waitMs: number) => ({ open: true, waitMs })

describe('a breaker', () => {
  test.each([
    ['', CLOSED, 'is closed at first'],
    ['a f a f', CLOSED, 'stays closed below its failures'],
    ['a f a f a f', opened(100), 'opens at as many in a row'],
    ['a f a f a s a f a f', CLOSED, 'begins to count anew after a success'],
    ['a f a f a e a f', opened(100), 'does not take an attempt that told nothing for a success'],
    ['f f f 60', opened(40), 'waits for its cooldown'],
    ['f f f 100', opened(0), 'lets a probe go then, and is still open'],
    ['f f f 100 a', opened(100), 'lets nothing else go while the probe is under way'],
    ['f f f 100 a s', CLOSED, 'closes when the probe succeeds'],
    ['f f f 100 a f', opened(100), 'opens for another cooldown when the probe fails'],
    ['f f f 100 a f 99', opened(1), 'and waits for that as well'],
    ['f f f 100 a f 100', opened(0), 'and probes again then'],
    ['f f f 100 a e', opened(0), 'lets another probe go when one told nothing'],
    ['a f f f 100 a u', opened(100), 'lets nothing else go because an earlier attempt told nothing'],
    ['f f f 100 a s f f', CLOSED, 'has forgotten its failures when it has closed'],
    ['a a a f s', CLOSED, 'hears attempts that were under way when it opened'],
    ['a a a a f f f s', CLOSED, 'closes at the success of one that left before it opened'],
    ['a a a a f f f 50 f', opened(100), 'begins its cooldown anew at the failure of one that left before'],
  ])('%j: %o, it %s', (steps, expected) => {
    expect(walk(steps)).toEqual(expected)
  })

  test('of one failure opens at once', () => {
    expect(walk('f', { failures: 1, cooldownMs: 5 })).toEqual(opened(5))
  })

  test('of 0 failures never opens', () => {
    expect(walk('f f f f f f f f f', { failures: 0, cooldownMs: 100 })).toEqual(CLOSED)
  })

  test('is not changed by being asked', () => {
    const breaker = new Breaker({ failures: 1, cooldownMs: 0 }, () => 7)
    breaker.failed()
    expect([breaker.waitMs, breaker.waitMs, breaker.open]).toEqual([0, 0, true])
  })
})
