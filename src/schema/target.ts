import { Misfit } from './problem.ts'

/** `http://vminsert:8480/insert/{tenant}/write` in parts: only `{tenant}` in the path is ever replaced. */
export interface Target {
  /** Scheme, host and port, as `new URL().origin` spells them. */
  readonly origin: string
  /** The path (and query) split at each `{tenant}`; one part means that there is none. */
  readonly pathParts: readonly string[]
}

const TENANT = '{tenant}'

/**
 * Reads the URL of the store. Host and scheme are fixed here, so data can never choose them; each `{tenant}` in the path
 * is a gap between two literal parts, which are joined with a validated tenant and never parsed again.
 */
export function parseTarget(text: string): Target | Misfit {
  const match = TARGET.exec(text)
  if (match === null) return new Misfit('a URL that starts with http:// or https:// and has a host')
  const [, scheme = '', authority = '', path = '', query = '', fragment] = match
  if (authority.includes('@'))
    return new Misfit('a URL without credentials; they belong to auth.egress.username and password_file')
  if (fragment !== undefined) return new Misfit('a URL without a fragment (#…)')
  if (authority.includes('{') || query.includes('{'))
    return new Misfit('{tenant} in the path only, never in the host, the port or the query')
  const origin = originOf(`${scheme}://${authority}`)
  if (origin === undefined) return new Misfit('a URL with a valid host and port')

  const parts = `${path || '/'}${query}`.split(TENANT)
  if (parts.some(part => /[{}]/.test(part))) return new Misfit('{tenant} and no other placeholder')
  // A `%` before the gap could complete itself with the tenant's first bytes.
  if (parts.some(part => !LITERAL.test(part)))
    return new Misfit('a path in which all but URL characters is percent-encoded')
  if (/\/(\.|%2e){1,2}(\/|$)/i.test(path)) return new Misfit('a path without . and .. segments')
  return { origin, pathParts: parts }
}

/** For display: hides what stands before an `@`, which can only be credentials in the wrong place. */
export function maskUserinfo(url: string): string {
  return url.replace(/^([a-z]*:\/\/)?.*@/is, '$1[redacted]@')
}

function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin, hostname } = new URL(url)
  return hostname === '' ? undefined : origin
}

const TARGET = /^(https?):\/\/([^/?#]+)([^?#]*)(\?[^#]*)?(#.*)?$/i
const LITERAL = /^(?:%[0-9a-f]{2}|[A-Za-z0-9\-._~!$&'()*+,;=:@/?])*$/i
