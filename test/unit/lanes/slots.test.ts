import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Claim, Slots } from '../../../src/lanes/slots.ts'

/** A tenant that asks for connections, and what it got in which turn. */
function tenants(connections: Slots, ...names: readonly string[]) {
  const turns: string[] = []
  const claims = new Map(names.map(name => [name, new Claim()]))
  const claim = (name: string) => claims.get(name) as Claim
  return {
    turns,
    held: (name: string) => claim(name).held,
    take(name: string, times = 1) {
      for (let i = 0; i < times; i++) connections.take(claim(name), () => turns.push(name))
    },
    give: (name: string) => connections.give(claim(name)),
  }
}

describe('connections', () => {
  test('are had at once while there are any', () => {
    const connections = new Slots({ max: 2, maxPerLane: 2 })
    const { take, turns } = tenants(connections, 'a', 'b')
    take('a')
    take('b')
    expect(turns).toEqual(['a', 'b'])
    take('a')
    expect(turns).toEqual(['a', 'b'])
    expect([connections.taken, connections.waiting]).toEqual([2, 1])
  })

  test('go round robin, however many requests of one lane wait', () => {
    const connections = new Slots({ max: 1, maxPerLane: 1 })
    const { take, give, turns } = tenants(connections, 'a', 'b', 'c')
    take('a', 4)
    take('b', 2)
    take('c')
    for (let i = 0; i < 6; i++) give(turns.at(-1) as string)
    expect(turns).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'a'])
  })

  test('never exceed the part of one lane, even where others are free', () => {
    const connections = new Slots({ max: 10, maxPerLane: 3 })
    const { take, give, held, turns } = tenants(connections, 'a', 'b')
    take('a', 5)
    expect([held('a'), connections.taken, connections.waiting]).toEqual([3, 3, 2])
    take('b')
    expect(turns.at(-1)).toBe('b')
    give('a')
    expect([held('a'), connections.waiting]).toEqual([3, 1])
    give('b')
    expect([held('a'), held('b'), connections.taken]).toEqual([3, 0, 3])
  })

  test('go to who may have one, where the first that waits holds its part', () => {
    const connections = new Slots({ max: 3, maxPerLane: 2 })
    const { take, give, turns } = tenants(connections, 'a', 'b')
    take('a', 3)
    take('b', 2)
    expect(turns).toEqual(['a', 'a', 'b'])
    give('b')
    expect(turns).toEqual(['a', 'a', 'b', 'b'])
    give('a')
    expect(turns).toEqual(['a', 'a', 'b', 'b', 'a'])
  })

  test('that are given back unused go on to the next, however many lanes have nothing to send any more', () => {
    const connections = new Slots({ max: 1, maxPerLane: 1 })
    const first = new Claim()
    connections.take(first, () => {})
    let asked = 0
    for (let i = 0; i < 20_000; i++) {
      const claim = new Claim()
      connections.take(claim, () => {
        asked++
        connections.give(claim)
      })
    }
    connections.give(first)
    expect([asked, connections.taken, connections.waiting]).toEqual([20_000, 0, 0])
  })

  test('can’t be given back twice', () => {
    const connections = new Slots({ max: 1, maxPerLane: 1 })
    const { take, give } = tenants(connections, 'a')
    take('a')
    give('a')
    expect(() => give('a')).toThrow('BUG')
  })

  test('are exact, fair and never idle while somebody may have one, whatever the order of takes and gives', () => {
    const step = fc.record({ gives: fc.boolean(), lane: fc.nat(4), pick: fc.nat() })
    const limits = fc
      .record({ max: fc.integer({ min: 1, max: 6 }), maxPerLane: fc.integer({ min: 1, max: 6 }) })
      .filter(({ max, maxPerLane }) => maxPerLane <= max)
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 80 }), ({ max, maxPerLane }, steps) => {
        const connections = new Slots({ max, maxPerLane })
        const lanes = Array.from({ length: 5 }, () => ({
          claim: new Claim(),
          held: 0,
          waiting: 0,
          asked: 0,
          granted: [] as number[],
          /** Grants to each other lane since this one may have one and waits. */
          passedBy: new Map<number, number>(),
        }))
        const eligible = (lane: (typeof lanes)[number]) => lane.waiting > 0 && lane.held < maxPerLane

        const take = (index: number) => {
          const lane = lanes[index] as (typeof lanes)[number]
          const number = lane.asked++
          lane.waiting++
          connections.take(lane.claim, () => {
            lane.granted.push(number)
            lane.waiting--
            lane.held++
            lane.passedBy.clear()
            for (const other of lanes) {
              if (other === lane || !eligible(other)) continue
              other.passedBy.set(index, (other.passedBy.get(index) ?? 0) + 1)
            }
          })
        }
        const check = () => {
          const held = lanes.reduce((sum, lane) => sum + lane.held, 0)
          expect(connections.taken).toBe(held)
          expect(connections.waiting).toBe(lanes.reduce((sum, lane) => sum + lane.waiting, 0))
          expect(held).toBeLessThanOrEqual(max)
          for (const lane of lanes) {
            expect(lane.claim.held).toBe(lane.held)
            expect(lane.held).toBeLessThanOrEqual(maxPerLane)
            // A waiter is always woken: none that may have one waits while one is free.
            expect(held < max && eligible(lane)).toBe(false)
            // Nobody has two turns while another waits for one.
            if (eligible(lane))
              for (const times of lane.passedBy.values()) expect(times).toBeLessThanOrEqual(1)
            else lane.passedBy.clear()
            // Nothing is lost, nothing overtakes within a lane.
            expect(lane.granted).toEqual(lane.granted.map((_, i) => i))
          }
        }
        const giveOne = (pick: number): boolean => {
          const holding = lanes.filter(lane => lane.held > 0)
          const lane = holding[pick % Math.max(1, holding.length)]
          if (lane === undefined) return false
          lane.held--
          connections.give(lane.claim)
          return true
        }
        for (const { gives, lane, pick } of steps) {
          if (gives) giveOne(pick)
          else take(lane)
          check()
        }
        while (giveOne(0)) check()
        expect([connections.taken, connections.waiting]).toEqual([0, 0])
        for (const lane of lanes) expect(lane.granted).toHaveLength(lane.asked)
      }),
    )
  })
})
