import type { Registry } from 'prom-client'

/** Takes out of the registry, when it is disposed, what came into it from now on: whoever comes next may use the names. */
export function registeredFromNow(registry: Registry): Disposable {
  const before = new Set(registry.getMetricsAsArray().map(({ name }) => name))
  return {
    [Symbol.dispose]() {
      for (const { name } of registry.getMetricsAsArray()) {
        if (!before.has(name)) registry.removeSingleMetric(name)
      }
    },
  }
}
