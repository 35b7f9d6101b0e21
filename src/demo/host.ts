/** A few of node_exporter's metrics, from what Node knows about this machine. */
import os from 'node:os'
import { Gauge, Registry } from 'prom-client'

export function hostRegistry(): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('node_load1', '1m load average.', () => os.loadavg()[0] ?? 0)
  gauge('node_load5', '5m load average.', () => os.loadavg()[1] ?? 0)
  gauge('node_load15', '15m load average.', () => os.loadavg()[2] ?? 0)
  gauge('node_memory_MemTotal_bytes', 'Memory of this machine.', os.totalmem)
  gauge('node_memory_MemFree_bytes', 'Memory that is free.', os.freemem)
  gauge('node_boot_time_seconds', 'When this machine started.', () =>
    Math.round(Date.now() / 1000 - os.uptime()),
  )
  new Gauge({
    name: 'node_cpu_seconds_total',
    help: 'Time that each CPU spent in each mode.',
    labelNames: ['cpu', 'mode'],
    registers: [registry],
    collect() {
      for (const [cpu, { times }] of os.cpus().entries()) {
        for (const [mode, ms] of Object.entries(times))
          this.set({ cpu, mode: MODES[mode] ?? mode }, ms / 1000)
      }
    },
  })
  return registry
}

/** Where node_exporter has another word than Node. */
const MODES: Readonly<Record<string, string>> = { sys: 'system' }
