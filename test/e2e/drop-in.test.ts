/**
 * Sluice in the place of cortex-tenant: one Prometheus pushes the same stream to both, which run on the same file and the
 * same `CT_*` environment. Behind each stands a store that writes everything down.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { Prometheus } from './peers/prometheus.ts'
import { Receiver, type RecordedPush, type Sample } from './peers/receiver.ts'
import { startCortexTenant, startSluiceAsCortexTenant } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'

const SETTLE = { timeout: 45_000, interval: 500 }

/** The keys of the example that cortex-tenant ships; the environment below overrides some of them. */
function exampleConfig(pprofPort: number): object {
  return {
    listen: '0.0.0.0:8080',
    listen_pprof: `127.0.0.1:${pprofPort}`,
    listen_metrics_address: '0.0.0.0:9090',
    metrics_include_tenant: true,
    target: 'http://127.0.0.1:9091/receive',
    enable_ipv6: false,
    max_conns_per_host: 64,
    auth: { egress: { username: 'foo', password: 'bar' } },
    log_level: 'debug',
    timeout: '10s',
    timeout_shutdown: '0s',
    concurrency: 10,
    metadata: false,
    log_response_errors: true,
    tenant: {
      label: 'tenant',
      label_list: ['tenant', 'other_tenant'],
      prefix: '',
      prefix_prefer_source: false,
      label_remove: true,
      header: 'X-Scope-OrgID',
      default: '',
      accept_all: false,
    },
  }
}

describeWith(
  'one stream through cortex-tenant and through Sluice',
  ['prometheus2', 'nodeExporter', 'cortexTenant'],
  binaries => {
    const stage = new Stage()
    let theirs: Receiver
    let ours: Receiver

    beforeAll(async () => {
      theirs = await stage.add(Receiver.start())
      ours = await stage.add(Receiver.start())
      const config = exampleConfig(await freePort())
      const env = { CT_TENANT_DEFAULT: 'platform', CT_TENANT_PREFIX: 'acme-' }
      const withTarget = (receiver: Receiver) => ({
        config,
        env: { ...env, CT_TARGET: `${receiver.url}/receive` },
      })
      const peer = await stage.add(startCortexTenant(binaries.cortexTenant, withTarget(theirs)))
      const sluice = await stage.add(startSluiceAsCortexTenant(withTarget(ours)))
      const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
      const shared = await stage.add(Exporter.start())
      const jobs = [
        { job: 'node', address: node.address, labels: { tenant: 'team-a' }, interval: '2s' },
        { job: 'prometheus', labels: { other_tenant: 'team-b' }, interval: '2s' },
        { job: 'shared', address: shared.address, interval: '1s' },
      ]
      const remoteWrite = [peer.pushUrl, sluice.pushUrl]
      const prometheus = await stage.add(Prometheus.start(binaries.prometheus2, { jobs, remoteWrite }))
      await prometheus.scraped(6)
    })

    afterAll(() => stage.clear())

    const tenantOf = ({ headers }: RecordedPush) => String(headers['x-scope-orgid'])

    test('each tenant gets the same samples, labels, times and bits', async () => {
      const until = Date.now() - 3000
      // The two queues of a Prometheus do not begin with the same scrape.
      const window = (sample: Sample) => sample.at > until - 10_000 && sample.at <= until
      await vi.waitFor(() => {
        const [expected, arrived] = [theirs, ours].map(one => one.byTenant(tenantOf, window))
        // `team-d`: a series with both labels goes by the one that stands first in it.
        expect([...expected!.keys()].sort()).toEqual(TENANTS)
        expect([...arrived!.keys()].sort()).toEqual(TENANTS)
        for (const tenant of TENANTS) {
          const [peer, own] = [expected!.get(tenant)!, arrived!.get(tenant)!]
          expect(peer.size).toBeGreaterThan(5)
          expect([...peer].filter(sample => !own.has(sample)).slice(0, 5)).toEqual([])
          expect([...own].filter(sample => !peer.has(sample)).slice(0, 5)).toEqual([])
        }
      }, SETTLE)
    })

    test('nothing arrives twice', () => {
      for (const receiver of [theirs, ours]) {
        const all = receiver.pushes.flatMap(push => push.samples).length
        const distinct = [...receiver.byTenant(tenantOf).values()].reduce((sum, one) => sum + one.size, 0)
        expect(all).toBe(distinct)
      }
    })

    test('pushes carry the same path, authorization and protocol', () => {
      const shown = (receiver: Receiver) => {
        const kinds = receiver.pushes.map(({ path, headers }) => [
          path,
          headers.authorization,
          headers['content-type'],
          headers['content-encoding'],
          headers['x-prometheus-remote-write-version'],
        ])
        return [...new Set(kinds.map(kind => kind.join(' ')))]
      }
      expect(shown(ours)).toEqual(shown(theirs))
      expect(shown(ours)).toEqual([
        `/receive Basic ${Buffer.from('foo:bar').toString('base64')} application/x-protobuf snappy 0.1.0`,
      ])
    })

    test('every push of either can be read', () => {
      expect(theirs.unreadable.slice(0, 3)).toEqual([])
      expect(ours.unreadable.slice(0, 3)).toEqual([])
    })
  },
)

const TENANTS = ['acme-platform', 'acme-team-a', 'acme-team-b', 'acme-team-d']
