/**
 * Reads a Retry-After header (RFC 9110, 10.2.3): whole seconds or an HTTP date. Returns milliseconds from now, at least
 * 0; undefined where the header says nothing that can be read.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^[A-Z][a-z]{2}, /.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
