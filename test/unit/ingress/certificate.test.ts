import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { type Certificate, followCertificate } from '../../../src/ingress/certificate.ts'
import { selfSigned } from '../../support/certificate.ts'
import { eventually } from '../../support/eventually.ts'

const [first, second, unknown] = await Promise.all([selfSigned(), selfSigned(), selfSigned()])

/** Whether a client that trusts nothing else gets through. */
async function isServed(port: number, { cert }: Certificate): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', ca: cert })
  try {
    await once(socket, 'secureConnect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('a rotated certificate is served on where the configuration names none any more', async () => {
  await using server = createServer(first)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let named: Certificate | undefined = second
  let reads = 0
  let changes = 0
  using _ = followCertificate(first, {
    server,
    read: () => {
      reads++
      return named
    },
    changed: () => changes++,
    failed: error => expect.fail(String(error)),
    intervalMs: 1,
  })
  await eventually(() => changes === 1)
  named = undefined
  const before = reads
  await eventually(() => reads > before + 1)
  expect(changes).toBe(1)
  expect(await isServed(port, second)).toBe(true)
  expect(await isServed(port, first)).toBe(false)
  expect(await isServed(port, unknown)).toBe(false)
})
