/** Text that came from outside, made safe to show: printable ASCII, everything else as `\xNN`, cut at `max` characters. */
export function printable(text: string | Uint8Array, max: number): string {
  const bytes = typeof text === 'string' ? Buffer.from(text.slice(0, max * 2), 'utf8') : text
  let out = ''
  for (const byte of bytes) {
    const piece =
      byte >= 0x20 && byte <= 0x7e && byte !== BACKSLASH
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`
    if (out.length + piece.length > max) return `${out}…`
    out += piece
  }
  return out
}

const BACKSLASH = 0x5c
