/**
 * Whether the process itself is in trouble: memory near its limit, or an event loop that lags. Sampled, with hysteresis,
 * so that the gate does not flap; both signals are what a process dies of before any queue of ours is full.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { every } from '../clock.ts'

export interface PressureLimits {
  /** Of what the process may use; 0 switches it off. */
  readonly maxMemoryPercent: number
  /** 99th percentile of a second; 0 switches it off. */
  readonly maxEventLoopDelayMs: number
}

/** What is measured; a parameter, so that tests need no memory. */
export interface Vitals {
  readonly rssBytes: () => number
  /** The container's limit, or the machine's memory. */
  readonly memoryBytes: () => number
  /** Of the time since it was last asked. */
  readonly eventLoopDelayMs: () => number
}

export type PressureLimit = 'admission.max_memory_percent' | 'admission.max_event_loop_delay'

/** What ends the pressure, as a part of what began it. */
const RECOVERED = 0.9
const INTERVAL_MS = 250
/** Samples of the event loop that make its second. */
const DELAY_SAMPLES = 4

export class Pressure {
  #limits: PressureLimits
  readonly #vitals: Vitals
  readonly #delays: number[] = []
  #memory = false
  #delay = false

  constructor(limits: PressureLimits, vitals: Vitals) {
    this.#limits = limits
    this.#vitals = vitals
  }

  /** Which limit is exceeded; undefined when all is well. */
  get exceeded(): PressureLimit | undefined {
    if (this.#memory) return 'admission.max_memory_percent'
    return this.#delay ? 'admission.max_event_loop_delay' : undefined
  }

  /** The share of its memory that the process uses, in 0–1. */
  get memoryRatio(): number {
    return this.#vitals.rssBytes() / this.#vitals.memoryBytes()
  }

  get eventLoopDelayMs(): number {
    return Math.max(0, ...this.#delays)
  }

  get limits(): PressureLimits {
    return this.#limits
  }

  /** Other numbers, from the next sample on. */
  limit(limits: PressureLimits): void {
    this.#limits = limits
  }

  /** Looks at it until it is disposed. */
  watch(): Disposable {
    return every(INTERVAL_MS, () => this.sample())
  }

  sample(): void {
    const { maxMemoryPercent, maxEventLoopDelayMs } = this.#limits
    this.#memory = exceeds(this.memoryRatio, maxMemoryPercent / 100, this.#memory)
    this.#delays.push(this.#vitals.eventLoopDelayMs())
    if (this.#delays.length > DELAY_SAMPLES) this.#delays.shift()
    this.#delay = exceeds(this.eventLoopDelayMs, maxEventLoopDelayMs, this.#delay)
  }
}

function exceeds(value: number, limit: number, already: boolean): boolean {
  return limit > 0 && value > (already ? limit * RECOVERED : limit)
}

/** The vitals of this process, until it is disposed. */
export function processVitals(totalMemoryBytes: number): Vitals & Disposable {
  const loop = monitorEventLoopDelay({ resolution: 10 })
  loop.enable()
  // Node gives a huge number where nothing constrains the process.
  const constrained = process.constrainedMemory()
  const memory = constrained > 0 && constrained < totalMemoryBytes ? constrained : totalMemoryBytes
  return {
    rssBytes: process.memoryUsage.rss,
    memoryBytes: () => memory,
    eventLoopDelayMs() {
      const delay = loop.percentile(99) / 1e6
      loop.reset()
      return Number.isFinite(delay) ? delay : 0
    },
    [Symbol.dispose]: () => void loop.disable(),
  }
}
