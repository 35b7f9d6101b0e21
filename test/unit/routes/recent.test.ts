import { expect, test } from 'vitest'
import { Recent } from '../../../src/routes/recent.ts'

test('a flood of new keys leaves what is asked for now and then, and forgets the rest', () => {
  const recent = new Recent<string, number>(10)
  recent.set('used', 1)
  recent.set('unused', 2)
  for (let n = 0; n < 1000; n++) {
    recent.set(`made-up-${n}`, n)
    if (n % 8 === 0) expect(recent.get('used')).toBe(1)
  }
  expect(recent.get('unused')).toBeUndefined()
  expect(recent.get('made-up-0')).toBeUndefined()
  expect(recent.get('made-up-999')).toBe(999)
})

test('nothing is forgotten at once when the bound is met', () => {
  const recent = new Recent<number, number>(10)
  for (let n = 0; n <= 10; n++) recent.set(n, n)
  expect(Array.from({ length: 11 }, (_, n) => recent.get(n))).toEqual([...Array(11).keys()])
})

test('no more than two generations are held', () => {
  const recent = new Recent<number, number>(10)
  for (let n = 0; n < 1000; n++) recent.set(n, n)
  const held = Array.from({ length: 1000 }, (_, n) => recent.get(n)).filter(value => value !== undefined)
  expect(held.length).toBeLessThanOrEqual(20)
})

test('a value of 0 is one, too', () => {
  const recent = new Recent<string, number>(10)
  recent.set('a', 0)
  expect(recent.get('a')).toBe(0)
})
