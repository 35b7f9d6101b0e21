/**
 * What may be a tenant, decided on bytes. A label value is whatever a sender wrote; it becomes a header, a path segment
 * or a metric label only after it has passed here (prefix included), so there is one place to get this right.
 */

/** A tenant that passed `parseTenantId`. Printable ASCII, at most 150 bytes. */
export type TenantId = string & { readonly __tenantId: never }

/**
 * Whose rules apply.
 * - `mimir`: dskit's rule for one tenant (also Cortex, Loki): letters, digits and `!-_.*'()`.
 * - `thanos`: 0x21–0x7E without `/`, `\` and `|`.
 * - `thanos-path`: the same, also without `%`, `?` and `#`, because it becomes a part of a path.
 * - `victoriametrics`: `accountID[:projectID]`, both uint32; normalised, because the store takes `007`, `7` and `7:0` as one.
 */
export type TenantFormat = 'mimir' | 'thanos' | 'thanos-path' | 'victoriametrics'

/** Longest tenant in bytes. Source: dskit `tenant.MaxTenantIDLength`; Thanos gets the same bound. */
export const MAX_TENANT_BYTES = 150

/** Names that pass the byte rule and yet mean something else to a store: path parts, and Mimir's and Cortex's own objects. */
export const RESERVED: readonly string[] = ['.', '..', '__mimir_cluster', '__markers__', 'user-index.json.gz']

/** Returns the tenant, or undefined where `bytes` are no tenant of that format. Borrows `bytes`. */
export function parseTenantId(bytes: Uint8Array, format: TenantFormat): TenantId | undefined {
  if (bytes.length === 0 || bytes.length > MAX_TENANT_BYTES) return undefined
  if (format === 'victoriametrics') return parseAccount(bytes)
  const allowed = ALLOWED[format]
  let text = ''
  for (const byte of bytes) {
    if (allowed[byte] === 0) return undefined
    text += String.fromCharCode(byte)
  }
  if (format === 'mimir' ? RESERVED.includes(text) : text === '.' || text === '..') return undefined
  return text as TenantId
}

/** `007:0` → `7`, `7:08` → `7:8`; undefined unless both numbers are uint32. */
function parseAccount(bytes: Uint8Array): TenantId | undefined {
  const parts = [0, 0]
  let part = 0
  let digits = 0
  for (const byte of bytes) {
    if (byte === COLON && part === 0 && digits > 0) {
      part = 1
      digits = 0
      continue
    }
    if (byte < ZERO || byte > ZERO + 9) return undefined
    const value = (parts[part] as number) * 10 + (byte - ZERO)
    if (value > 0xffffffff) return undefined
    parts[part] = value
    digits++
  }
  if (digits === 0) return undefined
  return (parts[1] === 0 ? `${parts[0]}` : `${parts[0]}:${parts[1]}`) as TenantId
}

const ZERO = 0x30
const COLON = 0x3a

/** One byte per byte value, 1 where it may stand in a tenant. The kernel gets the same table. */
export const ALLOWED: Readonly<Record<Exclude<TenantFormat, 'victoriametrics'>, Uint8Array>> = {
  mimir: table(byte => /[0-9A-Za-z!_.*'()-]/.test(String.fromCharCode(byte))),
  thanos: table(byte => byte >= 0x21 && byte <= 0x7e && !'/\\|'.includes(String.fromCharCode(byte))),
  'thanos-path': table(
    byte => byte >= 0x21 && byte <= 0x7e && !'/\\|%?#'.includes(String.fromCharCode(byte)),
  ),
}

function table(allows: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x80 && allows(byte) ? 1 : 0))
}
