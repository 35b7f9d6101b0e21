/** How the tenant of a series is found and spelled. Each case is a configuration, so a process. */
import { describe, expect, test } from 'vitest'
import { message, metadata, series } from '../support/messages.ts'
import { compressed, startStage } from '../support/stage.ts'
import { TENANT_CASES } from '../support/tenant-cases.ts'
import { concat } from '../support/wire.ts'

describe('in a real process', () => {
  test.each(TENANT_CASES)('$title', async row => {
    const { tenant, cases, headers = {}, env = {} } = row
    await using stage = await startStage({ config: { tenant, metadata: row.metadata === true }, env })
    for (const [labels, name, stored = labels] of cases) {
      const { status } = await stage.push([labels], { headers })
      expect(status, JSON.stringify(labels)).toBe(name === undefined ? 400 : 204)
      const shares = stage.stored()
      expect(shares).toEqual(name === undefined ? [] : [{ tenant: name, series: [stored] }])
      expect(Object.keys(shares[0]?.series[0] ?? stored)).toEqual(Object.keys(stored))
    }
    if (row.metadata !== true) return
    // The peer discards metadata that comes beside series.
    const beside = concat(message('1.0', [series({ tenant: 't1' })]), metadata('up', 'Whether it is up.'))
    expect((await stage.send(compressed(beside))).status).toBe(204)
    const bodies = stage.store.received.splice(0).map(it => [it.headers['x-scope-orgid'], it.body.length])
    expect(bodies.sort()).toEqual([
      ['p-other', compressed(metadata('up', 'Whether it is up.')).length],
      ['p-t1', compressed(message('1.0', [series({ tenant: 't1' })])).length],
    ])
    const body = compressed(metadata('up', 'Whether it is up.'))
    expect((await stage.send(body)).status).toBe(204)
    const [received] = stage.store.received
    expect(received?.headers['x-scope-orgid']).toBe('p-other')
    // The peer sends it uncompressed, whatever its header says.
    expect(received?.body).toEqual(Buffer.from(body))
  })

  test('header names the header that carries the tenant', async () => {
    await using stage = await startStage({ config: { tenant: { label: 'tenant', header: 'THANOS-TENANT' } } })
    await stage.push([{ tenant: 't1' }], { headers: { 'thanos-tenant': 'x', 'x-scope-orgid': 'y' } })
    const [received] = stage.store.received
    expect(received?.headers['thanos-tenant']).toBe('t1')
    expect(received?.headers).not.toHaveProperty('x-scope-orgid')
  })

  test('compatibility.headers sends cortex-tenant’s two headers, which are left out otherwise', async () => {
    await using stage = await startStage({ config: { compatibility: { headers: true } } })
    await stage.push([{ tenant: 't1' }])
    const headers = stage.store.received[0]?.headers
    expect(headers?.['x-cortex-tenant-client']).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(headers?.['x-cortex-tenant-reqid']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  test('accept_all hides what the store answers, but neither bad bodies nor series without a tenant, and all is counted', async () => {
    await using stage = await startStage({ config: { tenant: { label: 'tenant', accept_all: true } } })
    for (const status of [400, 429, 500]) {
      stage.store.respond = (_received, response) => response.writeHead(status).end()
      expect((await stage.push([{ tenant: 't1' }])).status).toBe(204)
    }
    stage.store.respond = (_received, _response, request) => request.socket.destroy()
    expect((await stage.push([{ tenant: 't1' }])).status).toBe(204)
    expect((await stage.push([{ other: 't1' }])).status).toBe(400)
    expect((await stage.send(Buffer.from('no snappy'))).status).toBe(400)
    for (const [verdict, count] of [
      ['rejected', 1],
      ['throttled', 1],
      ['unreachable', 2],
    ]) {
      expect(await stage.metric(`sluice_shares_total{verdict="${verdict}"}`)).toBe(count)
    }
    expect(stage.sluice.log()).toContain('loses data')
  })
})
