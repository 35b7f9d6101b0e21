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
import {
  differences,
  exemplars,
  exposedMetadata,
  metadata,
  metricNames,
  scalar,
  series,
  vector,
} from './peers/query-api.ts'
import { nativeHistograms } from './peers/remote-read.ts'
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

/** `held`: the value of the tenant label inside Prometheus; the series of `platform` have none. `jobs` give it series. */
const TENANTS = [
  { tenant: 'team-a', held: 'team-a', jobs: ['node', 'shared'], least: 200 },
  { tenant: 'team-b', held: 'team-b', jobs: ['prometheus', 'leaving', 'shared'], least: 200 },
  { tenant: 'platform', held: '', jobs: ['shared'], least: 10 },
]
/** What each of these scrapes has an exemplar and a native histogram of its own. */
const WITH_OWN_JOB = [
  { tenant: 'team-b', job: 'leaving' },
  { tenant: 'platform', job: 'shared' },
]
/** `store`: what Cortex takes. Without 2.0 it answers 415 to that. */
const SENDERS = [
  { name: 'prometheus3', title: 'Prometheus from SLUICE_PEERS', protocol: '1.0', store: '1.0' },
  { name: 'prometheus2', title: 'Prometheus from PATH', protocol: '1.0', store: '1.0' },
  { name: 'prometheus3', title: 'Prometheus with remote write 2.0', protocol: '2.0', store: '2.0' },
  { name: 'prometheus3', title: 'Prometheus with remote write 2.0', protocol: '2.0', store: '1.0' },
] as const
const SETTLE = { timeout: 45_000, interval: 500 }

for (const { name, title, protocol, store } of SENDERS) {
  describeWith(
    `${title} → Sluice → Cortex that takes ${store}`,
    [name, 'cortex', 'nodeExporter'],
    binaries => {
      const stage = new Stage()
      let prometheus: Prometheus
      let cortex: Cortex
      let leaving: Exporter
      let started: number

      beforeAll(async () => {
        cortex = await stage.add(Cortex.start(binaries.cortex, { remoteWrite2: store === '2.0' }))
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
        const remoteWrite = [sluice.pushUrl]
        prometheus = await stage.add(Prometheus.start(binaries[name], { jobs, remoteWrite, protocol }))
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

      // A Prometheus 2 leaves them out of its remote read.
      test.each(name === 'prometheus3' ? WITH_OWN_JOB : [])(
        'native histograms of $tenant keep schema, spans and counts',
        async ({ tenant, job }) => {
          const at = now() - 3
          const labels = { __name__: 'e2e_native_seconds', job }
          await vi.waitFor(async () => {
            const sent = await nativeHistograms(prometheus, labels, at - 8, at)
            expect([...sent.values()].join()).toContain('"schema":3')
            const stored = await nativeHistograms(cortex.as(tenant), labels, at - 8, at)
            expect(differences(sent, stored)).toEqual([])
          }, SETTLE)
        },
      )

      test.each(WITH_OWN_JOB)('exemplars of $tenant arrive with their series', async ({ tenant, job }) => {
        const at = now() - 3
        const query = `e2e_scrapes_total{job="${job}"}`
        await vi.waitFor(async () => {
          const sent = await exemplars(prometheus, query, at - 8, at)
          expect(sent.length).toBeGreaterThan(0)
          expect(await exemplars(cortex.as(tenant), query, at - 8, at)).toEqual(sent)
        }, SETTLE)
      })

      // 1.0 carries metadata apart from the series, and what becomes of it is a matter of `metadata.route`.
      test.each(protocol === '2.0' ? TENANTS : [])(
        '$tenant has the metadata of its own series and no other',
        async ({ tenant, held, jobs }) => {
          const at = now() - 3
          await vi.waitFor(async () => {
            const names = await metricNames(prometheus, selector(held), at)
            const known = await exposedMetadata(prometheus, jobs)
            const stored = await metadata(cortex.as(tenant))
            // Cortex knows what it got with 2.0 by the names of series, also of `up`; with 1.0 it is by families.
            const own = (name: string) => names.has(name) || (store === '1.0' && names.has(`${name}_count`))
            expect([...stored.keys()].filter(name => !own(name))).toEqual([])
            const expected = new Map([...known].filter(([family]) => own(family)))
            expect(expected.size).toBeGreaterThan(2)
            expect(differences(expected, new Map([...stored].filter(([name]) => known.has(name))))).toEqual(
              [],
            )
          }, SETTLE)
        },
      )

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

      test('Cortex is pushed what it takes', async () => {
        const [one, two] = [await cortex.pushes('prw1'), await cortex.pushes('prw2')]
        // Of 2.0 it gets 1.0 too, where an exemplar comes in another push than its series.
        if (store === '2.0') expect(two).toBeGreaterThan(10)
        else {
          expect(one).toBeGreaterThan(10)
          // Each is refused and goes again as 1.0: one alone, before it is known.
          expect(two).toBe(protocol === '2.0' ? 1 : 0)
        }
      })

      test('the sender has neither failed nor dropped anything', async () => {
        const { samples, lost } = await prometheus.sent()
        expect(samples).toBeGreaterThan(1000)
        expect(lost).toEqual(NOTHING_LOST)
      })
    },
  )
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
