import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificate, selfSigned } from '../support/certificate.ts'
import { eventually } from '../support/eventually.ts'
import { answerWith, startReceiver } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { bodyOf, startStage } from '../support/stage.ts'

const push = { __name__: 'up', tenant: 'a' }

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function written(name: string, text: string): string {
  const file = join(dir, name)
  writeFileSync(file, text)
  return file
}

describe('a store with TLS', () => {
  test('is trusted by ca_bundle_file', async () => {
    const certificate = await selfSigned()
    const store = await startReceiver(answerWith(204), certificate)
    const ca = written('ca.pem', certificate.cert)
    const auth = { egress: { tls_config: { ca_bundle_file: ca } } }
    await using stage = await startStage({ store, config: { auth } })
    expect((await stage.push([push])).status).toBe(204)
    expect(stage.stored()).toEqual([{ tenant: 'a', series: [push] }])
  })

  test('is not trusted with another authority, and gets nothing', async () => {
    const store = await startReceiver(answerWith(204), await selfSigned())
    const ca = written('other.pem', (await selfSigned()).cert)
    const auth = { egress: { tls_config: { ca_bundle_file: ca } } }
    await using stage = await startStage({ store, config: { auth } })
    const { status, body } = await stage.push([push])
    expect(status).toBe(503)
    expect(body).toMatch(/certificate/)
    expect(store.received).toEqual([])
  })
})

test('our own certificate is served, and its replacement too while the process runs', async () => {
  const first = await selfSigned()
  const second = await selfSigned()
  const files = { cert_file: written('cert.pem', first.cert), key_file: written('key.pem', first.key) }
  await using stage = await startStage({
    config: { log_level: 'info', auth: { ingress: { tls_config: files } } },
  })
  const url = new URL(stage.sluice.url.href.replace('http:', 'https:'))
  const pushOver = ({ cert }: Certificate) => request(url, { body: bodyOf([push]), ca: cert })

  expect((await pushOver(first)).status).toBe(204)
  await expect(pushOver(second)).rejects.toThrow(/certificate/)

  // Half of a pair, as it may be seen in between, changes nothing.
  written('cert.pem', second.cert)
  expect((await pushOver(first)).status).toBe(204)
  written('key.pem', second.key)
  await eventually(() =>
    pushOver(second).then(
      answer => answer.status === 204,
      () => false,
    ),
  )
  await expect(pushOver(first)).rejects.toThrow(/certificate/)
  const said = stage.sluice
    .log()
    .split('\n')
    .find(line => line.includes('is served from now on'))
  expect(JSON.parse(said ?? '{}')).toMatchObject({ file: files.cert_file })
})
