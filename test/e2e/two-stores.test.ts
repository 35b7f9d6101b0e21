/**
 * Two stores behind one address, by tenant; under load, one tenant moves from one to the other by a reload. What both
 * hold together is what Prometheus itself has, sample by sample: nothing is lost, and nothing is there twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Cortex } from './peers/cortex.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { differences, type QueryApi, times } from './peers/query-api.ts'
import { type Splitter, startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'
import { VictoriaMetrics } from './peers/victoria-metrics.ts'

const SETTLE = { timeout: 45_000, interval: 1000 }
/** Scrapes on each side of the move, one a second. */
const SCRAPES = 8

describeWith(
  'Prometheus → Sluice → Cortex and VictoriaMetrics, and a tenant that moves',
  ['prometheus3', 'cortex', 'victoriaMetrics', 'nodeExporter'],
  binaries => {
    const stage = new Stage()
    let prometheus: Prometheus
    let cortex: Cortex
    let vm: VictoriaMetrics
    let sluice: Splitter
    let started: number

    const configWith = (tenantsOfVm: readonly string[]) => ({
      // A store without tenants tells them apart by their label.
      tenant: { label: 'tenant', label_remove: false, default: 'platform' },
      upstreams: {
        cortex: { target: cortex.pushUrl },
        vm: { target: `${vm.url}/api/v1/write`, tenant: 'none' },
      },
      routes: [{ tenants: tenantsOfVm, upstream: 'vm' }, { upstream: 'cortex' }],
    })

    beforeAll(async () => {
      cortex = await stage.add(Cortex.start(binaries.cortex))
      vm = await stage.add(VictoriaMetrics.start(binaries.victoriaMetrics))
      sluice = await stage.add(startSluice({ config: configWith(['vm-*']) }))
      const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
      const nodeJob = (job: string, tenant: string) => {
        return { job, address: node.address, labels: { tenant }, interval: '1s' }
      }
      const jobs = [
        nodeJob('moving-1', 'team-moving'),
        nodeJob('moving-2', 'team-moving'),
        nodeJob('staying', 'team-staying'),
        nodeJob('there', 'vm-there'),
        { job: 'prometheus', interval: '1s' },
      ]
      started = Date.now() / 1000
      prometheus = await stage.add(
        Prometheus.start(binaries.prometheus3, { jobs, remoteWrite: [sluice.pushUrl] }),
      )
      await prometheus.scraped(SCRAPES)
      await sluice.reload(configWith(['vm-*', 'team-moving']))
      await prometheus.scraped(2 * SCRAPES)
    })

    afterAll(() => stage.clear())

    /** Resolves with how many samples each store has of the tenant, where all are what Prometheus has until `at`. */
    async function expectSame(tenant: string, held: string, at: number): Promise<readonly number[]> {
      const range = `[${Math.ceil(at - started)}s]`
      const stores: readonly QueryApi[] = [cortex.as(tenant), vm]
      const selector = `{__name__!="",tenant="${held}"}${range}`
      await vi.waitFor(async () => {
        await vm.flush()
        const sent = await times([prometheus], selector, at)
        expect(sent.size).toBeGreaterThan(200)
        expect(differences(sent, await times(stores, selector, at))).toEqual([])
      }, SETTLE)
      return Promise.all(
        stores.map(async store => {
          const all = [...(await times([store], selector, at)).values()]
          return all.reduce((sum, its) => sum + its.split(',').length, 0)
        }),
      )
    }

    test('the tenant that moved has each sample once, in one store or the other', async () => {
      const [inCortex, inVm] = await expectSame('team-moving', 'team-moving', Date.now() / 1000 - 3)
      // Two exporters, each scraped that often on both sides of the move.
      expect(inCortex).toBeGreaterThan(2 * 200 * (SCRAPES - 1))
      expect(inVm).toBeGreaterThan(2 * 200 * (SCRAPES - 4))
    })

    test('tenants that stayed have all of theirs where they were', async () => {
      const at = Date.now() / 1000 - 3
      expect((await expectSame('team-staying', 'team-staying', at))[1]).toBe(0)
      expect((await expectSame('vm-there', 'vm-there', at))[0]).toBe(0)
      // The series of Prometheus itself, which name no tenant.
      expect((await expectSame('platform', '', at))[1]).toBe(0)
    })

    test('what was sent to Cortex of the tenant ends with the move', async () => {
      const selector = '{__name__!="",tenant="team-moving"}[3s]'
      const at = Date.now() / 1000
      expect((await times([prometheus], selector, at)).size).toBeGreaterThan(200)
      await sleep(1000)
      expect((await times([cortex.as('team-moving')], selector, at)).size).toBe(0)
    })

    test('the sender has neither failed nor dropped anything', async () => {
      const { samples, lost } = await prometheus.sent()
      expect(samples).toBeGreaterThan(10_000)
      expect(lost).toEqual(NOTHING_LOST)
    })
  },
)
