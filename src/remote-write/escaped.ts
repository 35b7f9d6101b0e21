const EXAMPLE_BYTES = 64

/** Printable ASCII as it is but for the backslash; all else as `\xff`. Cut before the escape that would not fit. */
export function escaped(value: Uint8Array): string {
  let text = ''
  for (const byte of value) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== BACKSLASH
    const next = plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
    if (text.length + next.length > EXAMPLE_BYTES) break
    text += next
  }
  return text
}

const BACKSLASH = 0x5c
