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

/**
 * Returns a test for names, in which `*` is any number of characters. No regular expression: with several stars it may
 * try for minutes, on a name that data chose.
 */
export function matcherOf(pattern: string): (name: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return name => name === pattern
  return name => {
    const end = name.length - last.length
    if (!name.startsWith(first) || !name.endsWith(last)) return false
    // The earliest place for each part leaves the most room for those behind it.
    let at = first.length
    for (const part of rest) {
      const found = name.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end
  }
}
