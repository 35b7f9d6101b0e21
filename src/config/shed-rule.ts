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

/** Returns a test for tenants; each run of `*` is one, so that no pattern is slow. */
export function matcherOf(pattern: string): (tenant: string) => boolean {
  const parts = pattern.split(/\*+/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const expression = new RegExp(`^${parts.join('[^]*?')}$`)
  return tenant => expression.test(tenant)
}
