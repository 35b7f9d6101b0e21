/**
 * Bodies for the load: the label sets of a node_exporter scrape as a Prometheus in Kubernetes sends them: 13 labels and
 * some 300 bytes a series. Made before the load starts, so that the generator only writes bytes.
 */
import { nodeExporterScrape } from '../../test/support/exposition.ts'
import { encodePush, type Labels, type Series } from '../../test/support/remote-write.ts'

export interface PayloadShape {
  readonly series: number
  readonly tenants: number
  readonly protocol: '1.0' | '2.0'
  /** Whether each sender has tenants of its own; otherwise all have the same ones. */
  readonly ownTenants?: boolean
  /** Stands before the number of a tenant. */
  readonly tenantPrefix?: string
}

/**
 * The body of sender number `sender`. Neighbouring series belong to different tenants, the worst order for a splitter;
 * each series has one sample.
 */
export function buildBody(shape: PayloadShape, sender: number): Uint8Array {
  const { series, tenants, protocol, ownTenants = false, tenantPrefix = 'team-' } = shape
  const firstTenant = ownTenants ? sender * tenants : 0
  const scrape = nodeExporterScrape()
  const timestamp = Date.UTC(2026, 10, 22) + sender * 1_000
  const all = Array.from({ length: series }, (_, i): Series => {
    const sample = scrape[i % scrape.length]!
    const target = sender * 1_000 + Math.floor(i / scrape.length)
    return {
      labels: targetLabels(
        sample.name,
        sample.labels,
        target,
        `${tenantPrefix}${firstTenant + (i % tenants)}`,
      ),
      // A new value in each series, as most gauges and counters have between two scrapes.
      value: Number.isFinite(sample.value) ? sample.value * (1 + ((i * 7919 + sender) % 1_000) / 1e6) : i,
      timestamp,
    }
  })
  return encodePush(all, protocol)
}

function targetLabels(name: string, own: Labels, target: number, tenant: string): Labels {
  return [
    ['__name__', name],
    ...own,
    ['cluster', 'prod-1'],
    ['container', 'exporter'],
    ['endpoint', 'http'],
    ['env', 'prod'],
    ['instance', `10.64.${(target >> 8) & 255}.${target & 255}:9100`],
    ['job', 'node'],
    ['namespace', 'infra'],
    ['node', `ip-10-64-${(target >> 8) & 255}-${target & 255}`],
    ['pod', `node-${(target * 2654435761).toString(36).slice(-5)}`],
    ['region', 'eu-1'],
    ['service', 'node'],
    ['tenant', tenant],
  ].toSorted(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0)) as [string, string][]
}
