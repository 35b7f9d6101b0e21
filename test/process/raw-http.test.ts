import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { storeThat } from '../support/protocol-stores.ts'
import { RawConnection } from '../support/raw-connection.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { decodePush, encodePush, PUSH_HEADERS, type Series } from '../support/remote-write.ts'
import { type Splitter, startSluice } from '../support/splitter.ts'

const SERIES: readonly Series[] = ['team-a', 'team-b'].map(tenant => ({
  labels: [
    ['__name__', 'up'],
    ['tenant', tenant],
  ],
  value: 1,
  timestamp: 1_795_000_000_000,
}))
const BODY = encodePush(SERIES, '1.0')
const MAX_BODY = 1024 * 1024

let store: Receiver
let sluice: Splitter
let metricsUrl: string
let connection: RawConnection

beforeAll(async () => {
  store = await startReceiver(storeThat('knows 2.0').respond)
  const metricsPort = await freePort()
  metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`
  sluice = await startSluice({
    storeUrl: `${store.url}/push`,
    config: {
      listen_metrics_address: `127.0.0.1:${metricsPort}`,
      timeout: '500ms',
      limits: { max_body: '1MiB' },
    },
  })
})

beforeEach(async () => {
  store.received.length = 0
  connection = await RawConnection.open(sluice.url)
})

/** Whatever a connection did, the process serves the next one and holds nothing of the last. */
afterEach(async () => {
  connection.destroy()
  const next = await RawConnection.open(sluice.url)
  next.send(head({ 'content-length': BODY.length }), BODY)
  expect((await next.answer()).status).toBe(204)
  next.destroy()
  await inFlight(0)
})

afterAll(async () => {
  expect(await sluice.end('SIGTERM')).toBe(0)
  await store[Symbol.asyncDispose]()
})

describe('slow senders', () => {
  test('headers that do not end get a 408, and the connection is closed', async () => {
    connection.send('POST /push HTTP/1.1\r\nHost: sluice\r\nX-Slow: ')
    const drip = setInterval(() => connection.send('a'), 100)
    try {
      expect(await connection.answer()).toMatchObject({ status: 408, headers: { connection: 'close' } })
      await connection.end()
    } finally {
      clearInterval(drip)
    }
  })

  test('a body that does not end gets a 408, and the connection is closed', async () => {
    connection.send(head({ 'content-length': BODY.length }))
    let sent = 0
    const drip = setInterval(
      () => sent < BODY.length - 1 && connection.send(BODY.subarray(sent, ++sent)),
      100,
    )
    try {
      expect(await connection.answer()).toMatchObject({ status: 408, headers: { connection: 'close' } })
      await connection.end()
      expect(store.received).toEqual([])
    } finally {
      clearInterval(drip)
    }
  })

  test('a chunked body that does not end gets a 408, and the connection is closed', async () => {
    connection.send(head({ 'transfer-encoding': 'chunked' }), '1\r\na\r\n')
    expect(await connection.answer()).toMatchObject({ status: 408, headers: { connection: 'close' } })
    await connection.end()
    expect(store.received).toEqual([])
  })

  test('a body in many small pieces is a push like any other', async () => {
    connection.send(head({ 'content-length': BODY.length }))
    for (const byte of BODY) {
      connection.send(Uint8Array.of(byte))
      await nextTurn()
    }
    expect((await connection.answer()).status).toBe(204)
    expect(tenants()).toEqual(['team-a', 'team-b'])
  })
})

describe('pipelined pushes', () => {
  test('are answered in their order, each for itself', async () => {
    const garbage = new Uint8Array([1, 2, 3])
    connection.send(
      Buffer.concat([
        Buffer.from(head({ 'content-length': BODY.length })),
        BODY,
        Buffer.from(head({ 'content-length': garbage.length })),
        garbage,
        Buffer.from(head({ 'content-length': BODY.length })),
        BODY,
      ]),
    )
    expect((await connection.answer()).status).toBe(204)
    expect((await connection.answer()).status).toBe(400)
    expect((await connection.answer()).status).toBe(204)
    // Both were there at once, so a tenant's shares may have left together.
    expect(new Set(tenants())).toEqual(new Set(['team-a', 'team-b']))
  })
})

describe('a body whose length can be read in two ways', () => {
  const SMUGGLED = 'GET /alive HTTP/1.1\r\nHost: sluice\r\n\r\n'

  test.each([
    ['Content-Length and Transfer-Encoding', ['content-length: 4', 'transfer-encoding: chunked']],
    ['Transfer-Encoding and Content-Length', ['transfer-encoding: chunked', 'content-length: 4']],
    ['two Content-Lengths that differ', ['content-length: 4', 'content-length: 5']],
    ['two Content-Lengths that agree', ['content-length: 4', 'content-length: 4']],
    ['a list of lengths', ['content-length: 4, 4']],
    ['a negative length', ['content-length: -4']],
    ['a length with a sign', ['content-length: +4']],
    ['a length that is no number', ['content-length: 0x4']],
    ['chunked that is not last', ['transfer-encoding: chunked, identity']],
    ['an encoding nobody knows', ['transfer-encoding: xchunked']],
    ['chunked twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked']],
    ['a blank before the colon', ['content-length : 4']],
    ['a folded header', ['content-length:\r\n 4']],
  ])('%s: 400, and nothing after it is taken as a request', async (_, lines) => {
    connection.send(
      `POST /push HTTP/1.1\r\nHost: sluice\r\n${lines.join('\r\n')}\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    )
    expect(await connection.answer()).toMatchObject({ status: 400, headers: { connection: 'close' } })
    expect(await connection.end()).toBe('')
    expect(store.received).toEqual([])
  })

  test.each([
    ['a chunk size that is no number', 'x\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size beyond 64 bits', 'fffffffffffffffff\r\nabc'],
    ['a chunk without its line end', '3\r\nabcd\r\n0\r\n\r\n'],
    ['a chunk size with a sign', '-1\r\nabc'],
  ])('%s: 400', async (_, chunks) => {
    connection.send(head({ 'transfer-encoding': 'chunked' }), chunks, SMUGGLED)
    expect(await connection.answer()).toMatchObject({ status: 400, headers: { connection: 'close' } })
    expect(await connection.end()).toBe('')
    expect(store.received).toEqual([])
  })

  test('a chunked body is a push like any other', async () => {
    connection.send(head({ 'transfer-encoding': 'chunked' }))
    for (let at = 0; at < BODY.length; at += 10) {
      const chunk = BODY.subarray(at, at + 10)
      connection.send(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
    }
    connection.send('0\r\n\r\n')
    expect((await connection.answer()).status).toBe(204)
    expect(tenants()).toEqual(['team-a', 'team-b'])
  })
})

describe('a sender that leaves', () => {
  test.each(['destroy', 'reset'] as const)('in mid-body (%s): nothing is stored', async leave => {
    connection.send(head({ 'content-length': BODY.length }), BODY.subarray(0, 20))
    await inFlight(1)
    connection[leave]()
    await inFlight(0)
    expect(store.received).toEqual([])
  })

  test.each(['destroy', 'reset'] as const)(
    'before the answer (%s): its requests to the store end',
    async leave => {
      const { respond } = store
      let closed = 0
      store.respond = (_received, response) => response.once('close', () => closed++)
      try {
        connection.send(head({ 'content-length': BODY.length }), BODY)
        await until(() => store.received.length === 2)
        connection[leave]()
        await until(() => closed === 2)
        await inFlight(0)
      } finally {
        store.respond = respond
      }
    },
  )
})

describe('Expect: 100-continue', () => {
  test('is answered with 100, and after the body with 204', async () => {
    connection.send(head({ 'content-length': BODY.length, expect: '100-continue' }))
    expect((await connection.answer()).status).toBe(100)
    connection.send(BODY)
    expect((await connection.answer()).status).toBe(204)
    expect(tenants()).toEqual(['team-a', 'team-b'])
  })

  // Node answers 100 by itself, before any route sees the request, until somebody listens to `checkContinue`.
  test('of a body that is too large is answered with 413 alone', async () => {
    connection.send(head({ 'content-length': MAX_BODY + 1, expect: '100-continue' }))
    expect((await connection.answer()).status).toBe(413)
  })

  test('of something else is answered with 417', async () => {
    connection.send(head({ 'content-length': BODY.length, expect: 'miracles' }))
    expect((await connection.answer()).status).toBe(417)
  })
})

describe('early refusal', () => {
  test('a body over limits.max_body gets its 413 before it is sent, and the connection is closed', async () => {
    connection.send(head({ 'content-length': 100 * MAX_BODY }))
    expect(await connection.answer()).toMatchObject({ status: 413, headers: { connection: 'close' } })
    await connection.end()
  })

  test('a chunked body gets its 413 as soon as it is too long', async () => {
    connection.send(head({ 'transfer-encoding': 'chunked' }))
    const chunk = Buffer.alloc(256 * 1024)
    for (let sent = 0; sent < MAX_BODY; sent += chunk.length)
      connection.send(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
    // One byte too many and no more: what is unread when a socket is closed makes the kernel send a RST, which may
    // overtake the answer.
    connection.send('1\r\na')
    expect(await connection.answer()).toMatchObject({ status: 413, headers: { connection: 'close' } })
    await connection.end()
  })

  test('an encoding that is not taken gets its 415 before the body is sent', async () => {
    connection.send(head({ 'content-length': BODY.length, 'content-encoding': 'gzip' }))
    expect((await connection.answer()).status).toBe(415)
  })

  test('a short refused body is read, and the connection serves on', async () => {
    connection.send(head({ 'content-length': BODY.length, 'content-encoding': 'gzip' }), BODY)
    expect((await connection.answer()).status).toBe(415)
    connection.send(head({ 'content-length': BODY.length }), BODY)
    expect((await connection.answer()).status).toBe(204)
  })
})

describe('what a push says it is', () => {
  const MESSAGES = { '1.0': BODY, '2.0': encodePush(SERIES, '2.0') } as const
  const V1 = 'proto=prometheus.WriteRequest'
  const V2 = 'proto=io.prometheus.write.v2.Request'

  /** Sends exactly these header lines, and a body of that protocol. */
  const say = async (protocol: keyof typeof MESSAGES, ...lines: readonly string[]) => {
    const body = MESSAGES[protocol]
    const head = ['POST /push HTTP/1.1', 'Host: sluice', `Content-Length: ${body.length}`, ...lines, '', '']
    connection.send(head.join('\r\n'), body)
    return connection.answer()
  }

  test.each([
    ['1.0', []],
    ['1.0', ['Content-Type: ']],
    ['1.0', ['Content-Type: application/x-protobuf']],
    ['1.0', ['CONTENT-TYPE:application/x-protobuf', 'CONTENT-ENCODING:snappy']],
    ['1.0', [`Content-Type: application/x-protobuf;${V1}`, 'Content-Encoding: snappy']],
    ['1.0', [`Content-Type: Application/X-Protobuf ; charset=utf-8 ; Proto = "prometheus.WriteRequest"`]],
    ['1.0', ['Content-Type: application/x-protobuf', 'X-Prometheus-Remote-Write-Version: 2.0.0']],
    ['1.0', ['Content-Encoding: SNAPPY\t']],
    ['1.0', ['Content-Encoding: ']],
    ['2.0', [`Content-Type: application/x-protobuf;${V2}`, 'Content-Encoding: snappy']],
    ['2.0', [`Content-Type: application/x-protobuf;${V2}`]],
    ['2.0', [`Content-Type:\tapplication/x-protobuf\t;\t${V2}\t`]],
    ['2.0', [`Content-Type: APPLICATION/X-PROTOBUF; version=1; ${V2.replace('proto', 'PROTO')}`]],
    ['2.0', [`Content-Type: application/x-protobuf;${V2}`, 'X-Prometheus-Remote-Write-Version: 0.1.0']],
  ] as const)('remote write %s as %j: 204 without a body', async (protocol, lines) => {
    const answer = await say(protocol, ...lines)
    expect(answer).toMatchObject({ status: 204, body: '' })
    expect(Object.keys(answer.headers)).not.toContain('content-type')
    expect(tenants()).toEqual(['team-a', 'team-b'])
  })

  test.each([
    ['Content-Type: application/json'],
    ['Content-Type: application/x-protobuf;proto=io.prometheus.write.v3.Request'],
    ['Content-Type: application/x-protobuf;proto='],
    ['Content-Type: application/x-protobuf;proto'],
    [`Content-Type: application/x-protobuf;${V1};${V2}`],
    [`Content-Type: application/x-protobuf,application/x-protobuf;${V2}`],
    ['Content-Type: text'],
    ['Content-Type: \xff'],
    ['Content-Encoding: gzip'],
    ['Content-Encoding: deflate'],
    ['Content-Encoding: br'],
    ['Content-Encoding: identity'],
    ['Content-Encoding: x-snappy-framed'],
    ['Content-Encoding: snappy', 'Content-Encoding: gzip'],
    [`Content-Type: application/x-protobuf;${V2}`, 'Content-Encoding: gzip'],
    [`Content-Type: application/x-protobuf;${V2}`, 'Content-Encoding: zstd'],
  ])('%j, %j: exactly 415, and nothing is stored', async (...lines) => {
    for (const protocol of ['1.0', '2.0'] as const) {
      expect((await say(protocol, ...lines.filter(line => line !== undefined))).status).toBe(415)
    }
    expect(store.received).toEqual([])
  })

  test.each([
    ['2.0', 'application/x-protobuf'],
    ['2.0', `application/x-protobuf;${V1}`],
    ['1.0', `application/x-protobuf;${V2}`],
  ] as const)('a body of %s as %s is the other message: 400 that says so', async (protocol, type) => {
    const { status, body } = await say(protocol, `Content-Type: ${type}`)
    expect(status).toBe(400)
    expect(body).toMatch(/a field of remote write \d\.0 in a \d\.0 message/)
    expect(body).toContain('Content-Type')
    expect(store.received).toEqual([])
  })
})

describe('heads', () => {
  test('of more than 16 KiB get a 431', async () => {
    connection.send(`POST /push HTTP/1.1\r\nHost: sluice\r\nX-Large: ${'a'.repeat(17 * 1024)}\r\n\r\n`)
    expect(await connection.answer()).toMatchObject({ status: 431, headers: { connection: 'close' } })
    await connection.end()
  })

  test.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a NUL in a header', 'POST /push HTTP/1.1\r\nHost: sluice\r\nX-A: a\0b\r\n\r\n'],
    ['no Host', 'POST /push HTTP/1.1\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2 by its preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%s: 400', async (_, text) => {
    connection.send(text)
    expect((await connection.answer()).status).toBe(400)
    await connection.end()
  })
})

function head(headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries({ host: 'sluice', ...PUSH_HEADERS['1.0'], ...headers })
  return `POST /push HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** The tenant of each series that the store got, sorted; shares of several pushes may have left together. */
function tenants(): readonly (string | undefined)[] {
  return store.received
    .flatMap(({ headers, body }) => {
      const protocol = headers['content-type']?.includes('v2') ? '2.0' : '1.0'
      return decodePush(body, protocol).map(() => headers['x-scope-orgid'] as string)
    })
    .toSorted()
}

/** Waits until Sluice itself says that so many pushes are in flight. */
async function inFlight(pushes: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(metricsUrl)).text()
    const bytes = /^sluice_in_flight_bytes (\d+)$/m.exec(text)?.[1]
    if (text.includes(`\nsluice_in_flight_pushes ${pushes}\n`) && (pushes > 0 || bytes === '0')) return
    await sleep(20)
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}
