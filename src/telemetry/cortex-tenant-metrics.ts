/**
 * cortex-tenant's metric names (`metrics.compatibility: cortex_tenant`), so that the dashboards made for it keep working.
 * Two things differ on purpose: the duration really is in milliseconds (the peer divides seconds by 1000, where it should
 * multiply), and a request is counted with `accept_all` too.
 */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { AttemptReport } from '../lanes/side.ts'
import type { PushReport } from '../push/pipeline.ts'
import { TenantLabels } from './tenant-labels.ts'

export interface CortexTenantMetricsOptions {
  readonly registry: Registry
  /** Without it the tenant label is there and empty, as the peer has it. */
  readonly includeTenant: boolean
  readonly maxTenants: number
}

const BYTES = [0.5, 1, 10, 25, 100, 250, 500, 1000, 5000, 10000, 30000, 300000, 600000, 1800000, 3600000]
const MILLISECONDS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 1800000, 3600000,
]

export class CortexTenantMetrics {
  readonly #tenants: TenantLabels
  readonly #includeTenant: boolean
  readonly #batches: Counter
  readonly #batchBytes: Histogram
  readonly #series: Counter<'tenant'>
  readonly #requests: Counter<'tenant'>
  readonly #errors: Counter<'tenant'>
  readonly #duration: Histogram<'code' | 'tenant'>

  constructor(options: CortexTenantMetricsOptions) {
    const registers = [options.registry]
    const name = (suffix: string) => `cortex_tenant_timeseries_${suffix}`
    this.#includeTenant = options.includeTenant
    this.#tenants = new TenantLabels(options.maxTenants)
    this.#batches = new Counter({ name: name('batches_received'), help: 'Pushes received.', registers })
    this.#batchBytes = new Histogram({
      name: name('batches_received_bytes'),
      help: 'Size of the bodies of pushes in bytes.',
      buckets: BYTES,
      registers,
    })
    const perTenant = (suffix: string, help: string) =>
      new Counter({ name: name(suffix), help, labelNames: ['tenant'], registers })
    this.#series = perTenant('received', 'Series received.')
    this.#requests = perTenant('requests', 'Requests to the store.')
    this.#errors = perTenant('request_errors', 'Requests to the store that got no answer.')
    this.#duration = new Histogram({
      name: name('request_duration_milliseconds'),
      help: 'Requests to the store in milliseconds, by the status of the answer.',
      labelNames: ['code', 'tenant'],
      buckets: MILLISECONDS,
      registers,
    })
  }

  pushed(report: PushReport): void {
    this.#batches.inc()
    this.#batchBytes.observe(report.bodyBytes)
    for (const { share } of report.deliveries)
      this.#series.inc({ tenant: this.#tenant(share.tenant) }, share.entries)
  }

  attempted({ tenant: id, seconds, verdict }: AttemptReport): void {
    const tenant = this.#tenant(id)
    this.#requests.inc({ tenant })
    if (verdict.status === 0) this.#errors.inc({ tenant })
    else this.#duration.observe({ code: String(verdict.status), tenant }, seconds * 1000)
  }

  #tenant(id: string): string {
    return this.#includeTenant ? this.#tenants.of(id) : ''
  }
}
