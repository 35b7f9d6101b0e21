import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { belongTogether, FileFault, type FileKind, FollowedFile } from '../schema/followed-file.ts'
import { frozen } from '../schema/frozen.ts'
import { ConfigError, type ConfigProblem, type Place } from '../schema/problem.ts'
import { childOf, isMap, type PlacedTree, spotAt, textOf } from '../schema/tree.ts'
import { DEFAULT_UPSTREAM } from '../upstream/section.ts'
import { type Config, type ConfigWarning, resolveConfig } from './config.ts'
import { type EffectiveKey, effectiveKeys, publicText } from './effective.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { type FileRead, readFile } from './file.ts'
import { brokenAmongMany, type Checked, RULES } from './rules.ts'
import { KEYS } from './schema.ts'
import { join, pathText, type Setting } from './settings.ts'
import { readValues, shownPath } from './values.ts'
import { warningsFor } from './warnings.ts'

export interface ConfigSource {
  /** Without one, all comes from the environment and the defaults. */
  readonly file?: { readonly name: string; readonly text: string } | undefined
  readonly env: Environment
  /** Reads a file that a key names. */
  readonly readFile?: (path: string) => string
  readonly cores?: number
}

export interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: Config
  readonly warnings: readonly ConfigWarning[]
  /** Every key with its value and where that came from, for `renderConfig`. Holds no secret. */
  readonly effective: readonly EffectiveKey[]
  /** Of what differs from the defaults, but for secrets and the content of files: 48 bits, which a gauge can hold. */
  readonly hash: number
}

/**
 * Builds the configuration: environment over file over defaults. Throws a ConfigError with everything that is wrong,
 * not only the first. Both sources go through the same parsers.
 */
export function loadConfig(source: ConfigSource): LoadedConfig {
  const { file } = source
  return loadTree(file === undefined ? NO_FILE : readFile(file.name, file.text), source)
}

export const NO_FILE: FileRead = {
  tree: null,
  places: new Map(),
  start: undefined,
  problems: [],
  doubtful: [],
}

/** The same, of a file that was parsed already. */
export function loadTree(parsed: FileRead, source: ConfigSource): LoadedConfig {
  const { file, env, cores = availableParallelism() } = source
  const { variables, warnings } = readEnvironment(env)
  const joined = join(parsed, variables, env)
  const name = file?.name ?? 'configuration'
  const known = [...parsed.doubtful, ...joined.doubtful]
  const read = readValues(joined, name, known)
  const { settings } = joined
  const doubtful = [...known, ...read.doubtful]
  const checked = read.values === undefined ? undefined : checkedOf(read.values, joined, settings)
  const problems = [
    ...parsed.problems,
    ...joined.problems,
    ...read.problems,
    ...(checked === undefined ? [] : brokenRules(checked, doubtful, { ...read, name })),
  ]
  if (problems.length > 0 || checked === undefined) throw new ConfigError(problems.sort(byPlace))

  const files = new Files(settings, source.readFile)
  const { written } = checked
  const config = frozen(resolveConfig(checked.values, { written, cores, open: files.open }))
  files.check(config)
  let listed: readonly EffectiveKey[] | undefined
  // Some ten milliseconds with 1,000 routes, and most never ask.
  const effective = () => {
    listed ??= effectiveKeys(config, settings)
    return listed
  }
  let hash: number | undefined
  return {
    config,
    warnings: [...warnings, ...warningsFor(checked)],
    get effective() {
      return effective()
    },
    get hash() {
      hash ??= hashOf(effective())
      return hash
    },
  }
}

function checkedOf(values: Checked['values'], { tree }: PlacedTree, settings: readonly Setting[]): Checked {
  const byPath = new Map(settings.map(setting => [pathText(setting.path), setting]))
  const defaults = new Map(KEYS.map(({ path, key }) => [path, key.default ?? '']))
  const named = childOf(tree, 'upstreams')
  const target = childOf(tree, 'target') === undefined ? [] : [DEFAULT_UPSTREAM]
  return {
    values,
    written: path => byPath.has(path),
    shown: path => byPath.get(path)?.scalars.map(textOf).join(', ') ?? defaults.get(path) ?? '',
    upstreams: new Set([...target, ...(isMap(named) ? Object.keys(named) : [])]),
  }
}

/** Skips a rule where one of its keys is wrong already, so that one mistake is one problem. */
function brokenRules(
  checked: Checked,
  doubtful: readonly string[],
  placed: PlacedTree & { readonly name: string },
): ConfigProblem[] {
  const isDoubtful = (key: string): boolean =>
    doubtful.some(path => path === '' || key === path || isBelow(key, path) || isBelow(path, key))
  const placeOf = (steps: readonly (string | number)[]): Place | undefined => spotAt(placed, steps)?.value
  const broken = RULES.filter(({ keys }) => !keys.some(isDoubtful)).flatMap(({ keys, check }) => {
    const found = check(checked)
    if (found === undefined) return []
    // What is missing has no place; what asks for it has.
    const places = keys.flatMap(key => (checked.written(key) ? (placeOf(key.split('.')) ?? []) : []))
    return [{ place: places[0] ?? { name: placed.name }, key: keys[0], found: found[0], allowed: found[1] }]
  })
  const among = brokenAmongMany(checked).flatMap(({ path, reads, found, allowed }) => {
    const key = shownPath(placed, path)
    if ([key, ...reads].some(isDoubtful)) return []
    return [{ place: placeOf(path) ?? { name: placed.name }, key, found, allowed }]
  })
  return [...broken, ...among]
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}.`) || path.startsWith(`${above}[`)
}

/** In order of the file, then the rest as it came. */
function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  const line = (a.place.line ?? Number.MAX_SAFE_INTEGER) - (b.place.line ?? Number.MAX_SAFE_INTEGER)
  return line !== 0 ? line : (a.place.column ?? 0) - (b.place.column ?? 0)
}

/** The files that keys name: each is read once, and all that is wrong with them is said at once. */
class Files {
  readonly #settings: readonly Setting[]
  readonly #read: ((path: string) => string) | undefined
  readonly #files = new Map<string, FollowedFile>()
  readonly #problems: ConfigProblem[] = []

  constructor(settings: readonly Setting[], read: ((path: string) => string) | undefined) {
    this.#settings = settings
    this.#read = read
  }

  readonly open = (key: string, path: string, kind: FileKind): FollowedFile => {
    const known = this.#files.get(key)
    if (known !== undefined) return known
    const file = new FollowedFile(key, path, kind)
    this.#files.set(key, file)
    try {
      file.readNow(this.#read)
    } catch (error) {
      if (!(error instanceof FileFault)) throw error
      this.#report(key, error.found, error.allowed)
    }
    return file
  }

  /** Throws where one can't be used. */
  check({ auth: { ingress } }: Config): void {
    const { length } = this.#problems
    if (length === 0 && ingress !== undefined && !belongTogether(ingress.certFile, ingress.keyFile)) {
      this.#report(
        ingress.keyFile.key,
        'a key that is not the one of cert_file',
        'the key of that certificate',
      )
    }
    if (this.#problems.length > 0) throw new ConfigError(this.#problems.sort(byPlace))
  }

  #report(key: string, found: string, allowed: string): void {
    const setting = this.#settings.find(({ path }) => pathText(path) === key)
    this.#problems.push({ place: setting?.place ?? { name: key }, key, found, allowed })
  }
}

/** Without secrets: a gauge is public, and whoever has a hash of them can try passwords on it. */
function hashOf(effective: readonly EffectiveKey[]): number {
  return createHash('sha256').update(publicText(effective)).digest().readUIntBE(0, 6)
}
