import dns from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { listen } from '../../../src/ingress/listen.ts'
import { createServer } from '../../../src/ingress/server.ts'

const BOTH = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
]
const hasBoth = Object.values(networkInterfaces())
  .flat()
  .some(address => address?.address === '::1')

afterEach(() => {
  vi.restoreAllMocks()
})

function serverOf(refused: string[]) {
  return createServer({
    idleTimeoutMs: 100,
    timeoutMs: 100,
    maxConnections: 10,
    tls: undefined,
    refused: code => refused.push(code),
  })
}

/** What Fastify and Node are told, when they ask themselves. */
function localhostIsBoth() {
  const { lookup } = dns
  const both = (host: string, options: dns.LookupOptions, done: (...all: unknown[]) => void) => {
    if (host !== 'localhost') lookup(host, options, done)
    else if (options.all === true) done(null, BOTH)
    else done(null, '127.0.0.1', 4)
  }
  vi.spyOn(dns, 'lookup').mockImplementation(both as typeof dns.lookup)
}

function addressesOf(server: ReturnType<typeof serverOf>): readonly AddressInfo[] {
  return server.addresses() as AddressInfo[]
}

if (!hasBoth) process.stderr.write('SKIPPED: without ::1 localhost can’t be two addresses on this machine\n')

test.runIf(hasBoth)('localhost is one address, IPv4, where it could be two', async () => {
  localhostIsBoth()
  const server = serverOf([])
  await listen(server, { host: 'localhost', port: 0 }, async () => BOTH)
  expect(addressesOf(server).map(({ address }) => address)).toEqual(['127.0.0.1'])
  await server.close()
})

test.runIf(hasBoth)('of a name with an IPv6 address alone, that one', async () => {
  const server = serverOf([])
  await listen(server, { host: 'localhost', port: 0 }, async () => BOTH.slice(0, 1))
  expect(addressesOf(server).map(({ address }) => address)).toEqual(['::1'])
  await server.close()
})

test('half a head is refused at each address that localhost listens on', async () => {
  localhostIsBoth()
  const refused: string[] = []
  const server = serverOf(refused)
  await listen(server, { host: 'localhost', port: 0 }, async () => (hasBoth ? BOTH : BOTH.slice(1)))
  for (const { address, port } of addressesOf(server)) {
    const socket = connect(port, address, () => socket.write('POST /push HTTP/1.1\r\nHost: sl'))
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    await once(socket, 'close')
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
  }
  expect(refused).toEqual(addressesOf(server).map(() => 'slow_request'))
  await server.close()
})
