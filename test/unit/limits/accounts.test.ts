import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Account, type AccountRefusal, type Permit } from '../../../src/limits/accounts.ts'

const admitted = (outcome: Permit | AccountRefusal): Permit => {
  if (!outcome.admitted) throw new Error(outcome.message)
  return outcome
}

describe('the gate', () => {
  test('admits up to its number of pushes, and again after a release', () => {
    const gate = new Account({ maxPushes: 2, maxBytes: 100 })
    const first = admitted(gate.admit(1))
    admitted(gate.admit(1))
    expect(gate.admit(1)).toMatchObject({ admitted: false, limit: 'concurrency' })
    first.release()
    expect(gate.admit(1).admitted).toBe(true)
  })

  test('refuses bytes beyond the budget, and names the key and the number', () => {
    const gate = new Account({ maxPushes: 9, maxBytes: 1000 })
    admitted(gate.admit(600))
    expect(gate.admit(500)).toEqual({
      admitted: false,
      limit: 'limits.max_in_flight_bytes',
      message: 'too much in flight: limits.max_in_flight_bytes is 1,000 bytes',
    })
  })

  test('always admits one push when nothing is in flight, however large', () => {
    const gate = new Account({ maxPushes: 9, maxBytes: 10 })
    const permit = admitted(gate.admit(1_000_000))
    expect(permit.resize(2_000_000)).toBeUndefined()
    expect(gate.admit(1).admitted).toBe(false)
  })

  test('leaves the account as it was when a resize is refused', () => {
    const gate = new Account({ maxPushes: 9, maxBytes: 100 })
    admitted(gate.admit(40))
    const permit = admitted(gate.admit(40))
    expect(permit.resize(80)).toMatchObject({ admitted: false })
    expect(gate.bytes).toBe(80)
    permit.release()
    expect(gate.bytes).toBe(40)
  })

  test.each(['admission.max_memory_percent', 'admission.max_event_loop_delay'] as const)(
    'refuses under %s, but for a push that is the only one',
    limit => {
      let pressure: typeof limit | undefined = limit
      const refused: string[] = []
      const gate = new Account({
        maxPushes: 9,
        maxBytes: 1000,
        pressure: () => pressure,
        refused: which => refused.push(which),
      })
      const only = admitted(gate.admit(10))
      expect(gate.admit(10)).toEqual({
        admitted: false,
        limit,
        message: `this process is overloaded: ${limit} is exceeded`,
      })
      // What is in already is not turned away.
      expect(only.resize(20)).toBeUndefined()
      pressure = undefined
      expect(gate.admit(10).admitted).toBe(true)
      expect([gate.pushes, gate.bytes, refused]).toEqual([2, 30, [limit]])
    },
  )

  test('tells of each refusal once, by the key of its limit', () => {
    const refused: string[] = []
    const gate = new Account({ maxPushes: 2, maxBytes: 100, refused: limit => refused.push(limit) })
    const first = admitted(gate.admit(40))
    gate.admit(70)
    admitted(gate.admit(40))
    gate.admit(1)
    first.resize(90)
    expect(refused).toEqual(['limits.max_in_flight_bytes', 'concurrency', 'limits.max_in_flight_bytes'])
  })

  test('calls a second release a bug', () => {
    const permit = admitted(new Account({ maxPushes: 1, maxBytes: 1 }).admit(1))
    permit.release()
    expect(() => permit.release()).toThrow('BUG')
  })

  test('is exact under any order of admissions, resizes and releases, and at zero in the end', () => {
    const step = fc.record({
      what: fc.constantFrom('admit', 'resize', 'release'),
      pick: fc.nat(),
      bytes: fc.nat(300),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const gate = new Account({ maxPushes: 4, maxBytes: 500 })
        const held: { permit: Permit; bytes: number }[] = []
        for (const { what, pick, bytes } of steps) {
          const entry = held[pick % Math.max(1, held.length)]
          if (what === 'admit') {
            const outcome = gate.admit(bytes)
            if (outcome.admitted) held.push({ permit: outcome, bytes })
          } else if (entry !== undefined && what === 'resize') {
            if (entry.permit.resize(bytes) === undefined) entry.bytes = bytes
          } else if (entry !== undefined) {
            entry.permit.release()
            held.splice(held.indexOf(entry), 1)
          }
          expect(gate.pushes).toBe(held.length)
          expect(gate.bytes).toBe(held.reduce((sum, { bytes: b }) => sum + b, 0))
          expect(gate.pushes).toBeLessThanOrEqual(4)
        }
        for (const { permit } of held) permit.release()
        expect([gate.pushes, gate.bytes]).toEqual([0, 0])
      }),
    )
  })
})

describe('accounts below one another', () => {
  const LIMITS = { maxPushes: 3, maxBytes: 100 }
  const charges = (...accounts: readonly Account[]) => accounts.map(({ pushes, bytes }) => [pushes, bytes])

  test('charge what they take to all above them, and give it back to all', () => {
    const process = new Account(LIMITS)
    const [a, b] = [process.child('a'), process.child('b')]
    const lane = a.child('lane')
    const first = admitted(lane.admit(10))
    const second = admitted(b.admit(20))
    expect(charges(process, a, lane, b)).toEqual([
      [2, 30],
      [1, 10],
      [1, 10],
      [1, 20],
    ])
    expect(first.resize(40)).toBeUndefined()
    expect(charges(process, a, lane, b)).toEqual([
      [2, 60],
      [1, 40],
      [1, 40],
      [1, 20],
    ])
    expect(first.resize(5)).toBeUndefined()
    first.release()
    expect(charges(process, a, lane, b)).toEqual([
      [1, 20],
      [0, 0],
      [0, 0],
      [1, 20],
    ])
    second.release()
    expect(charges(process, a, lane, b)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ])
  })

  test('are the same for the same name', () => {
    const process = new Account(LIMITS)
    expect(process.child('a')).toBe(process.child('a'))
    expect(process.child('a')).not.toBe(process.child('b'))
  })

  test.each([
    ['concurrency', [1, 1, 1], 1],
    ['limits.max_in_flight_bytes', [60], 60],
  ] as const)(
    'stay as they were where the one above them refuses by %s, which is told once',
    (limit, held, more) => {
      const refused: string[] = []
      const process = new Account({ ...LIMITS, refused: which => refused.push(which) })
      for (const bytes of held) admitted(process.child('a').admit(bytes))
      const before = charges(process, process.child('a'), process.child('b'))
      expect(process.child('b').admit(more)).toMatchObject({ admitted: false, limit })
      expect(charges(process, process.child('a'), process.child('b'))).toEqual(before)
      expect(refused).toEqual([limit])
    },
  )

  test('stay as they were where the one above them refuses a resize', () => {
    const process = new Account(LIMITS)
    const [a, b] = [process.child('a'), process.child('b')]
    const permit = admitted(a.admit(40))
    admitted(b.admit(40))
    // It is alone in its own account, and not in the one above.
    expect(permit.resize(61)).toMatchObject({ limit: 'limits.max_in_flight_bytes' })
    expect(charges(process, a, b)).toEqual([
      [2, 80],
      [1, 40],
      [1, 40],
    ])
    permit.release()
    expect(charges(process, a, b)).toEqual([
      [1, 40],
      [0, 0],
      [1, 40],
    ])
  })

  test('refuse under the pressure of the process, and change with its limits', () => {
    let pressure: 'admission.max_memory_percent' | undefined = 'admission.max_memory_percent'
    const process = new Account({ ...LIMITS, pressure: () => pressure })
    const a = process.child('a')
    admitted(a.admit(1))
    expect(process.child('b').admit(1)).toMatchObject({ limit: 'admission.max_memory_percent' })
    pressure = undefined
    process.limit({ maxPushes: 1, maxBytes: 100 })
    expect(a.admit(1)).toMatchObject({ limit: 'concurrency' })
    process.limit({ maxPushes: 2, maxBytes: 100 })
    expect(a.admit(1).admitted).toBe(true)
  })

  test('are exact under any order of admissions, resizes and releases', () => {
    const step = fc.record({
      what: fc.constantFrom('admit', 'resize', 'release'),
      name: fc.constantFrom('a', 'b', 'c'),
      pick: fc.nat(),
      bytes: fc.nat(60),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const process = new Account({ maxPushes: 4, maxBytes: 100 })
        const held: { permit: Permit; name: string; bytes: number }[] = []
        for (const { what, name, pick, bytes } of steps) {
          const entry = held[pick % Math.max(1, held.length)]
          if (what === 'admit') {
            const outcome = process.child(name).admit(bytes)
            if (outcome.admitted) held.push({ permit: outcome, name, bytes })
          } else if (entry !== undefined && what === 'resize') {
            if (entry.permit.resize(bytes) === undefined) entry.bytes = bytes
          } else if (entry !== undefined) {
            entry.permit.release()
            held.splice(held.indexOf(entry), 1)
          }
          const sum = (all: typeof held) => [all.length, all.reduce((total, { bytes: b }) => total + b, 0)]
          expect(charges(process)).toEqual([sum(held)])
          for (const one of ['a', 'b', 'c'])
            expect(charges(process.child(one))).toEqual([sum(held.filter(it => it.name === one))])
        }
      }),
    )
  })
})
