import { describe, expect, test } from 'vitest'
import { answerWith } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { startStage } from '../support/stage.ts'

const up = (tenant: string) => ({ __name__: 'up', tenant })

/** Lines of /metrics that start so, without the buckets of histograms. */
async function lines(url: URL, prefix: string): Promise<readonly string[]> {
  const { body } = await request(url, { method: 'GET' })
  return body.split('\n').filter(line => line.startsWith(prefix) && !line.includes('_bucket{'))
}

describe('/metrics', () => {
  test('counts what came in and how it ended, without tenants by default', async () => {
    await using stage = await startStage()
    await stage.push([up('a'), up('a'), up('b')])
    stage.store.respond = answerWith(429)
    await stage.push([up('a')])
    await stage.push([{ __name__: 'up' }])
    const of = (sample: string) => stage.metric(sample)
    expect(await of('sluice_pushes_total{protocol="1.0",status="204"}')).toBe(1)
    expect(await of('sluice_pushes_total{protocol="1.0",status="429"}')).toBe(1)
    expect(await of('sluice_pushes_total{protocol="1.0",status="400"}')).toBe(1)
    expect(await of('sluice_received_series_total')).toBe(5)
    expect(await of('sluice_received_samples_total')).toBe(5)
    expect(await of('sluice_shares_total{verdict="delivered"}')).toBe(2)
    expect(await of('sluice_samples_total{verdict="delivered"}')).toBe(3)
    expect(await of('sluice_samples_total{verdict="throttled"}')).toBe(1)
    expect(await of('sluice_refused_series_total{reason="missing_tenant",policy="reject"}')).toBe(1)
    expect(await of('sluice_in_flight_pushes')).toBe(0)
    const { body } = await request(stage.sluice.metricsUrl, { method: 'GET' })
    expect(body).not.toMatch(/^sluice_.*tenant=/m)
    expect(body).not.toMatch(/^cortex_tenant_/m)
  })

  test('names tenants with metrics_include_tenant, and only so many', async () => {
    const config = { metrics_include_tenant: true, metrics: { max_tenants: 2 } }
    await using stage = await startStage({ config })
    await stage.push([up('a'), up('b'), up('c'), up('d')])
    const shares = await lines(stage.sluice.metricsUrl, 'sluice_shares_total{')
    expect(shares).toEqual([
      'sluice_shares_total{verdict="delivered",tenant="a"} 1',
      'sluice_shares_total{verdict="delivered",tenant="b"} 1',
      'sluice_shares_total{verdict="delivered",tenant="__other__"} 2',
    ])
  })
})

describe('cortex-tenant’s names', () => {
  const compatible = { metrics: { compatibility: 'cortex_tenant' } }
  const PEER = 'cortex_tenant_timeseries_'

  test('are served with metrics.compatibility, with an empty tenant', async () => {
    await using stage = await startStage({ config: compatible })
    const { status } = await stage.push([up('a'), up('a'), up('b')])
    expect(status).toBe(204)
    expect(await stage.metric(`${PEER}batches_received`)).toBe(1)
    expect(await stage.metric(`${PEER}batches_received_bytes_count`)).toBe(1)
    expect(await stage.metric(`${PEER}received{tenant=""}`)).toBe(3)
    expect(await stage.metric(`${PEER}requests{tenant=""}`)).toBe(2)
    expect(await stage.metric(`${PEER}request_duration_milliseconds_count{code="204",tenant=""}`)).toBe(2)
    expect(await stage.metric(`${PEER}request_errors{tenant=""}`)).toBeUndefined()
  })

  test('have the peer’s labels and buckets', async () => {
    await using stage = await startStage({ config: { ...compatible, metrics_include_tenant: true } })
    stage.store.respond = answerWith(400)
    await stage.push([up('a')])
    const { body } = await request(stage.sluice.metricsUrl, { method: 'GET' })
    const buckets = [...body.matchAll(/_duration_milliseconds_bucket\{le="([^"]+)",code="400",tenant="a"\}/g)]
    expect(buckets.map(([, le]) => le)).toEqual(
      '0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 1800000 3600000 +Inf'.split(' '),
    )
  })

  test('count an error for a request without answer only', async () => {
    await using stage = await startStage({ config: { ...compatible, retry: { max_attempts: 1 } } })
    stage.store.respond = answerWith(500)
    await stage.push([up('a')])
    expect(await stage.metric(`${PEER}request_errors{tenant=""}`)).toBeUndefined()
    stage.store.respond = (_received, _response, request) => request.socket.destroy()
    await stage.push([up('a')])
    expect(await stage.metric(`${PEER}request_errors{tenant=""}`)).toBe(1)
  })

  test('have the duration in milliseconds, as the name says (peer: a millionth of it)', async () => {
    await using stage = await startStage({ config: compatible })
    stage.store.respond = (...args) => setTimeout(() => answerWith(204)(...args), 200)
    await stage.push([up('a')])
    const sum = await stage.metric(`${PEER}request_duration_milliseconds_sum{code="204",tenant=""}`)
    expect(sum).toBeGreaterThan(190)
  })
})
