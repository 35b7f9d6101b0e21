/** Ends Sluice and the store at random moments under load, and brings them back. Only what the ledger itself started. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RestartableSluice, RestartableStore } from './restartable.ts'

export interface KillerOptions {
  readonly random: () => number
  readonly sluice: RestartableSluice
  readonly store: RestartableStore
  readonly everySeconds: number
  readonly tell: (line: string) => void
}

/** Goes on until `until`; both run when it resolves. Returns how often it did what. */
export async function killNowAndThen(
  { random, sluice, store, everySeconds, tell }: KillerOptions,
  until: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const kills: Record<string, number> = {}
  const ways: readonly (readonly [name: string, kill: () => Promise<unknown>])[] = [
    ['kill -9 of Sluice', () => sluice.end('SIGKILL').then(() => sluice.start())],
    ['SIGTERM to Sluice', () => sluice.end('SIGTERM').then(() => sluice.start())],
    [
      'kill -9 of the store',
      async () => {
        await store.kill()
        await sleep(random() * 2_000)
        await store.start()
      },
    ],
  ]
  while (!until.aborted) {
    await sleep(everySeconds * 1_000 * (0.5 + random()), undefined, { signal: until }).catch(() => undefined)
    if (until.aborted) break
    const [name, kill] = ways[Math.floor(random() * ways.length)]!
    tell(name)
    kills[name] = (kills[name] ?? 0) + 1
    await kill()
  }
  return kills
}
