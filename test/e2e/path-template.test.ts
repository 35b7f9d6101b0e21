/** Tenants in the path instead of a header, and a store without tenants, which gets series with their labels as they are. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Exporter } from './peers/exporter.ts'
import { describeWith } from './peers/found.ts'
import { NodeExporter } from './peers/node-exporter.ts'
import { NOTHING_LOST, Prometheus } from './peers/prometheus.ts'
import { scalar, vector } from './peers/query-api.ts'
import { Receiver, STALE_BITS } from './peers/receiver.ts'
import { startSluice } from './peers/splitter.ts'
import { Stage } from './peers/stage.ts'
import { VictoriaMetrics } from './peers/victoria-metrics.ts'

const SETTLE = { timeout: 45_000, interval: 500 }
const PATH = /^\/insert\/([^/?]+)\/prometheus\/api\/v1\/write$/

describeWith('Prometheus from PATH → Sluice → a path for each tenant', ['prometheus2'], ({ prometheus2 }) => {
  const stage = new Stage()
  let receiver: Receiver
  let prometheus: Prometheus
  let leaving: Exporter

  beforeAll(async () => {
    receiver = await stage.add(Receiver.start())
    const config = {
      target: `${receiver.url}/insert/{tenant}/prometheus/api/v1/write`,
      tenant: { label: 'tenant', label_remove: true, label_precedence: 'config', default: 'platform' },
    }
    const sluice = await stage.add(startSluice({ config }))
    const shared = await stage.add(Exporter.start())
    leaving = await stage.add(Exporter.start())
    const jobs = [
      { job: 'shared', address: shared.address, interval: '1s' },
      { job: 'leaving', address: leaving.address, labels: { tenant: 'team-c' }, interval: '1s' },
      { job: 'prometheus', labels: { tenant: 'team-b' }, interval: '2s' },
    ]
    prometheus = await stage.add(Prometheus.start(prometheus2, { jobs, remoteWrite: [sluice.pushUrl] }))
    await prometheus.scraped(6)
  })

  afterAll(() => stage.clear())

  const tenantOf = ({ path }: { readonly path: string }) => PATH.exec(path)?.[1] ?? `no tenant in ${path}`
  const ofTenant = (tenant: string) => receiver.pushes.filter(push => tenantOf(push) === tenant)

  test('every push goes to the path of one tenant', async () => {
    await vi.waitFor(() => {
      expect([...new Set(receiver.pushes.map(push => push.path))].sort()).toEqual([
        '/insert/platform/prometheus/api/v1/write',
        '/insert/team-a/prometheus/api/v1/write',
        '/insert/team-b/prometheus/api/v1/write',
        '/insert/team-c/prometheus/api/v1/write',
      ])
    }, SETTLE)
  })

  test('what arrives under a path is what Prometheus holds for that tenant', async () => {
    for (const [tenant, held] of [
      ['platform', ''],
      ['team-a', 'team-a'],
      ['team-b', 'team-b'],
      ['team-c', 'team-c'],
    ] as const) {
      const at = Date.now() / 1000 - 3
      await vi.waitFor(async () => {
        const count = await scalar(prometheus, `count({__name__!="",tenant="${held}"})`, at)
        // Scrapes are at most two seconds apart: what is live at `at` has a sample in the three seconds before it.
        const live = new Set(
          ofTenant(tenant)
            .flatMap(push => push.samples)
            .filter(sample => sample.at > (at - 3) * 1000 && sample.at <= at * 1000)
            .map(sample => JSON.stringify(sample.labels)),
        )
        expect(count).toBeGreaterThan(0)
        expect(live.size).toBe(count)
      }, SETTLE)
    }
  })

  test('the tenant label is gone, and the default tenant’s series never had one', () => {
    const names = new Set(
      receiver.pushes.flatMap(push => push.samples.flatMap(one => Object.keys(one.labels))),
    )
    expect(names).toContain('instance')
    expect(names).not.toContain('tenant')
  })

  test('no push has a tenant header beside the path', () => {
    expect(receiver.pushes.filter(push => 'x-scope-orgid' in push.headers)).toEqual([])
  })

  test('pushes say that they are remote write 1.0 in snappy', () => {
    expect(receiver.unreadable.slice(0, 3)).toEqual([])
    const kinds = receiver.pushes.map(({ headers }) =>
      [
        headers['content-type'],
        headers['content-encoding'],
        headers['x-prometheus-remote-write-version'],
      ].join(),
    )
    expect([...new Set(kinds)]).toEqual(['application/x-protobuf,snappy,0.1.0'])
  })

  test('native histograms and exemplars are in the pushes of the tenant', async () => {
    await vi.waitFor(() => {
      const pushes = ofTenant('team-c')
      expect(pushes.some(push => push.exemplars > 0)).toBe(true)
      const native = pushes.flatMap(push => push.samples).filter(one => one.bits.startsWith('{'))
      expect(new Set(native.map(one => one.labels.__name__))).toEqual(new Set(['e2e_native_seconds']))
    }, SETTLE)
  })

  test('stale markers arrive bit by bit, for every series of a target that disappears', async () => {
    const live = new Set(
      ofTenant('team-c')
        .flatMap(push => push.samples)
        .filter(sample => sample.labels.__name__?.startsWith('e2e_') && !sample.bits.startsWith('{'))
        .map(sample => JSON.stringify(sample.labels)),
    )
    expect(live.size).toBeGreaterThan(5)
    await leaving.stop()
    await vi.waitFor(() => {
      const stale = ofTenant('team-c')
        .flatMap(push => push.samples)
        .filter(sample => sample.bits === STALE_BITS)
        .map(sample => JSON.stringify(sample.labels))
      expect([...live].filter(labels => !stale.includes(labels))).toEqual([])
    }, SETTLE)
  })
})

describeWith(
  'Prometheus from PATH → Sluice → VictoriaMetrics',
  ['prometheus2', 'nodeExporter', 'victoriaMetrics'],
  binaries => {
    const stage = new Stage()
    let store: VictoriaMetrics
    let prometheus: Prometheus
    let leaving: NodeExporter

    beforeAll(async () => {
      store = await stage.add(VictoriaMetrics.start(binaries.victoriaMetrics))
      const config = {
        target: `${store.url}/api/v1/write`,
        tenant: { label: 'tenant', label_remove: false, label_precedence: 'config', default: 'platform' },
      }
      const sluice = await stage.add(startSluice({ config }))
      const node = await stage.add(NodeExporter.start(binaries.nodeExporter))
      leaving = await stage.add(NodeExporter.start(binaries.nodeExporter))
      const jobs = [
        { job: 'node', address: node.address, labels: { tenant: 'team-a' }, interval: '2s' },
        { job: 'leaving', address: leaving.address, labels: { tenant: 'team-b' }, interval: '2s' },
        { job: 'prometheus', interval: '2s' },
      ]
      prometheus = await stage.add(
        Prometheus.start(binaries.prometheus2, { jobs, remoteWrite: [sluice.pushUrl] }),
      )
      await prometheus.scraped(6)
    })

    afterAll(() => stage.clear())

    test.each(['team-a', 'team-b', ''])('series with tenant "%s" are all there, label kept', async held => {
      const selector = `{__name__!="",tenant="${held}"}`
      const at = Date.now() / 1000 - 3
      await vi.waitFor(async () => {
        await store.flush()
        const expected = numbers(await vector(prometheus, selector, at))
        const stored = numbers(await vector(store, selector, at))
        expect(expected.size).toBeGreaterThan(100)
        expect([...stored.keys()].sort()).toEqual([...expected.keys()].sort())
        const far = [...expected].filter(([name, value]) => !close(value, stored.get(name) ?? 0))
        expect(far.slice(0, 5)).toEqual([])
      }, SETTLE)
    })

    test('a target that disappears goes stale at once', async () => {
      const query = 'node_memory_MemTotal_bytes{job="leaving",tenant="team-b"}'
      const before = Date.now() / 1000 - 3
      await vi.waitFor(async () => {
        await store.flush()
        expect((await vector(store, query, before)).size).toBe(1)
      }, SETTLE)
      await leaving.stop()
      let after = 0
      await vi.waitFor(async () => {
        after = Date.now() / 1000
        expect((await vector(prometheus, query, after)).size).toBe(0)
      }, SETTLE)
      await vi.waitFor(async () => {
        await store.flush()
        expect((await vector(store, query, after)).size).toBe(0)
      }, SETTLE)
    })

    test('the sender has neither failed nor dropped anything', async () => {
      const { samples, lost } = await prometheus.sent()
      expect(samples).toBeGreaterThan(1000)
      expect(lost).toEqual(NOTHING_LOST)
    })
  },
)

/** VictoriaMetrics keeps decimals, about 15 digits of them, and answers nothing where the value is NaN. */
function numbers(all: Map<string, string>): Map<string, number> {
  const values = [...all].map(([name, held]) => {
    const { value } = JSON.parse(held) as { readonly value: readonly [number, string] }
    return [name, Number(value[1])] as const
  })
  return new Map(values.filter(([, value]) => !Number.isNaN(value)))
}

function close(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= 1e-12 * Math.abs(a)
}
