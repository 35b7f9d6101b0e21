/** Where a share goes: the store's address, and the tenant in its path. */
import { lookup } from 'node:dns/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { type Sluice, startSluice } from '../support/splitter.ts'
import { bodyOf } from '../support/stage.ts'

const pushTo = (sluice: Sluice, tenants: readonly string[]) =>
  request(sluice.url, { body: bodyOf(tenants.map(tenant => ({ __name__: 'up', tenant }))) })

describe('a target with {tenant}', () => {
  let store: Receiver
  let sluice: Sluice
  beforeAll(async () => {
    store = await startReceiver()
    const target = `${store.url}/insert/{tenant}/prometheus/api/v1/write?source=sluice`
    sluice = await startSluice({
      storeUrl: target,
      config: { tenant: { label: 'tenant', format: 'victoriametrics' } },
    })
  })
  afterAll(async () => {
    await sluice.end('SIGKILL')
    await store[Symbol.asyncDispose]()
  })
  const paths = () => store.received.splice(0).map(({ path }) => path)

  test('puts the tenant there, in the one way that the store writes it, and sends no header', async () => {
    expect((await pushTo(sluice, ['7', '007', '7:0', '4294967295:1'])).status).toBe(204)
    const headers = store.received.map(it => Object.keys(it.headers))
    expect(headers.flat()).not.toContain('x-scope-orgid')
    expect(paths().sort()).toEqual([
      '/insert/4294967295:1/prometheus/api/v1/write?source=sluice',
      '/insert/7/prometheus/api/v1/write?source=sluice',
    ])
  })

  test.each([
    ...[
      '..',
      '.',
      '1/2',
      '1/../2',
      '%31',
      '%2e%2e',
      '1%2f2',
      '1?a=b',
      '1#',
      '1\\2',
      '//host/1',
      'http://host/',
      ' 1',
    ],
    ...[
      '1 ',
      '-1',
      '+1',
      '1.0',
      '1e3',
      '0x1',
      '1:',
      ':1',
      '1:2:3',
      '4294967296',
      '1:4294967296',
      '١',
      'multitenant',
      '1\r\n',
    ],
  ])('sends nothing for the tenant %j', async tenant => {
    const { status, body } = await pushTo(sluice, [tenant, '1'])
    expect(status).toBe(400)
    expect(body).toContain('1 with an invalid tenant')
    expect(paths()).toEqual(['/insert/1/prometheus/api/v1/write?source=sluice'])
  })
})

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(it => it.address === '::1'))

test.skipIf(!hasIpv6)('a store is reached over IPv6 with enable_ipv6, and by a name only then', async () => {
  const store = createServer((incoming, response) => {
    incoming.resume().on('end', () => response.writeHead(204).end())
  })
  await new Promise<void>(resolve => store.listen(0, '::1', resolve))
  const { port } = store.address() as AddressInfo
  const statusBy = async (host: string, enabled: boolean) => {
    const storeUrl = `http://${host}:${port}/api/v1/push`
    const sluice = await startSluice({ storeUrl, config: { enable_ipv6: enabled } })
    const { status } = await pushTo(sluice, ['a'])
    await sluice.end('SIGKILL')
    return status
  }
  expect(await statusBy('[::1]', true)).toBe(204)
  // Not every machine has a name for ::1.
  const name = await nameOfLoopback()
  if (name !== undefined)
    expect([await statusBy(name, false), await statusBy(name, true)]).toEqual([503, 204])
  store.closeAllConnections()
  await new Promise(resolve => store.close(resolve))
})

async function nameOfLoopback(): Promise<string | undefined> {
  for (const name of ['localhost', 'ip6-localhost']) {
    const found = await lookup(name, { family: 6 }).catch(() => undefined)
    if (found?.address === '::1') return name
  }
  return undefined
}
