import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Deadlines, Expiring } from '../../../src/upstream/deadlines.ts'
import { eventually } from '../../support/eventually.ts'

/** Deadlines of 20 ms, and who has met theirs. */
function waiting() {
  const deadlines = new Deadlines(20)
  const met: string[] = []
  const join = (name: string) => {
    const expiring = new (class extends Expiring {
      expired() {
        met.push(name)
      }
    })()
    deadlines.add(expiring)
    return () => deadlines.delete(expiring)
  }
  return { met, join }
}

test('who came first is told first, and whoever left is not told', async () => {
  const { met, join } = waiting()
  join('a')
  const leave = join('b')
  join('c')
  await sleep(10)
  join('d')
  leave()
  await eventually(() => met.length === 3)
  expect(met).toEqual(['a', 'c', 'd'])
})

test('nobody is told too early, whoever left before', async () => {
  const { met, join } = waiting()
  const leave = join('a')
  await sleep(15)
  const started = performance.now()
  join('b')
  leave()
  await eventually(() => met.length === 1)
  // The clock of timers may be a millisecond behind.
  expect(performance.now() - started).toBeGreaterThan(18)
})

test('whoever comes after all have left is told too', async () => {
  const { met, join } = waiting()
  join('a')()
  await sleep(40)
  join('b')
  await eventually(() => met.length === 1)
  expect(met).toEqual(['b'])
})

test('who leaves from either end or the middle holds nobody else, and the others keep their places', async () => {
  const { met, join } = waiting()
  const [first, , middle, , last] = ['a', 'b', 'c', 'd', 'e'].map(join)
  first?.()
  middle?.()
  last?.()
  // Leaving twice changes nothing.
  middle?.()
  join('f')
  await eventually(() => met.length === 3)
  expect(met).toEqual(['b', 'd', 'f'])
})
