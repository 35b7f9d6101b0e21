import { expect, test } from 'vitest'
import { Turns } from '../../../src/remote-write/turns.ts'

test('as many go on at once as there are places, and the others in their order', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const works = ends.map(({ promise }, i) => {
    return turns.run(async () => {
      begun.push(i)
      await promise
      return i
    })
  })
  expect(begun).toEqual([0, 1])
  expect(turns.waiting).toBe(3)
  ends[1]!.resolve()
  expect(await works[1]).toBe(1)
  await Promise.resolve()
  expect(begun).toEqual([0, 1, 2])
  for (const { resolve } of ends) resolve()
  expect(await Promise.all(works)).toEqual([0, 1, 2, 3, 4])
  expect(begun).toEqual([0, 1, 2, 3, 4])
  expect(turns.waiting).toBe(0)
})

test('work that fails gives its place to the next', async () => {
  const turns = new Turns(1)
  const failing = turns.run(() => Promise.reject(new Error('no')))
  const thrown = turns.run(() => {
    throw new Error('at once')
  })
  const next = turns.run(async () => 'done')
  await expect(failing).rejects.toThrow('no')
  await expect(thrown).rejects.toThrow('at once')
  expect(await next).toBe('done')
  expect(await turns.run(async () => 'again')).toBe('again')
})
