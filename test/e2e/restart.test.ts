/** A push is acknowledged only after its samples are stored, so whatever ends Sluice, the sender still has them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Cortex } from './peers/cortex.ts'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { differences, vector } from './peers/query-api.ts'
import { type Splitter, startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'

const SETTLE = { timeout: 60_000, interval: 500 }

describeWith(
  'Prometheus from PATH → Sluice, which ends and comes back → Cortex',
  ['prometheus2', 'cortex', 'nodeExporter'],
  binaries => {
    const stage = new Stage()
    let config: object
    let cortex: Cortex
    let sluice: Splitter
    let prometheus: Prometheus

    beforeAll(async () => {
      cortex = await stage.add(Cortex.start(binaries.cortex))
      config = {
        target: cortex.pushUrl,
        tenant: { label: 'tenant', label_remove: true, label_precedence: 'config', default: 'platform' },
      }
      sluice = await startSluice({ config })
      await stage.add(Promise.resolve({ stop: () => sluice.stop() }))
      const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
      const shared = await stage.add(Exporter.start())
      const jobs = [
        { job: 'node', address: node.address, labels: { tenant: 'team-a' }, interval: '1s' },
        { job: 'shared', address: shared.address, interval: '1s' },
      ]
      prometheus = await stage.add(
        Prometheus.start(binaries.prometheus2, { jobs, remoteWrite: [sluice.pushUrl] }),
      )
      await prometheus.scraped(6)
    })

    afterAll(() => stage.clear())

    test.each([
      { signal: 'SIGTERM', exitCode: 0 },
      { signal: 'SIGKILL', exitCode: -1 },
    ] as const)('every sample is there after a $signal', async ({ signal, exitCode }) => {
      const { port } = sluice
      const before = Date.now() / 1000
      await sluice.stop(signal)
      expect(sluice.exitCode).toBe(exitCode)
      // Two scrapes at least find nobody to push to.
      await sleep(3000)
      sluice = await startSluice({ config, port })
      const at = Date.now() / 1000
      const range = `[${Math.ceil(at - before) + 3}s]`
      for (const [tenant, held] of [
        ['team-a', 'team-a'],
        ['team-b', 'team-b'],
        ['platform', ''],
      ] as const) {
        await vi.waitFor(async () => {
          const sent = await vector(prometheus, `{__name__!="",tenant="${held}"}${range}`, at)
          expect(sent.size).toBeGreaterThan(0)
          const stored = await vector(cortex.as(tenant), `{__name__!=""}${range}`, at)
          expect(differences(sent, stored)).toEqual([])
        }, SETTLE)
      }
      expect((await prometheus.sent()).lost).toEqual(NOTHING_LOST)
    })
  },
)
