/** Where a server listens: one address, whatever its name says. */
import { lookup as ofSystem } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { FastifyInstance } from 'fastify'
import type { Address } from '../schema/address.ts'

type Lookup = (host: string, options: { readonly all: true }) => Promise<readonly Resolved[]>

interface Resolved {
  readonly address: string
  readonly family: number
}

/**
 * Fastify would give each further address of `localhost` a server of its own, which nobody else knows: without limits,
 * deadlines, 100 Continue and a certificate that is followed. So it gets an address, IPv4 first, as Go listens.
 */
export async function listen(
  server: FastifyInstance,
  { host, port }: Address,
  lookup: Lookup = ofSystem,
): Promise<void> {
  await server.listen({ host: host === '' ? everyInterface() : await addressOf(host, lookup), port })
}

async function addressOf(host: string, lookup: Lookup): Promise<string> {
  const all = await lookup(host, { all: true })
  return (all.find(({ family }) => family === 4) ?? all[0])?.address ?? host
}

/** `::` takes IPv4 too, but can't be had where there is no IPv6. */
function everyInterface(): string {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.some(address => address?.family === 'IPv6') ? '::' : '0.0.0.0'
}
