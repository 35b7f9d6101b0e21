import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Departures } from '../../../src/lanes/departures.ts'

/** In which turn each of so many lanes left, that asked in the same turn. */
async function turnsOf(lanes: number): Promise<readonly number[]> {
  const departures = new Departures()
  const turns: number[] = []
  const order: number[] = []
  let now = 0
  for (let lane = 0; lane < lanes; lane++) {
    departures.atTurnsEnd(() => {
      turns.push(now)
      order.push(lane)
    })
  }
  expect(turns).toEqual([])
  for (; turns.length < lanes; now++) await turn()
  expect(order).toEqual(Array.from({ length: lanes }, (_, lane) => lane))
  return turns
}

test('lanes leave in the order in which they asked, and never in the turn in which they did', async () => {
  expect(new Set(await turnsOf(3)).size).toBe(1)
})

test('of many lanes, only some leave in one turn, and all do in the end', async () => {
  const turns = await turnsOf(3000)
  const most = Math.max(
    ...Map.groupBy(turns, turn => turn)
      .values()
      .map(those => those.length),
  )
  expect(most).toBeLessThan(100)
})

test('who asks while others leave waits behind them', async () => {
  const departures = new Departures()
  const left: string[] = []
  departures.atTurnsEnd(() => {
    left.push('first')
    departures.atTurnsEnd(() => left.push('third'))
  })
  departures.atTurnsEnd(() => left.push('second'))
  while (left.length < 3) await turn()
  expect(left).toEqual(['first', 'second', 'third'])
})
