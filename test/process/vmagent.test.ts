/** vmagent as it was recorded: its own protocol is remote write 1.0 in zstd, and it falls back to snappy by itself. */
import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeMessage, type SeriesSeen, unsnappy } from '../support/decode.ts'
import { answerWith } from '../support/receiver.ts'
import { compressed, type Stage, startStage } from '../support/stage.ts'

const PUSHES = ['zstd/015', 'zstd/022', 'snappy/030', 'snappy/036'].map(recorded)
const ZSTD = PUSHES.slice(0, 2)
const [FIRST] = ZSTD as [Recorded]

interface Recorded {
  readonly name: string
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
  /** The decoded message. */
  readonly message: Uint8Array
}

function recorded(name: string): Recorded {
  const at = new URL(`../fixtures/vmagent-1.150/${name}`, import.meta.url).pathname
  const body = readFileSync(`${at}.bin`)
  const {
    headers: { 'content-length': _, ...headers },
  } = JSON.parse(readFileSync(`${at}.headers.json`, 'utf8')) as Recorded
  const message = headers['content-encoding'] === 'zstd' ? zstdDecompressSync(body) : unsnappy(body)
  return { name, body, headers, message }
}

/** Tenant → its series, in order. */
function byTenant(message: Uint8Array): Record<string, SeriesSeen[]> {
  return Object.groupBy(decodeMessage('1.0', message).series, ({ labels }) => {
    return labels.find(([name]) => name === 'tenant')?.[1] ?? 'nobody'
  }) as Record<string, SeriesSeen[]>
}

/** What the store has got of each tenant since this was last asked. */
function stored(stage: Stage): Record<string, SeriesSeen[]> {
  const tenants: Record<string, SeriesSeen[]> = {}
  for (const { headers, body } of stage.store.received.splice(0)) {
    expect(headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    })
    const tenant = headers['x-scope-orgid'] as string
    tenants[tenant] = [...(tenants[tenant] ?? []), ...decodeMessage('1.0', unsnappy(body)).series]
  }
  return tenants
}

const config = { tenant: { label: 'tenant', default: 'nobody' } }

describe('vmagent', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await startStage({ config })
  })
  beforeEach(() => {
    stage.store.received.length = 0
    stage.store.respond = answerWith(204)
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  test.each(PUSHES)('its push $name is taken, and every series reaches its tenant', async push => {
    const expected = byTenant(push.message)
    expect(await stage.send(push.body, push)).toMatchObject({ status: 204, body: '' })
    expect(stored(stage)).toEqual(expected)
  })

  test('a 400 of the store to a zstd push reaches it, and its resend in snappy is a push like any other', async () => {
    const expected = byTenant(FIRST.message)
    expect(Object.keys(expected).length).toBeGreaterThan(1)
    const refused = Object.keys(expected)[0] as string
    stage.store.respond = (received, response) => {
      response.writeHead(received.headers['x-scope-orgid'] === refused ? 400 : 204).end('out of bounds')
    }
    const answer = await stage.send(FIRST.body, FIRST)
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('out of bounds') })
    expect(Object.keys(stored(stage)).toSorted()).toEqual(Object.keys(expected).toSorted())

    // vmagent takes the 400 for a store without zstd, and sends the same block once more.
    stage.store.respond = answerWith(204)
    const resend = { headers: { ...FIRST.headers, 'content-encoding': 'snappy' } }
    expect((await stage.send(compressed(FIRST.message), resend)).status).toBe(204)
    expect(stored(stage)).toEqual(expected)
  })

  test.each([
    ['cut off', FIRST.body.subarray(0, -1)],
    ['followed by more', Buffer.concat([FIRST.body, Buffer.from('more')])],
    ['snappy after all', compressed(FIRST.message)],
  ])('a zstd push that is %s is 400', async (_, body) => {
    expect(await stage.send(body, FIRST)).toMatchObject({
      status: 400,
      body: expect.stringContaining('zstd'),
    })
    expect(stage.store.received).toEqual([])
  })
})

describe('vmagent, where ingress.encodings is [snappy],', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await startStage({ config: { ...config, ingress: { encodings: ['snappy'] } } })
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  test('gets a 415 to zstd that says what is taken, and its resend in snappy is taken', async () => {
    for (const push of ZSTD) {
      expect(await stage.send(push.body, push)).toMatchObject({
        status: 415,
        body: expect.stringContaining('snappy is (ingress.encodings)'),
      })
      expect(stage.store.received).toEqual([])
      const resend = { headers: { ...push.headers, 'content-encoding': 'snappy' } }
      expect((await stage.send(compressed(push.message), resend)).status).toBe(204)
      expect(stored(stage)).toEqual(byTenant(push.message))
    }
  })
})
