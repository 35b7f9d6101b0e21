/** The text of an HA value, as a share carries it. */

/**
 * Longest value that is compared with others; Cortex and Mimir take no longer one by default. In 2.0, one value of
 * megabytes may belong to any number of series and tenants.
 */
export const MAX_HA_BYTES = 2048

interface HaText {
  /** Empty for a value that is too long. */
  readonly text: string
  /** Whether the text tells the value from all others: it is UTF-8, and not too long. */
  readonly isExact: boolean
}

/** Borrows `value`. */
export function haTextOf(value: Uint8Array): HaText {
  if (value.length > MAX_HA_BYTES) return { text: '', isExact: false }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const text = bytes.toString()
  return { text, isExact: Buffer.from(text).equals(bytes) }
}
