/**
 * Takes a new configuration into force, or keeps the old one and says why. One at a time: who asks while one is under way
 * gets the next, because the file may have changed since that one was read.
 */
import { setImmediate } from 'node:timers/promises'
import { changedKeys, keysThatWait } from './config/effective.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Gauge } from './gauge.ts'
import type { Reload, ReloadOutcome } from './ingress/reload.ts'
import type { Logger } from './telemetry/log.ts'

export interface ReloadingOptions {
  /** What the process was started with, in force now. */
  readonly first: LoadedConfig
  /** Reads and checks it anew; rejects with all that is wrong in one message. */
  readonly load: () => Promise<LoadedConfig>
  /** Builds what follows from it and swaps it in; throws with nothing changed. */
  readonly apply: (loaded: LoadedConfig) => void
  readonly log: Logger
  readonly now?: () => number
}

export class Reloading {
  readonly #options: ReloadingOptions
  readonly #now: () => number
  #current: LoadedConfig
  #successful = true
  #succeededAt: number
  #running: Promise<ReloadOutcome> = Promise.resolve({ ok: true, restart: [] })
  #waiting: Promise<ReloadOutcome> | undefined
  /** Whether somebody has asked for the one that waits; else it is only that the file changed. */
  #asked = false

  constructor(options: ReloadingOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#current = options.first
    this.#succeededAt = this.#now()
  }

  get gauges(): readonly Gauge[] {
    return [
      {
        name: 'config_last_reload_successful',
        help: '1 where the last attempt to take a configuration into force succeeded.',
        read: () => (this.#successful ? 1 : 0),
      },
      {
        name: 'config_last_reload_success_timestamp_seconds',
        help: 'When a configuration was last taken into force.',
        read: () => this.#succeededAt / 1000,
      },
      {
        name: 'config_hash',
        help: 'Of the configuration in force but for secrets: replicas with the same number have the same.',
        read: () => this.#current.hash,
      },
    ]
  }

  readonly reload: Reload = () => {
    this.#asked = true
    return this.#next()
  }

  /** The same, of a file that changed by itself: only where the one in force wants it, and what opens a door stays out. */
  readonly follow: Reload = () => this.#next()

  #next(): Promise<ReloadOutcome> {
    this.#waiting ??= this.#running.then(() => {
      const followed = !this.#asked
      this.#asked = false
      this.#waiting = undefined
      this.#running = this.#take(followed)
      return this.#running
    })
    return this.#waiting
  }

  async #take(followed: boolean): Promise<ReloadOutcome> {
    const { load, apply, log } = this.#options
    if (followed && !this.#current.config.follow) return { ok: false, reason: 'config.follow is false' }
    try {
      const next = await load()
      const lost = followed ? authenticationLost(this.#current, next) : []
      if (lost.length > 0) {
        throw new Error(
          `it would remove authentication (${lost.join(', ')}), which a followed change may not; ask for a reload if it is meant`,
        )
      }
      // With a thousand routes each of these steps takes some ten milliseconds, so pushes get a turn in between.
      await setImmediate()
      apply(next)
      const before = this.#current
      this.#current = next
      this.#successful = true
      this.#succeededAt = this.#now()
      await setImmediate()
      return this.#taken(before, next)
    } catch (error) {
      this.#successful = false
      const reason = error instanceof Error ? error.message : String(error)
      log.error({ reason }, 'the new configuration can’t be used; the old one stays in force')
      return { ok: false, reason }
    }
  }

  /** Says what came of it. */
  #taken(before: LoadedConfig, next: LoadedConfig): ReloadOutcome {
    const { first, log } = this.#options
    const changed = changedKeys(before, next)
    const restart = keysThatWait(first, next)
    for (const { key, message } of next.warnings) log.warn({ key }, message)
    log.info({ changed }, 'the configuration was taken into force')
    if (restart.length > 0)
      log.warn({ keys: restart }, 'changed keys that need a restart stay what they were')
    return { ok: true, restart }
  }
}

/** What asked or gave proof of who somebody is, and would not any more; by key. */
function authenticationLost(
  { config: before }: LoadedConfig,
  { config: after }: LoadedConfig,
): readonly string[] {
  const lost: string[] = []
  if (before.auth.ingress !== undefined && after.auth.ingress === undefined)
    lost.push('auth.ingress.tls_config')
  for (const { name, credentials, headers } of before.upstreams) {
    const next = after.upstreams.find(upstream => upstream.name === name)
    if (next === undefined) continue
    if (credentials !== undefined && next.credentials === undefined) {
      lost.push(name === 'default' ? 'auth.egress' : `upstreams.${name}.auth`)
    }
    // Their values are secrets, so any of them may be what a store knows us by.
    const kept = new Set(next.headers.map(header => header.name.toLowerCase()))
    for (const header of headers) {
      if (!kept.has(header.name.toLowerCase())) lost.push(`upstreams.${name}.headers.${header.name}`)
    }
  }
  return lost
}
