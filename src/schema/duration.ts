/** Longest duration in ms that a Node timer can wait; a longer one would fire at once. About 596 hours. */
const MAX_DURATION_MS = 2 ** 31 - 1

/**
 * Reads Go's spelling: `1h30m`, `1.5s`, `100ms`, a bare `0`. Returns whole milliseconds, rounded up so that nothing
 * above zero becomes "off"; undefined for anything else, also for negative and too long ones.
 */
export function parseDuration(text: string): number | undefined {
  const digits = text.startsWith('+') ? text.slice(1) : text
  if (digits === '0') return 0
  // Bounds the big integers below; Go writes no duration longer than that.
  if (digits.length > 64 || !DURATION.test(digits)) return undefined
  let nanoseconds = 0n
  for (const [, whole = '', fraction = '', unit = ''] of digits.matchAll(PART)) {
    const scale = NANOSECONDS[unit] as bigint
    nanoseconds += BigInt(whole || '0') * scale
    nanoseconds += (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length)
  }
  const ms = (nanoseconds + 999_999n) / 1_000_000n
  return ms <= BigInt(MAX_DURATION_MS) ? Number(ms) : undefined
}

/** For editors, which know nothing of the bounds. */
export const DURATION_PATTERN = '^(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$'

const DURATION = /^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/
const PART = /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g

// Both micro signs, U+00B5 and U+03BC, as in Go.
const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
