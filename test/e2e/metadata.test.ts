/**
 * What a real Prometheus says of its metric families, in both protocols, and what each tenant of a Cortex can read of it. In
 * 1.0 it has no tenant; in 2.0 each series says it.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Cortex } from './peers/cortex.ts'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { metadata, series } from './peers/query-api.ts'
import { startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'

const SETTLE = { timeout: 60_000, interval: 1000 }
const WAYS = [
  { name: 'prometheus3', protocol: '1.0', title: 'Prometheus from SLUICE_PEERS' },
  { name: 'prometheus2', protocol: '1.0', title: 'Prometheus from PATH' },
  { name: 'prometheus3', protocol: '2.0', title: 'Prometheus from SLUICE_PEERS' },
] as const

for (const { name, protocol, title } of WAYS) {
  describeWith(
    `${title} → ${protocol} → Sluice → 1.0 → Cortex: metadata`,
    [name, 'cortex', 'nodeExporter'],
    binaries => {
      const stage = new Stage()
      let prometheus: Prometheus
      let cortex: Cortex
      let started: number

      beforeAll(async () => {
        cortex = await stage.add(Cortex.start(binaries.cortex))
        const config = {
          target: cortex.pushUrl,
          tenant: { label: 'tenant', label_remove: true, default: 'platform' },
          metadata: { route: 'learned' },
        }
        const sluice = await stage.add(startSluice({ config }))
        const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
        const shared = await stage.add(Exporter.start())
        started = Date.now() / 1000
        const jobs = [
          { job: 'node', address: node.address, labels: { tenant: 'team-a' }, interval: '2s' },
          { job: 'prometheus', labels: { tenant: 'team-b' }, interval: '2s' },
          { job: 'shared', address: shared.address, interval: '1s' },
        ]
        const options = { jobs, remoteWrite: [sluice.pushUrl], protocol, metadataInterval: '2s' }
        prometheus = await stage.add(Prometheus.start(binaries[name], options))
        await prometheus.scraped(4)
      })

      afterAll(() => stage.clear())

      test.each(['team-a', 'team-b'])('%s reads that of its own families, and of no others', async tenant => {
        await vi.waitFor(async () => {
          const at = Date.now() / 1000
          const said = await metadata(prometheus)
          const match = `{tenant="${tenant}"}`
          const names = new Set((await series(prometheus, match, started, at)).map(nameOf))
          const own = [...said.keys()].filter(family => isOf(family, names)).sort()
          expect(own.length).toBeGreaterThan(50)
          expect(own.length).toBeLessThan(said.size)
          const stored = await metadata(cortex.as(tenant))
          // In 2.0 it describes its own `up` and `scrape_*`, too, and does not say so itself.
          expect([...stored.keys()].filter(family => !isOf(family, names))).toEqual([])
          const missing = own.filter(family => {
            const words = stored.get(family)
            return words === undefined || said.get(family)?.includes(words) !== true
          })
          expect(missing).toEqual([])
        }, SETTLE)
      })

      test('Cortex has no tenants that should not be, and Prometheus lost nothing', async () => {
        expect(await cortex.tenants()).toEqual(expect.arrayContaining(['platform', 'team-a', 'team-b']))
        expect((await prometheus.sent()).lost).toEqual(NOTHING_LOST)
      })
    },
  )
}

/** `identity` gives labels as pairs in a text. */
function nameOf(identity: string): string {
  const labels = Object.fromEntries(JSON.parse(identity) as [string, string][])
  return labels.__name__ ?? ''
}

/** By the way in which a Prometheus names its series. */
function isOf(family: string, names: ReadonlySet<string>): boolean {
  const suffixes = ['', '_bucket', '_sum', '_count', '_total', '_created', '_info']
  return suffixes.some(suffix => names.has(family + suffix))
}
