import { isIPv4, isIPv6 } from 'node:net'

export interface Address {
  /** Empty for all interfaces, of IPv6 too where the machine has it. */
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
}

/**
 * Reads where to listen in Go's form: `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`, and `:8080` for all
 * interfaces. Returns undefined for anything else.
 */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text)
  if (match === null) return undefined
  const [, ipv6, name = '', digits = ''] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined
  // A name of digits and dots only is an IPv4 address, or a mistake.
  if (/^[\d.]+$/.test(name) && !isIPv4(name)) return undefined
  return { host: name, port }
}

const ADDRESS = /^(?:\[([^\]]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)?):(\d{1,5})$/
