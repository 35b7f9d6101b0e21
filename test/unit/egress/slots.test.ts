import { describe, expect, test } from 'vitest'
import { Slots } from '../../../src/egress/slots.ts'

const never = new AbortController().signal

describe('slots', () => {
  test('run no more at once than there are places, in the order of asking', async () => {
    const slots = new Slots(2)
    const order: number[] = []
    let running = 0
    const jobs = [0, 1, 2, 3, 4].map(index =>
      slots.run(async () => {
        order.push(index)
        running++
        expect(running).toBeLessThanOrEqual(2)
        await new Promise(resolve => setImmediate(resolve))
        running--
      }, never),
    )
    expect([slots.taken, slots.waiting]).toEqual([2, 3])
    await Promise.all(jobs)
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect([slots.taken, slots.waiting]).toEqual([0, 0])
  })

  test('give the place back when the work fails', async () => {
    const slots = new Slots(1)
    await expect(slots.run(() => Promise.reject(new Error('no')), never)).rejects.toThrow('no')
    expect(slots.taken).toBe(0)
  })

  test('let a waiter go that is aborted, and never give it a place', async () => {
    const slots = new Slots(1)
    const held = Promise.withResolvers<void>()
    const first = slots.run(() => held.promise, never)
    const gone = new AbortController()
    const second = slots.run(async () => expect.unreachable(), gone.signal)
    gone.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    held.resolve()
    await first
    expect([slots.taken, slots.waiting]).toEqual([0, 0])
  })
})
