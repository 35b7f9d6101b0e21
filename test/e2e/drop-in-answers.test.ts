/** What the titles of test/process/answers.test.ts say of cortex-tenant, asked of cortex-tenant itself. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ANSWER_CASES, answerByTenant, BODY_CASES } from '../support/answer-cases.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { bodyOf } from '../support/stage.ts'
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
