import { type Key, listed } from '../schema/key.ts'
import { nearestKey } from '../schema/nearest.ts'
import type { ConfigWarning } from './config.ts'
import { KEYS, type PathedKey, variableOf, variablesOf } from './schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A variable that is set, and the key that it is for. */
export interface Variable extends PathedKey {
  readonly name: string
  readonly texts: readonly string[]
  /** Whether it stands in place of the key's section. */
  readonly short: boolean
}

/** Reads `SLUICE_*` and cortex-tenant's `CT_*`; ours win. Empty values count as not set, as with the peer. */
export function readEnvironment(env: Environment): {
  variables: readonly Variable[]
  warnings: readonly ConfigWarning[]
} {
  const variables = KEYS.flatMap(pathed => {
    const name = variablesOf(pathed.path, pathed.key).find(name => (env[name] ?? '') !== '')
    if (name === undefined) return []
    const short = pathed.key.short !== undefined && name !== variableOf(pathed.path)
    return [{ ...pathed, name, texts: textsOf(pathed.key, env[name] ?? ''), short }]
  })
  return { variables, warnings: unknownVariables(env) }
}

function textsOf(key: Key, value: string): readonly string[] {
  return key.list ? listed(value) : [value]
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
