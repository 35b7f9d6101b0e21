/** What test/process says of cortex-tenant's answers and tenants, asked of cortex-tenant itself. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ANSWER_CASES, answerByTenant, BODY_CASES } from '../support/answer-cases.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { decodePush } from '../support/remote-write.ts'
import { request } from '../support/request.ts'
import { bodyOf } from '../support/stage.ts'
import { TENANT_CASES } from '../support/tenant-cases.ts'
import { describeWith } from './peers/found.ts'
import { type Splitter, startCortexTenant } from './peers/splitter.ts'

describeWith('cortex-tenant’s answer to a push', ['cortexTenant'], binaries => {
  let store: Receiver
  let peer: Splitter
  beforeAll(async () => {
    store = await startReceiver(answerByTenant)
    const config = { target: `${store.url}/push`, timeout: '500ms', tenant: { label: 'tenant' } }
    peer = await startCortexTenant(binaries.cortexTenant, { config })
  })
  afterAll(async () => {
    await peer.stop('SIGKILL')
    await store[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    store.received.length = 0
  })
  const sent = () => store.received.map(({ headers }) => headers['x-scope-orgid']).sort()

  test.each(ANSWER_CASES)('of $tenants is $peer', async one => {
    const body = bodyOf(one.tenants.map(tenant => ({ __name__: 'up', tenant })))
    expect((await request(peer.pushUrl, { body })).status).toBe(one.peer)
    expect(sent()).toEqual([...one.tenants].sort())
  })

  test.each(BODY_CASES)('of $what is $peer', async one => {
    expect((await request(peer.pushUrl, { body: one.body })).status).toBe(one.peer)
    expect(sent()).toEqual(one.sentByPeer)
  })
})

describeWith('cortex-tenant’s choice of a tenant', ['cortexTenant'], binaries => {
  const shared = TENANT_CASES.filter(({ tenant }) => !('label_precedence' in tenant))
  test.each(shared)('$title', async ({ tenant, cases, headers = {}, env = {} }) => {
    await using store = await startReceiver()
    const config = { target: `${store.url}/push`, tenant }
    const peer = await startCortexTenant(binaries.cortexTenant, { config, env })
    for (const [labels, name, stored = labels] of cases) {
      const { status } = await request(peer.pushUrl, { body: bodyOf([labels]), headers })
      expect(status, JSON.stringify(labels)).toBe(name === undefined ? 400 : 204)
      const shares = store.received.splice(0).map(it => ({
        tenant: it.headers['x-scope-orgid'],
        labels: decodePush(it.body, '1.0').map(series => series.labels),
      }))
      expect(shares).toEqual(name === undefined ? [] : [{ tenant: name, labels: [Object.entries(stored)] }])
    }
    await peer.stop('SIGKILL')
  })
})
