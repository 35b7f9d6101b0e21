/**
 * What this process holds: timers, sockets, servers, threads, observers. Node's own list leaves out what keeps no process
 * alive, and that is most of what a part can forget to end.
 */
import { createHook } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import perf, { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Work that ends by itself, and an event loop's histogram, of which Node keeps the handle for ever. */
const PASSING =
  /^(PROMISE|TickObject|Immediate|Microtask|ELDHISTOGRAM|Piscina|RANDOMBYTESREQUEST|.*REQ(CALLBACK|PROMISE|WRAP)?)$/
const PATIENCE_MS = 5000

export class Resources {
  readonly #live: Map<number, string> = new Map()
  readonly #delays: Set<ReturnType<typeof perf.monitorEventLoopDelay>> = new Set()
  readonly #observers: Set<PerformanceObserver> = new Set()

  /** From now on; parts that watch the event loop must be imported later. */
  constructor() {
    const live = this.#live
    createHook({
      init(id, type) {
        if (!PASSING.test(type)) live.set(id, type)
      },
      destroy: id => void live.delete(id),
    }).enable()
    this.#watchDelays()
    this.#watchObservers()
  }

  /** Each by its kind, sorted. */
  get now(): readonly string[] {
    const watching = [...this.#delays].map(() => 'event loop delay')
    const observing = [...this.#observers].map(() => 'observer')
    return [...this.#live.values(), ...watching, ...observing].sort()
  }

  /** What of it was not there `before`, given time to end. */
  async beyond(before: readonly string[]): Promise<readonly string[]> {
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      await sleep(20)
      // Some handles are only known to be gone when they were collected.
      globalThis.gc?.()
      const more = without(this.now, before)
      if (more.length === 0 || performance.now() > until) return more
    }
  }

  #watchDelays(): void {
    const delays = this.#delays
    const { monitorEventLoopDelay } = perf
    Object.assign(perf, {
      monitorEventLoopDelay(options?: perf.EventLoopMonitorOptions) {
        const histogram = monitorEventLoopDelay(options)
        const enable = histogram.enable.bind(histogram)
        const disable = histogram.disable.bind(histogram)
        return Object.assign(histogram, {
          enable() {
            delays.add(histogram)
            return enable()
          },
          disable() {
            delays.delete(histogram)
            return disable()
          },
        })
      },
    })
    syncBuiltinESMExports()
  }

  #watchObservers(): void {
    const observers = this.#observers
    const { observe, disconnect } = PerformanceObserver.prototype
    PerformanceObserver.prototype.observe = function (...args: Parameters<typeof observe>) {
      observers.add(this)
      return observe.apply(this, args)
    }
    PerformanceObserver.prototype.disconnect = function () {
      observers.delete(this)
      return disconnect.call(this)
    }
  }
}

/** What of all is not among these, each as often as it is more. */
export function without(all: readonly string[], some: readonly string[]): readonly string[] {
  const left = [...all]
  for (const one of some) {
    const at = left.indexOf(one)
    if (at >= 0) left.splice(at, 1)
  }
  return left
}
