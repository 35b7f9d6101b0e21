import { describe, expect, test } from 'vitest'
import { Pressure, type PressureLimits, processVitals } from '../../../src/limits/pressure.ts'

function pressureOf(limits: Partial<PressureLimits> = {}) {
  const vitals = { rss: 0, delay: 0 }
  const pressure = new Pressure(
    { maxMemoryPercent: 80, maxEventLoopDelayMs: 100, ...limits },
    {
      rssBytes: () => vitals.rss,
      memoryBytes: () => 1000,
      eventLoopDelayMs: () => vitals.delay,
    },
  )
  /** What is exceeded after each sample. */
  const samples = (which: 'rss' | 'delay', ...values: readonly number[]) =>
    values.map(value => {
      vitals[which] = value
      pressure.sample()
      return pressure.exceeded !== undefined
    })
  return { pressure, vitals, samples }
}

describe('pressure', () => {
  test('of memory begins above its limit and ends a tenth below it', () => {
    const { samples, pressure } = pressureOf()
    expect(samples('rss', 0, 800, 801, 790, 721, 720, 790, 800)).toEqual([
      ...[false, false, true, true, true, false, false, false],
    ])
    expect(pressure.memoryRatio).toBe(0.8)
  })

  test('of the event loop begins at one bad sample and ends when four good ones have followed', () => {
    const { samples } = pressureOf()
    expect(samples('delay', 100, 101, 0, 0, 0, 0, 0)).toEqual([
      ...[false, true, true, true, true, false, false],
    ])
  })

  test('of the event loop ends a tenth below its limit', () => {
    const { samples } = pressureOf()
    expect(samples('delay', 101, 95, 95, 95, 95, 95).at(-1)).toBe(true)
    expect(samples('delay', 90, 90, 90, 90).at(-1)).toBe(false)
  })

  test('names the key of its limit, memory first', () => {
    const { pressure, vitals } = pressureOf()
    expect(pressure.exceeded).toBeUndefined()
    vitals.delay = 500
    pressure.sample()
    expect(pressure.exceeded).toBe('admission.max_event_loop_delay')
    vitals.rss = 999
    pressure.sample()
    expect(pressure.exceeded).toBe('admission.max_memory_percent')
  })

  test.each([
    ['memory', { maxMemoryPercent: 0 }, 'rss'],
    ['the event loop', { maxEventLoopDelayMs: 0 }, 'delay'],
  ] as const)('of %s is switched off by 0', (_, limits, which) => {
    expect(pressureOf(limits).samples(which, 1e9, 1e9)).toEqual([false, false])
  })
})

test('the vitals of this process are those of a process', async () => {
  const vitals = processVitals(64 * 2 ** 30)
  await new Promise(resolve => setTimeout(resolve, 30))
  expect(vitals.rssBytes()).toBeGreaterThan(1e6)
  expect(vitals.memoryBytes()).toBeGreaterThanOrEqual(vitals.rssBytes())
  expect(vitals.memoryBytes()).toBeLessThanOrEqual(64 * 2 ** 30)
  expect(vitals.eventLoopDelayMs()).toBeGreaterThanOrEqual(0)
  expect(Number.isFinite(vitals.eventLoopDelayMs())).toBe(true)
})
