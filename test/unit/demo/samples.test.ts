import { expect, test } from 'vitest'
import { isStale, numberOf, Samples } from '../../../src/demo/samples.ts'

const bitsOf = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigUint64(0)
}

const filled = (capacity: number, count: number): Samples => {
  const samples = new Samples(capacity)
  for (let time = 1; time <= count; time++) samples.add({ time, bits: bitsOf(time * 10) })
  return samples
}

test('the oldest samples fall out', () => {
  const samples = filled(10, 25)
  expect(samples.oldest?.time).toBe(16)
  expect(samples.newest?.time).toBe(25)
  for (let time = 16; time <= 25; time++) {
    const sample = samples.before(time)
    expect(sample?.time).toBe(time)
    expect(sample && numberOf(sample)).toBe(time * 10)
  }
  expect(samples.before(15)).toBeUndefined()
})

test('a ring that is not full keeps everything', () => {
  const samples = filled(100, 90)
  expect(samples.oldest?.time).toBe(1)
  expect(samples.before(45.5)?.time).toBe(45)
})

test('an empty ring has nothing', () => {
  const samples = new Samples(3)
  expect([samples.oldest, samples.newest, samples.before(1)]).toEqual([undefined, undefined, undefined])
})

test('a stale marker is told from every other NaN', () => {
  expect(isStale({ time: 0, bits: 0x7ff0000000000002n })).toBe(true)
  expect(isStale({ time: 0, bits: 0x7ff8000000000001n })).toBe(false)
  expect(isStale({ time: 0, bits: bitsOf(Number.NaN) })).toBe(false)
  const samples = new Samples(3)
  samples.add({ time: 1, bits: 0x7ff0000000000002n })
  expect(samples.newest && isStale(samples.newest)).toBe(true)
})
