import type { ShedRule } from './config.ts'
import { parseDuration } from './duration.ts'

/** `dev-*=5m`: tenants that match the pattern, in which `*` is any number of characters, and after how long. */
export function parseShedRule(text: string): ShedRule | undefined {
  const at = text.lastIndexOf('=')
  const pattern = text.slice(0, at).trim()
  const afterMs = at < 0 ? undefined : parseDuration(text.slice(at + 1).trim())
  if (afterMs === undefined || !/^[\x21-\x7e]{1,150}$/.test(pattern)) return undefined
  return { pattern, afterMs }
}

/** Returns a test for tenants. No regular expression: with several stars it may try for minutes, on a tenant that data chose. */
export function matcherOf(pattern: string): (tenant: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return tenant => tenant === pattern
  return tenant => {
    const end = tenant.length - last.length
    if (!tenant.startsWith(first) || !tenant.endsWith(last)) return false
    // The earliest place for each part leaves the most room for those behind it.
    let at = first.length
    for (const part of rest) {
      const found = tenant.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end
  }
}
