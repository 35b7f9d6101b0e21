import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { preferredPort } from '../../../src/demo/port.ts'

test('a port that is taken gives way to a free one, and is preferred when it is free again', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expect(await preferredPort('127.0.0.1', port)).toBe(0)
  await new Promise(resolve => server.close(resolve))
  expect(await preferredPort('127.0.0.1', port)).toBe(port)
})
