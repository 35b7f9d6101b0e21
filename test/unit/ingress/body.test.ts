import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/errors.ts'
import { type BodyLimits, contentLengthOf, readBody } from '../../../src/ingress/body.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A server that reads one body with these limits; `outcome` is what came of it. */
async function reader(limits: Partial<BodyLimits> = {}) {
  const outcome = Promise.withResolvers<{ body?: Uint8Array<ArrayBuffer>; code?: string; message?: string }>()
  let seen: IncomingMessage | undefined
  const server = createServer(async (incoming, response) => {
    seen = incoming
    try {
      outcome.resolve({ body: await readBody(incoming, { maxBytes: 100, timeoutMs: 5000, ...limits }) })
    } catch (error) {
      const { code, message } = error as SluiceError
      outcome.resolve(error instanceof SluiceError ? { code, message } : { message: String(error) })
    }
    response.setHeader('connection', 'close')
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, outcome: outcome.promise, request: () => seen }
}

function post(port: number, headers: Record<string, string | number>, chunks: readonly string[], end = true) {
  const sent = request({ host: '127.0.0.1', port, method: 'POST', headers })
  sent.on('error', () => {})
  sent.flushHeaders()
  for (const chunk of chunks) sent.write(chunk)
  if (end) sent.end()
  cleanups.push(() => sent.destroy())
  return sent
}

describe('a body', () => {
  test('of known length is returned in memory of its own', async () => {
    const { port, outcome } = await reader()
    post(port, { 'content-length': 6 }, ['abc', 'def'])
    const { body } = await outcome
    expect(Buffer.from(body ?? []).toString()).toBe('abcdef')
    expect(body?.buffer.byteLength).toBe(6)
  })
  test('in chunks is returned in memory of its own', async () => {
    const { port, outcome } = await reader()
    post(port, { 'transfer-encoding': 'chunked' }, ['abc', 'def'])
    const { body } = await outcome
    expect(Buffer.from(body ?? []).toString()).toBe('abcdef')
    expect(body?.buffer.byteLength).toBe(6)
  })
  test('in chunks that outgrow the memory for them is returned whole, in memory of its own', async () => {
    const { port, outcome } = await reader({ maxBytes: 300_000 })
    const chunks = Array.from({ length: 3000 }, (_, i) => String(i).padStart(1 + (i % 180), '.'))
    post(port, { 'transfer-encoding': 'chunked' }, chunks)
    const { body } = await outcome
    expect(Buffer.from(body ?? []).toString()).toBe(chunks.join(''))
    expect(body?.buffer.byteLength).toBe(chunks.join('').length)
  })
  test('may be as long as the limit', async () => {
    const { port, outcome } = await reader({ maxBytes: 6 })
    post(port, { 'transfer-encoding': 'chunked' }, ['abc', 'def'])
    expect((await outcome).body).toHaveLength(6)
  })
  test('that says it is too long is refused unread', async () => {
    const { port, outcome, request: seen } = await reader()
    post(port, { 'content-length': 1_000_001 }, [], false)
    expect(await outcome).toEqual({
      code: 'body_too_large',
      message: '1,000,001 bytes, limits.max_body is 100 bytes',
    })
    expect(seen()?.readableFlowing).not.toBe(true)
  })
  test('in chunks that becomes too long is refused there', async () => {
    const { port, outcome } = await reader()
    post(port, { 'transfer-encoding': 'chunked' }, ['x'.repeat(60), 'x'.repeat(60)], false)
    expect(await outcome).toMatchObject({ code: 'body_too_large' })
  })
  test.each([{ 'content-length': 0 }, { 'transfer-encoding': 'chunked' }])(
    'that is empty (%j) is refused',
    async headers => {
      const { port, outcome } = await reader()
      post(port, headers, [])
      expect(await outcome).toMatchObject({ code: 'body_empty' })
    },
  )
  test('that does not come is refused in time', async () => {
    const { port, outcome } = await reader({ timeoutMs: 50 })
    post(port, { 'content-length': 10 }, ['abc'], false)
    expect(await outcome).toEqual({
      code: 'slow_request',
      message: 'the body did not arrive within timeout (0.05 s)',
    })
  })
  test('whose sender leaves is given up', async () => {
    const { port, outcome } = await reader()
    const socket = connect(port, '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc', () => socket.destroy())
    expect(await outcome).toMatchObject({ code: 'client_gone' })
  })
})

test('a chunked request has no length, whatever else it says', () => {
  const headers = { 'content-length': '5', 'transfer-encoding': 'chunked' }
  expect(contentLengthOf({ headers } as unknown as IncomingMessage)).toBeUndefined()
})
