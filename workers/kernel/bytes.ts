// Comparing and copying runs of bytes. All of it reads and writes in steps of 16, so up to 15 bytes beyond a run are
// touched: every arena has SLACK bytes behind it (see layout.ts), and what was read beyond never decides anything.

/** Whether two runs of n bytes are equal. */
// @ts-ignore: decorator
@inline
export function equal(a: usize, b: usize, n: u32): bool {
  let k: u32 = 0
  while (k + 16 <= n) {
    if (i8x16.bitmask(i8x16.ne(v128.load(a + k), v128.load(b + k)))) return false
    k += 16
  }
  if (k == n) return true
  return (i8x16.bitmask(i8x16.ne(v128.load(a + k), v128.load(b + k))) & ((1 << (n - k)) - 1)) == 0
}

/** Copies n bytes and returns the position behind them. The runs may overlap only where `to` lies before `from`. */
// @ts-ignore: decorator
@inline
export function copy(to: usize, from: usize, n: u32): usize {
  const end = to + n
  // Measured: below about a kilobyte a loop of vectors beats the call behind memory.copy.
  if (n > 1024) {
    memory.copy(to, from, n)
    return end
  }
  while (to < end) {
    v128.store(to, v128.load(from))
    to += 16
    from += 16
  }
  return end
}
