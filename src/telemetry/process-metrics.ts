/**
 * What prom-client measures of the process. It watches the event loop and the collector from when it is asked to, and can't
 * be told to stop: so it is asked once in a process, and all registries show the same.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'

let ofProcess: Registry | undefined

/** Throws where the registry has one of them already. */
export function registerProcessMetrics(registry: Registry): void {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  for (const { name } of ofProcess.getMetricsAsArray()) {
    const metric = ofProcess.getSingleMetric(name)
    if (metric !== undefined) registry.registerMetric(metric)
  }
}
