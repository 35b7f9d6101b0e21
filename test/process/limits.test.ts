/** Keys that bound how much goes on at once, and how long a connection is used. */
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { held } from '../support/held.ts'
import { startStage } from '../support/stage.ts'

const push = { __name__: 'up', tenant: 'a' }

describe('concurrency', () => {
  test('is how many pushes are taken at once; one more is 503', async () => {
    await using stage = await startStage({ config: { concurrency: 2 } })
    const { respond, release, waiting } = held()
    stage.store.respond = respond
    const taken = [stage.push([push]), stage.push([{ ...push, tenant: 'b' }])]
    await eventually(() => waiting.length === 2)
    const { status, headers, body } = await stage.push([push])
    expect(status).toBe(503)
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(body).toContain('too much in flight: concurrency is 2 pushes')
    release()
    expect((await Promise.all(taken)).map(answer => answer.status)).toEqual([204, 204])
    stage.store.respond = (_received, response) => response.writeHead(204).end()
    expect((await stage.push([push])).status).toBe(204)
  })

  test('does not count connections without a push (peer: counts them)', async () => {
    await using stage = await startStage({ config: { concurrency: 1 } })
    const port = Number(stage.sluice.url.port)
    const sockets = await Promise.all(
      Array.from({ length: 5 }, () => {
        return new Promise<ReturnType<typeof connect>>(resolve => {
          const socket = connect(port, '127.0.0.1', () => resolve(socket))
        })
      }),
    )
    expect((await stage.push([push])).status).toBe(204)
    for (const socket of sockets) socket.destroy()
  })
})

describe('max_conns_per_host', () => {
  test('bounds the connections to the store; shares beyond wait and are delivered (peer: 500)', async () => {
    await using stage = await startStage({ config: { max_conns_per_host: 2 } })
    const { respond, release, waiting } = held()
    const sockets = new Set<unknown>()
    stage.store.respond = (received, response, request) => {
      sockets.add(request.socket)
      respond(received, response, request)
    }
    const tenants = Array.from({ length: 20 }, (_, i) => `t${i}`)
    const answer = stage.push(tenants.map(tenant => ({ tenant })))
    let done = 0
    while (done < tenants.length) {
      await eventually(() => waiting.length === 2)
      done += waiting.length
      release()
    }
    expect((await answer).status).toBe(204)
    expect(sockets.size).toBe(2)
    expect(stage.stored().map(({ tenant }) => tenant)).toEqual(tenants.sort())
  })
})

describe('max_connection_duration', () => {
  const ports = async (config: Record<string, unknown>, times: number) => {
    await using stage = await startStage({ config })
    const seen = new Set<number | undefined>()
    stage.store.respond = (_received, response, request) => {
      seen.add(request.socket.remotePort)
      response.writeHead(204).end()
    }
    for (let i = 0; i < times; i++) {
      expect((await stage.push([push])).status).toBe(204)
      await new Promise(resolve => setTimeout(resolve, 150))
    }
    return seen.size
  }

  test('replaces a connection to the store after that time', async () => {
    expect(await ports({ max_connection_duration: '100ms' }, 4)).toBeGreaterThan(1)
  })

  test('is unlimited by default', async () => {
    expect(await ports({}, 4)).toBe(1)
  })
})
