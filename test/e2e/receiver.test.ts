/** A Prometheus as the store: it has no tenants, so the label stays, and it refuses samples that come out of order. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { differences, series, vector } from './peers/query-api.ts'
import { startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'

const SETTLE = { timeout: 45_000, interval: 500 }

for (const { name, title } of [
  { name: 'prometheus3', title: 'Prometheus from SLUICE_PEERS' },
  { name: 'prometheus2', title: 'Prometheus from PATH' },
] as const) {
  describeWith(
    `${title} → Sluice → Prometheus from PATH as receiver`,
    [name, 'prometheus2', 'nodeExporter'],
    binaries => {
      const stage = new Stage()
      let prometheus: Prometheus
      let store: Prometheus
      let started: number

      beforeAll(async () => {
        store = await stage.add(Prometheus.start(binaries.prometheus2, { receiver: true }))
        const config = {
          target: `${store.url}/api/v1/write`,
          tenant: { label: 'tenant', label_precedence: 'config', default: 'platform' },
        }
        const sluice = await stage.add(startSluice({ config }))
        const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
        const shared = await stage.add(Exporter.start())
        started = Date.now() / 1000
        const jobs = [
          { job: 'node', address: node.address, labels: { tenant: 'team-a' }, interval: '2s' },
          { job: 'shared', address: shared.address, interval: '1s' },
        ]
        prometheus = await stage.add(
          Prometheus.start(binaries[name], { jobs, remoteWrite: [sluice.pushUrl] }),
        )
        await prometheus.scraped(6)
      })

      afterAll(() => stage.clear())

      test.each(['team-a', 'team-b', ''])('tenant "%s" has the same series and samples', async held => {
        const selector = `{__name__!="",tenant="${held}"}`
        const at = Date.now() / 1000 - 3
        await vi.waitFor(async () => {
          const expected = await vector(prometheus, `${selector}[8s]`, at)
          expect(expected.size).toBeGreaterThan(0)
          expect(differences(expected, await vector(store, `${selector}[8s]`, at))).toEqual([])
          expect(await series(store, selector, started, at)).toEqual(
            await series(prometheus, selector, started, at),
          )
        }, SETTLE)
      })

      test('the sender has neither failed nor dropped anything', async () => {
        const { samples, lost } = await prometheus.sent()
        expect(samples).toBeGreaterThan(1000)
        expect(lost).toEqual(NOTHING_LOST)
      })
    },
  )
}
