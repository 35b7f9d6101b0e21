import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves with what `look` gives as soon as that is neither false nor undefined; rejects when it never is. */
export async function eventually<T>(
  look: () => T | false | undefined | Promise<T | false | undefined>,
): Promise<T> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const seen = await look()
    if (seen !== false && seen !== undefined) return seen
    if (Date.now() > until) throw new Error(`it never came: ${look}`)
    await sleep(20)
  }
}

const PATIENCE_MS = 25_000
