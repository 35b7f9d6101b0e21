/**
 * Gauges that parts offer: one for each thing that can fill up, and one for its limit. Parts come and go, several with the
 * same gauges, told apart by a label; what is gone is not shown any more.
 */
import { Gauge as PromGauge, type Registry } from 'prom-client'
import type { Gauge } from '../gauge.ts'

type Labels = Readonly<Record<string, string>>

interface Source {
  readonly labels: Labels
  readonly read: () => number
}

export class Gauges {
  readonly #registry: Registry
  readonly #sources: Map<string, Set<Source>> = new Map()

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** Shows them until it is disposed; all, or it throws. Gauges of one name have the same label names. */
  offer(gauges: readonly Gauge[], labels: Labels = {}): Disposable {
    using offering = new DisposableStack()
    const show = (name: string, help: string, read: () => number, summed: boolean) => {
      const sources = this.#sources.get(name) ?? this.#register(name, help, Object.keys(labels), summed)
      const source = { labels, read }
      sources.add(source)
      offering.defer(() => void sources.delete(source))
    }
    for (const { name, help, read, state, limit } of gauges) {
      show(name, help, read, state !== true)
      if (limit !== undefined) show(limit.name ?? `${name}_limit`, limit.key, limit.read, false)
    }
    return offering.move()
  }

  #register(name: string, help: string, labelNames: string[], summed: boolean): Set<Source> {
    const sources = new Set<Source>()
    new PromGauge({
      name: `sluice_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset()
        // A gauge without labels begins at 0, and of one whose parts are all gone there is nothing to show.
        if (sources.size === 0) this.remove()
        // Two of one name, of which the old one is about to go, are one for whoever looks; the newer one comes last.
        for (const { labels, read } of sources) {
          if (summed) this.inc(labels, read())
          else this.set(labels, read())
        }
      },
    })
    this.#sources.set(name, sources)
    return sources
  }
}
