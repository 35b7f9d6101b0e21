import { Agent } from 'node:http'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { held } from '../support/held.ts'
import { request } from '../support/request.ts'
import { startStage } from '../support/stage.ts'

const push = { __name__: 'up', tenant: 'a' }

test('/alive and /-/ready are 503 at once, pushes are served for timeout_shutdown, then it ends with 0', async () => {
  await using stage = await startStage({ config: { timeout_shutdown: '2s' } })
  const { sluice } = stage
  const at = (path: string) => request(new URL(path, sluice.url), { method: 'GET' })
  expect((await at('/alive')).status).toBe(200)
  const ended = sluice.end('SIGTERM')
  await eventually(async () => (await at('/alive')).status === 503)
  expect((await at('/-/ready')).status).toBe(503)
  expect((await at('/-/healthy')).status).toBe(200)
  expect((await stage.push([push])).status).toBe(204)
  expect(await ended).toBe(0)
  await expect(at('/alive')).rejects.toThrow()
})

test('a push in flight is finished first, and its connection is closed', async () => {
  await using stage = await startStage()
  const { respond, release, waiting } = held()
  stage.store.respond = respond
  const agent = new Agent({ keepAlive: true })
  const answer = stage.push([push], { agent })
  await eventually(() => waiting.length === 1)
  const ended = stage.sluice.end('SIGTERM')
  // No new connection is taken any more.
  const alive = () => request(new URL('/alive', stage.sluice.url), { method: 'GET' })
  await eventually(() =>
    alive().then(
      () => false,
      () => true,
    ),
  )
  release()
  const { status, headers } = await answer
  expect({ status, connection: headers.connection }).toEqual({ status: 204, connection: 'close' })
  expect(await ended).toBe(0)
  agent.destroy()
})

test('a push that outlasts drain_timeout is 503, and that is said', async () => {
  await using stage = await startStage({ config: { drain_timeout: '300ms' } })
  stage.store.respond = () => {}
  const answer = stage.push([push])
  await eventually(() => stage.store.received.length === 1)
  expect(await stage.sluice.end('SIGTERM')).toBe(0)
  expect((await answer).status).toBe(503)
  expect(stage.sluice.log()).toContain('not delivered within drain_timeout')
})

test('a second signal ends it at once', async () => {
  await using stage = await startStage({ config: { timeout_shutdown: '60s' } })
  stage.sluice.signal('SIGTERM')
  const alive = () => request(new URL('/alive', stage.sluice.url), { method: 'GET' })
  await eventually(async () => (await alive()).status === 503)
  expect(await stage.sluice.end('SIGTERM')).toBe(143)
})

test('SIGHUP does not end it (peer: it does)', async () => {
  await using stage = await startStage()
  stage.sluice.signal('SIGHUP')
  expect((await stage.push([push])).status).toBe(204)
  stage.sluice.signal('SIGHUP')
  expect((await stage.push([push])).status).toBe(204)
})
