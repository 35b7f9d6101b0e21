/**
 * The main job with real parts on both ends: Prometheus scrapes, Sluice splits, Cortex stores. What a tenant reads in
 * Cortex is compared with what Prometheus itself holds, at one instant a few seconds back.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Cortex } from './peers/cortex.ts'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { differences, exemplars, scalar, series, vector } from './peers/query-api.ts'
import { startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'

const CONFIG = {
  tenant: {
    label: 'tenant',
    label_remove: true,
    label_precedence: 'config',
    default: 'platform',
    header: 'X-Scope-OrgID',
  },
}

/** `held`: the value of the tenant label inside Prometheus; the series of `platform` have none. */
const TENANTS = [
  { tenant: 'team-a', held: 'team-a', least: 200 },
  { tenant: 'team-b', held: 'team-b', least: 200 },
  { tenant: 'platform', held: '', least: 10 },
]
const SENDERS = [
  { name: 'prometheus3', title: 'Prometheus from SLUICE_PEERS' },
  { name: 'prometheus2', title: 'Prometheus from PATH' },
] as const
const SETTLE = { timeout: 45_000, interval: 500 }

for (const { name, title } of SENDERS) {
  describeWith(`${title} → Sluice → Cortex`, [name, 'cortex', 'nodeExporter'], binaries => {
    const stage = new Stage()
    let prometheus: Prometheus
    let cortex: Cortex
    let leaving: Exporter
    let started: number

    beforeAll(async () => {
      cortex = await stage.add(Cortex.start(binaries.cortex))
      const config = { ...CONFIG, target: cortex.pushUrl }
      const sluice = await stage.add(startSluice({ config }))
      const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
      const shared = await stage.add(Exporter.start())
      leaving = await stage.add(Exporter.start())
      started = Date.now() / 1000
      const jobs = [
        { job: 'node', address: node.address, labels: { tenant: 'team-a' }, interval: '2s' },
        { job: 'prometheus', labels: { tenant: 'team-b' }, interval: '2s' },
        { job: 'leaving', address: leaving.address, labels: { tenant: 'team-b' }, interval: '1s' },
        { job: 'shared', address: shared.address, interval: '1s' },
      ]
      prometheus = await stage.add(Prometheus.start(binaries[name], { jobs, remoteWrite: [sluice.pushUrl] }))
      await prometheus.scraped(6)
    })

    afterAll(() => stage.clear())

    test.each(TENANTS)(
      '$tenant counts as many series as Prometheus holds for it',
      async ({ tenant, held, least }) => {
        const at = now() - 3
        await vi.waitFor(async () => {
          const expected = await scalar(prometheus, `count(${selector(held)})`, at)
          expect(expected).toBeGreaterThan(least)
          expect(await scalar(cortex.as(tenant), 'count({__name__!=""})', at)).toBe(expected)
        }, SETTLE)
      },
    )

    test.each(TENANTS)('$tenant reads the same values at one instant', async ({ tenant, held }) => {
      const at = now() - 3
      await vi.waitFor(async () => {
        const expected = await vector(prometheus, selector(held), at)
        const stored = await vector(cortex.as(tenant), '{__name__!=""}', at)
        expect(differences(expected, stored)).toEqual([])
      }, SETTLE)
    })

    test.each(TENANTS)(
      '$tenant has every scrape of the last seconds, with its time',
      async ({ tenant, held }) => {
        const at = now() - 3
        await vi.waitFor(async () => {
          const expected = await vector(prometheus, `${selector(held)}[8s]`, at)
          expect(expected.size).toBeGreaterThan(0)
          const stored = await vector(cortex.as(tenant), '{__name__!=""}[8s]', at)
          expect(differences(expected, stored)).toEqual([])
        }, SETTLE)
      },
    )

    test.each(TENANTS)('$tenant has its own series and nobody else’s', async ({ tenant, held }) => {
      const at = now() - 3
      await vi.waitFor(async () => {
        const expected = await series(prometheus, selector(held), started, at)
        expect(await series(cortex.as(tenant), '{__name__!=""}', started, at)).toEqual(expected)
      }, SETTLE)
    })

    test('there are no other tenants', async () => {
      expect(await cortex.tenants()).toEqual(TENANTS.map(one => one.tenant).sort())
    })

    test.each(TENANTS)('no series of $tenant has the tenant label', async ({ tenant }) => {
      expect(await series(cortex.as(tenant), '{tenant!=""}', started, now())).toEqual([])
    })

    test('series of one target go to the tenants that they name themselves', async () => {
      const at = now() - 3
      for (const { tenant, held } of TENANTS.slice(0, 2)) {
        await vi.waitFor(async () => {
          const own = await vector(prometheus, `e2e_own_tenant{job="shared",tenant="${held}"}`, at)
          expect(own.size).toBe(held === 'team-a' ? 1 : 2)
          expect(await vector(cortex.as(tenant), 'e2e_own_tenant{job="shared"}', at)).toEqual(own)
        }, SETTLE)
      }
    })

    test('native histograms arrive equal', async () => {
      const at = now() - 3
      for (const { tenant, held } of TENANTS.slice(1)) {
        await vi.waitFor(async () => {
          const sent = histograms(await vector(prometheus, selector(held), at))
          expect(sent.size).toBeGreaterThan(0)
          const stored = histograms(await vector(cortex.as(tenant), '{__name__!=""}', at))
          expect(differences(sent, stored)).toEqual([])
        }, SETTLE)
      }
    })

    test('exemplars arrive with their series', async () => {
      const at = now() - 3
      await vi.waitFor(async () => {
        const sent = await exemplars(prometheus, 'e2e_scrapes_total{job="shared"}', at - 8, at)
        expect(sent.length).toBeGreaterThan(0)
        const stored = await exemplars(cortex.as('platform'), 'e2e_scrapes_total{job="shared"}', at - 8, at)
        expect(stored).toEqual(sent)
      }, SETTLE)
    })

    test('a target that disappears goes stale at once', async () => {
      const query = '{__name__=~"e2e_.+",job="leaving"}'
      const before = now() - 3
      await vi.waitFor(async () => {
        expect((await vector(cortex.as('team-b'), query, before)).size).toBeGreaterThan(5)
      }, SETTLE)
      await leaving.stop()
      let after = 0
      await vi.waitFor(async () => {
        after = now()
        expect((await vector(prometheus, query, after)).size).toBe(0)
      }, SETTLE)
      // Without the markers a store looks back five minutes, and these samples are seconds old.
      await vi.waitFor(async () => {
        expect((await vector(cortex.as('team-b'), query, after)).size).toBe(0)
      }, SETTLE)
      expect((await vector(cortex.as('team-b'), query, before)).size).toBeGreaterThan(5)
      expect(await vector(cortex.as('team-b'), 'up{job="leaving"}', after)).toEqual(
        await vector(prometheus, 'up{job="leaving"}', after),
      )
    })

    test('the sender has neither failed nor dropped anything', async () => {
      const { samples, lost } = await prometheus.sent()
      expect(samples).toBeGreaterThan(1000)
      expect(lost).toEqual(NOTHING_LOST)
    })
  })
}

function now(): number {
  return Date.now() / 1000
}

function selector(held: string): string {
  return `{__name__!="",tenant="${held}"}`
}

function histograms(all: Map<string, string>): Map<string, string> {
  return new Map([...all].filter(([, held]) => held.includes('"histogram":')))
}
