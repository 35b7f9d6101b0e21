/** Reads `8MiB`, `32MB`, `1.5GiB` or a bare number of bytes. Returns whole bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text)
  if (match === null) return undefined
  const [, amount = '', unit = ''] = match
  const bytes = Math.floor(Number(amount) * (BYTES[unit] as number))
  if (unit === '' && amount.includes('.')) return undefined
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest exact spelling: 8388608 → `8MiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const scale = BYTES[unit] as number
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`
  }
  return `${bytes}`
}

export const SIZE_PATTERN = '^[0-9]{1,15}(\\.[0-9]{1,6})? ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?$'

const SIZE = /^(\d{1,15}(?:\.\d{1,6})?) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?$/

// `8M` and `8Mi` are left out: tools disagree about what they mean.
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}
