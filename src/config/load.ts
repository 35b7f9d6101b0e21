import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { assemble } from './assemble.ts'
import type { Config, ConfigWarning } from './config.ts'
import { type EffectiveKey, effectiveKeys } from './effective.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { readFile } from './file.ts'
import { FollowedFile } from './followed-file.ts'
import { ConfigError, type ConfigProblem, type Place } from './problem.ts'
import { RULES } from './rules.ts'
import type { Secret } from './secret.ts'
import type { Settings } from './setting.ts'
import { type ConfigValues, readValues, type ValuesRead } from './values.ts'
import { warningsFor } from './warnings.ts'

export interface ConfigSource {
  /** Without one, all comes from the environment and the defaults. */
  readonly file?: { readonly name: string; readonly text: string } | undefined
  readonly env: Environment
  /** Reads auth.egress.password_file, once. */
  readonly readSecret?: (path: string) => string
  readonly cores?: number
}

export interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: Config
  readonly warnings: readonly ConfigWarning[]
  /** Every key with its value and where that came from, for `renderConfig`. Holds no secret. */
  readonly effective: readonly EffectiveKey[]
}

/**
 * Builds the configuration: environment over file over defaults. Throws a ConfigError with everything that is wrong,
 * not only the first. Both sources go through the same parsers.
 */
export function loadConfig({
  file,
  env,
  readSecret = path => readFileSync(path, 'utf8'),
  cores = availableParallelism(),
}: ConfigSource): LoadedConfig {
  const fromFile = file === undefined ? undefined : readFile(file.name, file.text)
  const fromEnvironment = readEnvironment(env)
  const settings: Settings = new Map([...(fromFile?.settings ?? []), ...fromEnvironment.settings])
  const read = readValues(settings)
  const doubtful = [...(fromFile?.doubtful ?? []), ...read.failed]
  const problems = [
    ...(fromFile?.problems ?? []),
    ...read.problems,
    ...brokenRules(read, doubtful, settings, file?.name ?? 'configuration'),
  ]
  if (problems.length > 0) throw new ConfigError(problems.sort(byPlace))

  const config = assemble(read, passwordOf(read.values, settings, readSecret), Math.max(1, cores - 1))
  return {
    config: freezeDeeply(config),
    warnings: [...fromEnvironment.warnings, ...warningsFor(read)],
    effective: effectiveKeys(config, settings, read.written),
  }
}

/** Skips a rule where one of its keys is wrong already, so that one mistake is one problem. */
function brokenRules(
  { values, written }: ValuesRead,
  doubtful: readonly string[],
  settings: Settings,
  source: string,
): ConfigProblem[] {
  const isDoubtful = (key: string): boolean =>
    doubtful.some(path => path === '' || key === path || key.startsWith(`${path}.`))
  return RULES.filter(({ keys }) => !keys.some(isDoubtful)).flatMap(({ keys, check }) => {
    const broken = check(values, written)
    if (broken === undefined) return []
    // What is missing has no place; what asks for it has.
    const place: Place = keys.flatMap(key => settings.get(key)?.place ?? [])[0] ?? { name: source }
    return [{ place, key: keys[0], found: broken[0], allowed: broken[1] }]
  })
}

/** In order of the file, then the rest as it came. */
function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  const line = (a.place.line ?? Number.MAX_SAFE_INTEGER) - (b.place.line ?? Number.MAX_SAFE_INTEGER)
  return line !== 0 ? line : (a.place.column ?? 0) - (b.place.column ?? 0)
}

function passwordOf(
  { auth: { egress } }: ConfigValues,
  settings: Settings,
  readSecret: (path: string) => string,
): Secret | FollowedFile | undefined {
  const path = egress.password_file
  if (path === '') return egress.password
  const key = 'auth.egress.password_file'
  const problem = (found: string): ConfigError =>
    new ConfigError([
      {
        place: settings.get(key)?.place ?? { name: key },
        key,
        found,
        allowed: 'a readable file with the password',
      },
    ])
  let content: string
  try {
    content = readSecret(path)
  } catch (error) {
    throw problem(
      `a file that can't be read (${error instanceof Error && 'code' in error ? error.code : 'error'})`,
    )
  }
  const file = new FollowedFile({ path, key, content })
  if (file.text === '') throw problem('an empty file')
  return file
}

function freezeDeeply<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freezeDeeply(part)
  }
  return Object.freeze(value)
}
