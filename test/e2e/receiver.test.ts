/** A Prometheus as the store: it has no tenants, so the label stays, and it refuses samples that come out of order. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { differences, exemplars, scalar, series, vector } from './peers/query-api.ts'
import { nativeHistograms } from './peers/remote-read.ts'
import { startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'

const SETTLE = { timeout: 45_000, interval: 500 }
/** Prometheus 2 knows only 1.0: it answers 204 to 2.0 and stores nothing of it. */
const PAIRS = [
  { sender: 'prometheus3', protocol: '1.0', store: 'prometheus2' },
  { sender: 'prometheus2', protocol: '1.0', store: 'prometheus2' },
  { sender: 'prometheus3', protocol: '2.0', store: 'prometheus3' },
  { sender: 'prometheus3', protocol: '2.0', store: 'prometheus2' },
] as const
const TITLES = { prometheus2: 'Prometheus from PATH', prometheus3: 'Prometheus from SLUICE_PEERS' }

for (const { sender, protocol, store: storeName } of PAIRS) {
  describeWith(
    `${TITLES[sender]} → ${protocol} → Sluice → ${TITLES[storeName]} as receiver`,
    [sender, storeName, 'nodeExporter'],
    binaries => {
      const stage = new Stage()
      let prometheus: Prometheus
      let store: Prometheus
      let started: number

      beforeAll(async () => {
        const binary = binaries[storeName]
        store = await stage.add(
          Prometheus.start(binary, {
            receiver: true,
            protocol: storeName === 'prometheus3' ? '2.0' : '1.0',
          }),
        )
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
          Prometheus.start(binaries[sender], { jobs, remoteWrite: [sluice.pushUrl], protocol }),
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

      test('there is no series beside them', async () => {
        const at = Date.now() / 1000 - 3
        await vi.waitFor(async () => {
          const expected = await scalar(prometheus, 'count({__name__!=""})', at)
          expect(await scalar(store, 'count({__name__!=""})', at)).toBe(expected)
        }, SETTLE)
      })

      // A Prometheus 2 leaves them out of its remote read; that its buckets are equal is a part of the samples above.
      if (storeName === 'prometheus3') {
        test('native histograms keep schema, spans and counts', async () => {
          const at = Date.now() / 1000 - 3
          const labels = { __name__: 'e2e_native_seconds', job: 'shared' }
          await vi.waitFor(async () => {
            const sent = await nativeHistograms(prometheus, labels, at - 8, at)
            expect([...sent.values()].join()).toContain('"schema":3')
            expect(differences(sent, await nativeHistograms(store, labels, at - 8, at))).toEqual([])
          }, SETTLE)
        })
      }

      test('exemplars can be queried', async () => {
        const at = Date.now() / 1000 - 3
        await vi.waitFor(async () => {
          const sent = await exemplars(prometheus, 'e2e_scrapes_total{job="shared"}', at - 8, at)
          expect(sent.length).toBeGreaterThan(0)
          expect(await exemplars(store, 'e2e_scrapes_total{job="shared"}', at - 8, at)).toEqual(sent)
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
