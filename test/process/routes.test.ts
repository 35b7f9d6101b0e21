/** The HTTP surface. Where cortex-tenant answers otherwise, its answer stands in the title. */
import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { request, talk } from '../support/request.ts'
import { bodyOf, type Stage, startStage } from '../support/stage.ts'

const BODY = bodyOf([{ __name__: 'up', tenant: 'a' }])
const LENGTH = `Content-Length: ${BODY.length}\r\n`

let stage: Stage
beforeAll(async () => {
  stage = await startStage({ config: { timeout: '1s', idle_timeout: '1s', tenant: { label: 'tenant' } } })
})
afterAll(() => stage[Symbol.asyncDispose]())

const at = (path: string) => new URL(path, stage.sluice.url)

/** Sends a request of these head lines and this body over a socket of its own; `Connection: close` is added. */
async function raw(head: readonly string[], body: Uint8Array = BODY): Promise<string> {
  const lines = [...head, 'Host: sluice', 'Connection: close']
  return await talk(
    Number(stage.sluice.url.port),
    Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]),
  )
}
const statusOf = (text: string) => Number(text.split(' ')[1])

describe('a push', () => {
  test.each([
    ['/push', 204],
    ['//push', 204],
    ['/push?source=a', 204],
    ['/%70ush', 204],
    ['/api/v1/push', 204],
    ['/api/v1/write', 204],
    ['/api/prom/push', 204],
    ['/api/v1/receive', 204],
    ['/prometheus/api/v1/write', 204],
    ['/prometheus/api/v1/push', 204],
    ['/insert/multitenant/prometheus', 204],
    ['/insert/multitenant/prometheus/', 204],
    ['/insert/multitenant/prometheus/api/v1/write', 204],
    ['/insert/multitenant/prometheus/api/v1/push', 204],
    ['/insert/0/prometheus', 204],
    ['/insert/0/prometheus/', 204],
    ['/insert/0/prometheus/api/v1/write', 204],
    ['/insert/0/prometheus/api/v1/push', 204],
    // A number would name a tenant that the labels contradict.
    ['/insert/1/prometheus/api/v1/write', 404],
    ['/insert/0:0/prometheus/api/v1/write', 404],
    ['/insert/multitenant/prometheus/api/v1/write/', 404],
    ['/insert/multitenant/prometheus/api/v1/import', 404],
    ['/api/v1/receive/', 404],
    ['/push/', 404],
    ['/Push', 404],
    ['/push;a', 404],
    ['/nothing', 404],
    ['/', 404],
    // The peer resolves dots, ours does not: no sender sends them.
    ['/./push', 404],
  ])('to %s is %i', async (path, status) => {
    expect(statusOf(await raw([`POST ${path} HTTP/1.1`, LENGTH.trim()]))).toBe(status)
  })

  test('may come in chunks', async () => {
    const chunked = Buffer.concat([
      Buffer.from(`${BODY.length.toString(16)}\r\n`),
      BODY,
      Buffer.from('\r\n0\r\n\r\n'),
    ])
    expect(statusOf(await raw(['POST /push HTTP/1.1', 'Transfer-Encoding: chunked'], chunked))).toBe(204)
  })

  test('may ask before it sends its body', async () => {
    const answer = await raw(['POST /push HTTP/1.1', LENGTH.trim(), 'Expect: 100-continue'])
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204 No Content\r\n/)
  })

  test('may be HTTP/1.0', async () => {
    expect(statusOf(await raw(['POST /push HTTP/1.0', LENGTH.trim()]))).toBe(204)
  })

  test('whose body does not come in time is 408', async () => {
    const answer = await raw(['POST /push HTTP/1.1', 'Content-Length: 99'], Buffer.from('xxxx'))
    expect(statusOf(answer)).toBe(408)
    expect(answer).toContain('the body did not arrive within timeout (1 s)')
  })

  test('whose head does not come in time is 408', async () => {
    expect(statusOf(await talk(Number(stage.sluice.url.port), 'POST /push HTTP/1.1\r\nHost: sl'))).toBe(408)
  })

  test('is answered over a connection that goes on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const answers = [await stage.send(BODY, { agent }), await stage.send(BODY, { agent })]
    agent.destroy()
    expect(answers.map(({ status, headers }) => [status, headers.connection])).toEqual([
      [204, 'keep-alive'],
      [204, 'keep-alive'],
    ])
  })
})

test('a connection that stays silent for idle_timeout is closed', async () => {
  const answer = await talk(
    Number(stage.sluice.url.port),
    Buffer.concat([Buffer.from(`POST /push HTTP/1.1\r\nHost: sluice\r\n${LENGTH}\r\n`), BODY]),
  )
  expect(answer).toMatch(/^HTTP\/1\.1 204 /)
  expect(answer).toMatch(/Keep-Alive: timeout=1\r\n/i)
})

describe('another request', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])('%s /alive is 200', async method => {
    expect(await request(at('/alive'), { method })).toMatchObject({ status: 200, body: '' })
  })

  test.each([
    ['GET', '/-/healthy', 200],
    ['GET', '/-/ready', 200],
  ])('%s %s is %i', async (method, path, status) => {
    expect((await request(at(path), { method })).status).toBe(status)
  })

  test.each([
    ['GET', '/push', 'POST'],
    ['PUT', '/api/v1/push', 'POST'],
    ['GET', '/loki/push', 'POST'],
    ['POST', '/-/ready', 'GET, HEAD'],
  ])('%s %s is 405 and names %s (peer: 400 "Expecting POST")', async (method, path, allow) => {
    const { status, headers } = await request(at(path), { method })
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow })
  })

  test('GET of an unknown path is 404 (peer: 400 "Expecting POST")', async () => {
    expect((await request(at('/nothing'), { method: 'GET' })).status).toBe(404)
  })

  test('POST /loki/push is 501 with a sentence', async () => {
    const { status, body } = await request(at('/loki/push'), { body: BODY })
    expect({ status, body }).toEqual({
      status: 501,
      body: 'Loki streams are not split here. Send Loki streams to the store directly.\n',
    })
  })

  test('/metrics is served at its own address alone', async () => {
    expect((await request(at('/metrics'), { method: 'GET' })).status).toBe(404)
    const { status, body } = await request(stage.sluice.metricsUrl, { method: 'GET' })
    expect(status).toBe(200)
    expect(body).toContain('sluice_build_info')
  })

  test('profiles are served nowhere (peer: at the metrics address, unasked)', async () => {
    expect((await request(new URL('/debug/pprof/', stage.sluice.metricsUrl), { method: 'GET' })).status).toBe(
      404,
    )
  })
})
