import { parseDuration } from './duration.ts'

/** Shares of tenants that match are given up when the store has failed for them for so long. */
export interface ShedRule {
  readonly pattern: string
  readonly afterMs: number
}

/** `dev-*=5m`: tenants that match the pattern, in which `*` is any number of characters, and after how long. */
export function parseShedRule(text: string): ShedRule | undefined {
  const at = text.lastIndexOf('=')
  const pattern = text.slice(0, at).trim()
  const afterMs = at < 0 ? undefined : parseDuration(text.slice(at + 1).trim())
  if (afterMs === undefined || !/^[\x21-\x7e]{1,150}$/.test(pattern)) return undefined
  return { pattern, afterMs }
}
