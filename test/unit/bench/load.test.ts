import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildBody } from '../../../bench/load/payload.ts'
import { type Generator, type Store, startGenerator, startStore } from '../../../bench/load/round.ts'
import { cpuSeconds, residentBytes } from '../../../bench/load/usage.ts'
import { writtenBy } from '../../../bench/load/written.ts'
import { RawConnection } from '../../support/raw-connection.ts'
import { answerWith, startReceiver } from '../../support/receiver.ts'
import { decodePush, PUSH_HEADERS } from '../../support/remote-write.ts'

const SHAPE = { series: 20, tenants: 3, protocol: '1.0' } as const

describe('the payload', () => {
  test.each(['1.0', '2.0'] as const)('of %s has the series and tenants asked for', protocol => {
    const series = decodePush(buildBody({ series: 500, tenants: 7, protocol }, 3), protocol)
    const tenants = series.map(({ labels }) => labels.find(([name]) => name === 'tenant')![1])
    expect(series).toHaveLength(500)
    expect(new Set(tenants).size).toBe(7)
    expect(new Set(series.map(({ labels }) => JSON.stringify(labels))).size).toBe(500)
    for (const { labels } of series) {
      const names = labels.map(([name]) => name)
      expect(names).toEqual([...new Set(names)].sort())
    }
  })

  test('gives each sender tenants of its own where asked', () => {
    const shape = { ...SHAPE, tenants: 1, ownTenants: true, tenantPrefix: 'own-' }
    const [first] = decodePush(buildBody(shape, 12), '1.0')
    expect(first!.labels).toContainEqual(['tenant', 'own-12'])
  })
})

describe('the store of the load', () => {
  let store: Store
  let url: URL
  beforeEach(async () => {
    store = await startStore({ latencyMs: 0, bytesPerSecond: 0 })
    url = new URL(`http://127.0.0.1:${(await store.call('read')).port}/push`)
  })
  afterEach(() => store.stop())

  const REQUEST = 'POST /push HTTP/1.1\r\nHost: store\r\nContent-Length: 10\r\n\r\n0123\r\n\r\n89'

  test.each([1, 2, 3, 7, 1_000])('counts requests that come in pieces of %i bytes', async size => {
    const connection = await RawConnection.open(url)
    const bytes = REQUEST.repeat(5)
    for (let at = 0; at < bytes.length; at += size) {
      connection.send(bytes.slice(at, at + size))
      await sleep(0)
    }
    for (let n = 0; n < 5; n++) expect((await connection.answer()).status).toBe(200)
    expect(await store.call('read')).toMatchObject({ requests: 5, bytes: 50, connections: 1 })
    connection.destroy()
  })

  test('answers 2.0 with what is in the body, and 1.0 without a count', async () => {
    for (const protocol of ['2.0', '1.0'] as const) {
      const body = buildBody({ series: 30, tenants: 3, protocol }, 0)
      const answer = await fetch(url, { method: 'POST', headers: PUSH_HEADERS[protocol], body })
      const written = [...answer.headers].filter(([name]) => name.endsWith('-written'))
      expect(Object.fromEntries(written)).toEqual(
        protocol === '1.0'
          ? {}
          : {
              'x-prometheus-remote-write-samples-written': '30',
              'x-prometheus-remote-write-histograms-written': '0',
              'x-prometheus-remote-write-exemplars-written': '0',
            },
      )
    }
    expect(await store.call('read')).toMatchObject({ requests: 2, requests20: 1 })
  })

  test.each([
    ['2.0/001 of Prometheus 3.5', 'prometheus-3.5/rw2/001', { samples: 26, histograms: 0, exemplars: 12 }],
    [
      '2.0/001 of Prometheus 3.14',
      'prometheus-3.14/rw2/001',
      { samples: 1967, histograms: 33, exemplars: 0 },
    ],
  ])('counts a recorded push, %s', async (_, file, counts) => {
    const body = readFileSync(new URL(`../../fixtures/${file}.bin`, import.meta.url))
    expect(writtenBy(body)).toEqual(counts)
  })

  test('answers 400 to 2.0 that can’t be read', async () => {
    const body = buildBody({ series: 30, tenants: 3, protocol: '2.0' }, 0).slice(0, 50)
    const answer = await fetch(url, { method: 'POST', headers: PUSH_HEADERS['2.0'], body })
    expect(answer.status).toBe(400)
  })

  test('begins anew after a reset', async () => {
    const connection = await RawConnection.open(url)
    connection.send(REQUEST)
    await connection.answer()
    await store.call('reset')
    connection.send(REQUEST, REQUEST)
    await connection.answer()
    await connection.answer()
    expect(await store.call('read')).toMatchObject({ requests: 2, bytes: 20 })
    connection.destroy()
  })
})

describe('the generator', () => {
  let generator: Generator
  beforeEach(async () => {
    generator = await startGenerator({ ...SHAPE, senders: 3 })
  })
  afterEach(() => generator.stop())

  /** Pushes to `url` until `enough`, and what was counted. */
  const drive = async (url: string, enough: () => boolean, pushesPerSecond = 0) => {
    await generator.call({ kind: 'start', url, pushesPerSecond })
    while (!enough()) await sleep(10)
    return await generator.call({ kind: 'stop' })
  }

  test('keeps one connection and one push in flight per sender, and its pushes can be read', async () => {
    await using receiver = await startReceiver()
    let [now, most] = [0, 0]
    receiver.respond = async (received, response, request) => {
      most = Math.max(most, ++now)
      await sleep(5)
      now--
      answerWith(204)(received, response, request)
    }
    const counts = await drive(`${receiver.url}/push?a=b`, () => receiver.received.length >= 30)
    expect(most).toBe(3)
    expect(Object.keys(counts.statuses)).toEqual(['204'])
    expect(counts.statuses['204']).toBeGreaterThanOrEqual(27)
    expect(counts.sent).toBeGreaterThanOrEqual(30)
    expect(counts.p50).toBeGreaterThan(0)
    for (const { path, body } of receiver.received) {
      expect(path).toBe('/push?a=b')
      expect(decodePush(body, '1.0')).toHaveLength(20)
    }
  })

  test.each([
    ['a body', answerWith(503, 'try later', { 'content-length': '9' }), '503'],
    ['a chunked body', answerWith(400, 'bad'), '400'],
    ['a close', answerWith(503, '', { connection: 'close' }), '503'],
  ])('goes on after an answer with %s', async (_, respond, status) => {
    await using receiver = await startReceiver(respond)
    const counts = await drive(`${receiver.url}/push`, () => receiver.received.length >= 12)
    expect(Object.keys(counts.statuses)).toEqual([status])
    expect(counts.p99).toBe(0)
  })

  test('counts a connection that ends without an answer as an error, and goes on', async () => {
    await using receiver = await startReceiver((_received, response) => response.destroy())
    const counts = await drive(`${receiver.url}/push`, () => receiver.received.length >= 12)
    expect(Object.keys(counts.statuses)).toEqual(['error'])
  })

  test('counts what was due while no sender was idle', async () => {
    await using receiver = await startReceiver(() => {})
    const { sent, late } = await drive(`${receiver.url}/push`, () => receiver.received.length === 3, 2_000)
    expect(sent).toBe(3)
    expect(late).toBeGreaterThanOrEqual(0)
    await generator.call({ kind: 'start', url: `${receiver.url}/push`, pushesPerSecond: 2_000 })
    await sleep(100)
    expect((await generator.call({ kind: 'stop' })).late).toBeGreaterThan(0)
  })
})

describe('usage', () => {
  test('counts a process with its children', async () => {
    // By its own clock of CPU time: on a busy machine none of that passes by itself.
    const burn = 'while (process.cpuUsage().user < 400_000);'
    const code = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`${burn} setInterval(() => {}, 1000)`)}], { stdio: 'inherit' }); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore', detached: true })
    try {
      while (cpuSeconds(child.pid!) < 0.2) await sleep(50)
      // In this order: they may still grow.
      const now = residentBytes(child.pid!, 'VmRSS')
      const most = residentBytes(child.pid!, 'VmHWM')
      expect(most).toBeGreaterThanOrEqual(now)
      // Two Node processes: one alone has some 40 MiB.
      expect(most).toBeGreaterThan(60 * 1024 * 1024)
    } finally {
      process.kill(-child.pid!, 'SIGKILL')
      await once(child, 'exit')
    }
  })

  test('is nothing for a process that is gone', () => {
    expect(cpuSeconds(2 ** 22 + 1)).toBe(0)
    expect(residentBytes(2 ** 22 + 1, 'VmRSS')).toBe(0)
  })
})
