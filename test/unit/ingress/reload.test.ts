import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { registerReload } from '../../../src/ingress/reload.ts'
import { createMetricsServer } from '../../../src/telemetry/metrics-server.ts'

function metricsServer() {
  const refused: string[] = []
  let reloads = 0
  const server = createMetricsServer(new Registry())
  const reload = async () => {
    reloads++
    return { ok: true, restart: [] } as const
  }
  registerReload(server, reload, code => refused.push(code))
  const ask = async (headers: Record<string, string>, payload = '', method: 'POST' | 'PUT' = 'POST') => {
    const { statusCode } = await server.inject({ method, url: '/-/reload', headers, payload })
    return { status: statusCode, reloads, refused }
  }
  return { ask }
}

test.each([
  ['application/x-www-form-urlencoded', ''], // curl -d ''
  ['application/x-www-form-urlencoded', 'a=b'],
  ['application/json', '{'],
  ['text/plain', 'x'],
  ['a/b', 'x'],
])('at the metrics address a reload may have a body of any type: %s, %j', async (type, body) => {
  const { ask } = metricsServer()
  expect(await ask({ 'content-type': type }, body)).toEqual({ status: 200, reloads: 1, refused: [] })
})

test('another method is refused and counted', async () => {
  const { ask } = metricsServer()
  expect(await ask({}, '', 'PUT')).toEqual({ status: 405, reloads: 0, refused: ['method_not_allowed'] })
})

test('a reload that somebody else asks for is refused and counted', async () => {
  const { ask } = metricsServer()
  expect(await ask({ 'x-forwarded-for': '10.0.0.1' })).toEqual({
    status: 403,
    reloads: 0,
    refused: ['not_local'],
  })
})
