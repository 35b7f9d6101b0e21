import type { ConfigWarning } from './config.ts'
import { listed } from './key.ts'
import { nearestKey } from './nearest.ts'
import { KEYS, variableOf, variablesOf } from './schema.ts'
import type { Setting, Settings, Written } from './setting.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads `SLUICE_*` and cortex-tenant's `CT_*`; ours win. Empty values count as not set, as with the peer. */
export function readEnvironment(env: Environment): {
  settings: Settings
  warnings: readonly ConfigWarning[]
} {
  const settings = new Map<string, Setting>()
  for (const { path, key } of KEYS) {
    for (const name of variablesOf(path, key)) {
      const value = env[name]
      if (value === undefined || value === '') continue
      const place = { name }
      const texts: Written[] = key.list
        ? listed(value).map(text => ({ text, place }))
        : [{ text: value, place }]
      const short = key.short !== undefined && name !== variableOf(path)
      settings.set(path, { origin: 'environment', place, texts, ...(short ? { short } : {}) })
      break
    }
  }
  return { settings, warnings: unknownVariables(env) }
}

function unknownVariables(env: Environment): ConfigWarning[] {
  const known = KEYS.flatMap(({ path, key }) => variablesOf(path, key))
  const names = new Set(['SLUICE_PEERS', ...known])
  return Object.keys(env)
    .filter(name => /^(SLUICE|CT)_/.test(name) && !names.has(name) && !SERVICE_LINK.test(name))
    .sort()
    .map(name => {
      const near = nearestKey(
        name.toLowerCase(),
        known.map(variable => variable.toLowerCase()),
      )
      const hint = near === undefined ? '' : `; did you mean ${near.toUpperCase()}?`
      return { key: name, message: `is not a variable of Sluice and has no effect${hint}` }
    })
}

/** Kubernetes puts these into every pod beside a service named `sluice` or `sluice-…`. The tests' own variable is no key either. */
const SERVICE_LINK =
  /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/
