import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PassedOn, type PassOnOptions, passedOn } from '../../../src/ingress/passed-on.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

let hear: (request: IncomingMessage) => void
const server = createServer((request, response) => {
  hear(request)
  response.end()
})
beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise(resolve => server.close(resolve)))

/** What goes on of a request with these header lines. */
async function of(lines: readonly string[], changes: Partial<PassOnOptions> = {}): Promise<PassedOn> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const out = await new Promise<PassedOn>(resolve => {
    hear = request =>
      resolve(
        passedOn(request, {
          userAgent: 'Sluice/1.2.3',
          forwardHeaders: [],
          compatibilityHeaders: false,
          requestId: () => 'id',
          ...changes,
        }),
      )
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`, 'latin1')
  })
  socket.destroy()
  return out
}

describe('of a sender’s headers', () => {
  test('nothing goes on unless it is allowed', async () => {
    const lines = [
      'Authorization: Bearer x',
      'X-Scope-OrgID: other',
      'Cookie: a=b',
      'X-Forwarded-For: 1.1.1.1',
    ]
    expect(await of(lines)).toEqual({ headers: { 'user-agent': 'Sluice/1.2.3' }, forwarded: '' })
  })

  test('its name goes on behind ours', async () => {
    const { headers } = await of(['User-Agent: Prometheus/3.5.0'])
    expect(headers['user-agent']).toBe('Sluice/1.2.3 Prometheus/3.5.0')
  })

  test.each([
    ['too long', 'x'.repeat(201)],
    ['no ASCII', 'Prom\xe9theus'],
  ])('a name that is %s does not', async (_, name) => {
    expect((await of([`User-Agent: ${name}`])).headers['user-agent']).toBe('Sluice/1.2.3')
  })

  test.each([
    ['3', '3'],
    ['0', '0'],
    ['999999', '999999'],
    ['1000000', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['one', undefined],
  ])('Retry-Attempt %s goes on as %s', async (sent, passed) => {
    expect((await of([`Retry-Attempt: ${sent}`])).headers['retry-attempt']).toBe(passed)
  })

  test.each([
    [TRACE, TRACE],
    [TRACE.toUpperCase(), undefined],
    [`${TRACE}-more`, undefined],
    ['00-1-2-3', undefined],
  ])('traceparent %s goes on as %s', async (sent, passed) => {
    expect((await of([`traceparent: ${sent}`])).headers.traceparent).toBe(passed)
  })

  test('those that are configured go on as they are, and tell pushes apart', async () => {
    const forwardHeaders = ['authorization', 'x-team']
    const both = await of(['Authorization: Basic eDp5', 'X-Team: red'], { forwardHeaders })
    expect(both.headers).toMatchObject({ authorization: 'Basic eDp5', 'x-team': 'red' })
    const one = await of(['Authorization: Basic eDp5'], { forwardHeaders })
    expect(one.headers).not.toHaveProperty('x-team')
    const other = await of(['X-Team: Basic eDp5'], { forwardHeaders })
    const again = await of(['X-Team: red', 'Authorization: Basic eDp5'], { forwardHeaders })
    expect(again.forwarded).toBe(both.forwarded)
    expect(new Set([both.forwarded, one.forwarded, other.forwarded]).size).toBe(3)
    // A reload may put them in another order.
    const turned = await of(['Authorization: red', 'X-Team: Basic eDp5'], {
      forwardHeaders: ['x-team', 'authorization'],
    })
    expect(turned.forwarded).not.toBe(both.forwarded)
  })

  test('cortex-tenant’s own are made where they are asked for', async () => {
    const { headers } = await of(['X-Cortex-Tenant-Client: liar'], { compatibilityHeaders: true })
    expect(headers['x-cortex-tenant-client']).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(headers['x-cortex-tenant-reqid']).toBe('id')
  })
})
