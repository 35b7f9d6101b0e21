/** How the tenant of a series is found and spelled. Each row of the first table is a configuration, so a process. */
import { describe, expect, test } from 'vitest'
import { message, metadata, series } from '../support/messages.ts'
import { compressed, startStage } from '../support/stage.ts'
import { concat } from '../support/wire.ts'

type LabelSet = Readonly<Record<string, string>>
interface Row {
  readonly title: string
  readonly tenant: Readonly<Record<string, unknown>>
  readonly metadata?: true
  readonly headers?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Labels of one series → the tenant it went to, and the labels it had there; undefined where it went nowhere. */
  readonly cases: readonly (readonly [labels: LabelSet, tenant: string | undefined, stored?: LabelSet])[]
}

const BOTH = { label_list: ['tenant', 'namespace'] }

const ROWS: readonly Row[] = [
  {
    title: 'by default the label is __tenant__, it stays, and there is no default tenant',
    tenant: {},
    cases: [
      [{ a: '1', __tenant__: 't1' }, 't1'],
      [{ a: '1', tenant: 't1' }, undefined],
      [{ a: '1', __tenant__: '' }, undefined],
    ],
  },
  {
    title:
      'label_remove removes the label and keeps the order of the others; the default tenant’s series stay as they are',
    tenant: { label: 'tenant', label_remove: true, default: 'other' },
    cases: [
      [{ z: '1', tenant: 't1', a: '2' }, 't1', { z: '1', a: '2' }],
      [{ z: '1', a: '2' }, 'other'],
      [{ z: '1', tenant: '', a: '2' }, 'other'],
    ],
  },
  {
    title: 'prefix stands before every tenant, the default one and that of metadata included',
    tenant: { label: 'tenant', prefix: 'p-', default: 'other' },
    metadata: true,
    cases: [
      [{ a: '1', tenant: 't1' }, 'p-t1'],
      [{ a: '1' }, 'p-other'],
    ],
  },
  {
    title: 'prefix_prefer_source puts the sender’s tenant header in the place of the prefix',
    tenant: { label: 'tenant', prefix: 'p-', prefix_prefer_source: true },
    headers: { 'x-scope-orgid': 'source' },
    cases: [[{ a: '1', tenant: 't1' }, 'source-t1']],
  },
  {
    title: 'prefix_prefer_source leaves the prefix where the sender says nothing',
    tenant: { label: 'tenant', prefix: 'p-', prefix_prefer_source: true },
    headers: { 'x-scope-orgid': '' },
    cases: [[{ a: '1', tenant: 't1' }, 'p-t1']],
  },
  {
    title: 'of a label_list the first in the series’ own order wins (as the peer 2), and only it is removed',
    tenant: { ...BOTH, label: 'ignored', label_remove: true },
    cases: [
      [{ namespace: 'ns1', tenant: 't1' }, 'ns1', { tenant: 't1' }],
      [{ tenant: 't1', namespace: 'ns1' }, 't1', { namespace: 'ns1' }],
      [{ a: '1', tenant: 't1' }, 't1', { a: '1' }],
      [{ a: '1', ignored: 't1' }, undefined],
      // An empty value counts as missing, without a look at the other label.
      [{ namespace: '', tenant: 't1' }, undefined],
    ],
  },
  {
    title: 'label_precedence series_last takes the last (as the peer 1)',
    tenant: { ...BOTH, label_precedence: 'series_last' },
    cases: [
      [{ namespace: 'ns1', tenant: 't1' }, 't1'],
      [{ tenant: 't1', namespace: 'ns1' }, 'ns1'],
    ],
  },
  {
    title: 'label_precedence config takes the first of the list that has a value',
    tenant: { ...BOTH, label_precedence: 'config' },
    cases: [
      [{ namespace: 'ns1', tenant: 't1' }, 't1'],
      [{ namespace: 'ns1', tenant: '' }, 'ns1'],
    ],
  },
  {
    title: 'CT_ variables override the file, and empty ones do not',
    tenant: { label: 'tenant', default: 'other' },
    env: { CT_TENANT_LABEL_LIST: 'x,y', CT_TENANT_DEFAULT: '', CT_TENANT_LABEL_REMOVE: 'true' },
    cases: [
      [{ x: '1', tenant: 't1' }, '1', { tenant: 't1' }],
      [{ tenant: 't1' }, 'other'],
    ],
  },
]

describe('in a real process', () => {
  test.each(ROWS)('$title', async row => {
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
