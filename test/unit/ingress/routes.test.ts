import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createConnections } from '../../../src/ingress/connection.ts'
import { registerRoutes } from '../../../src/ingress/routes.ts'
import { createServer } from '../../../src/ingress/server.ts'
import type { Door } from '../../../src/push/pipeline.ts'
import type { Answer } from '../../../src/share/answer.ts'
import { talk } from '../../support/request.ts'

const refused: string[] = []
const server = createServer({
  idleTimeoutMs: 1000,
  timeoutMs: 1000,
  maxConnections: 10,
  tls: undefined,
  refused: code => refused.push(code),
})
const DONE: Answer = { status: 204, code: undefined, retryAfterSeconds: undefined, body: '', headers: {} }
/** Of pushes, the path that each came by. */
const came: string[] = []
const door: Door =
  () =>
  async ({ identity }) => {
    came.push(identity.route)
    return DONE
  }

beforeAll(async () => {
  registerRoutes(server, {
    take: () => ({
      ingress: {
        maxBodyBytes: 1000,
        timeoutMs: 1000,
        prefixHeader: undefined,
        passOn: { userAgent: 'test', forwardHeaders: [], compatibilityHeaders: false },
        doors: new Map(['/push', '/team-a/push', '/a:b'].map(path => [path, door])),
      },
      release() {},
    }),
    refused: code => refused.push(code),
    readiness: { ready: () => true, stopping: () => false },
    connectionOf: createConnections({ maxAgeMs: () => 0, now: () => 0, random: () => 0 }),
    halt: new AbortController().signal,
    reload: async () => ({ ok: true, restart: [] }),
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())
beforeEach(() => {
  refused.length = 0
  came.length = 0
})

async function post(path: string) {
  const { port } = server.server.address() as AddressInfo
  const text = await talk(
    port,
    `POST ${path} HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx`,
  )
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body, came, refused }
}

describe('a push by an escaped path is one by the path that it stands for', () => {
  test.each([
    ['/%70ush', '/push'],
    ['/team-a/push', '/team-a/push'],
    ['/team%2Da/push', '/team-a/push'],
    ['/team%2da//%70ush?%zz', '/team-a/push'],
    ['/a%3Ab', '/a:b'],
  ])('%s', async (path, meant) => {
    expect(await post(path)).toMatchObject({ status: 204, came: [meant], refused: [] })
  })
})

test.each(['/team-a%2Fpush', '/team%252Da/push', '/%2e/team-a/push'])('%s is another path', async path => {
  expect(await post(path)).toMatchObject({ status: 404, came: [], refused: ['not_found'] })
})

test.each(['/%zz', '/push%', '/team%2/push', '/%ff'])('%s is malformed: 400, said in words', async path => {
  const { status, body, came: pushes, refused: codes } = await post(path)
  expect({ status, pushes, codes }).toEqual({ status: 400, pushes: [], codes: ['bad_request'] })
  expect(body).toBe(`'${path}' is not a valid url component. Send a well-formed HTTP/1.1 request.\n`)
})
