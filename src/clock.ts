/** Work that is done again and again while somebody holds on to it. Keeps no process alive. */
export function every(ms: number, work: () => void): Disposable {
  const timer = setInterval(work, ms)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
