import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { scrape } from '../../../src/demo/scrape.ts'

test('a scrape has what the registry shows, under the labels of the target', async () => {
  const registry = new Registry()
  new Counter({ name: 'pushes_total', help: 'h', labelNames: ['status'], registers: [registry] }).inc(
    { status: 204 },
    3,
  )
  new Gauge({ name: 'hidden', help: 'h', registers: [registry] }).set(1)
  new Histogram({ name: 'took_seconds', help: 'h', buckets: [0.5, 1], registers: [registry] }).observe(0.7)
  const labels = { tenant: 'team-a', job: 'x', instance: 'i' }
  const series = await scrape({ labels, registry, keeps: metric => metric !== 'hidden' })
  const found = new Map(
    series.map(({ labels, value }) => [labels.map(([name, text]) => `${name}=${text}`).join(), value]),
  )
  const own = 'instance=i,job=x'
  expect(found.get(`__name__=pushes_total,${own},status=204,tenant=team-a`)).toBe(3)
  expect(found.get(`__name__=took_seconds_bucket,${own},le=0.5,tenant=team-a`)).toBe(0)
  expect(found.get(`__name__=took_seconds_bucket,${own},le=1,tenant=team-a`)).toBe(1)
  expect(found.get(`__name__=took_seconds_bucket,${own},le=+Inf,tenant=team-a`)).toBe(1)
  expect(found.get(`__name__=took_seconds_sum,${own},tenant=team-a`)).toBe(0.7)
  expect(found.get(`__name__=up,${own},tenant=team-a`)).toBe(1)
  expect(found.get(`__name__=scrape_samples_scraped,${own},tenant=team-a`)).toBe(6)
  expect(found.has(`__name__=scrape_duration_seconds,${own},tenant=team-a`)).toBe(true)
  expect(found.size).toBe(9)
})

test('a label of the target wins over the scraped one, which is kept as exported', async () => {
  const registry = new Registry()
  new Gauge({ name: 'delivered', help: 'h', labelNames: ['tenant'], registers: [registry] }).set(
    { tenant: 'x' },
    1,
  )
  const [first] = await scrape({ labels: { tenant: 'team-a' }, registry, keeps: () => true })
  expect(first?.labels).toEqual([
    ['__name__', 'delivered'],
    ['exported_tenant', 'x'],
    ['tenant', 'team-a'],
  ])
})
