import { type Key, type Keys, listed, type Section, type Values } from './key.ts'
import type { Leaf } from './leaf.ts'
import { type ConfigProblem, Misfit, quote } from './problem.ts'
import { SCHEMA } from './schema.ts'
import type { Setting, Settings } from './setting.ts'

export type ConfigValues = Values<(typeof SCHEMA)['keys']>

export interface ValuesRead {
  /** A key that could not be read has its default here, so that the others can be checked. */
  readonly values: ConfigValues
  readonly problems: readonly ConfigProblem[]
  /** Keys with a text of their own: written, and not an empty or 0 that means the default. */
  readonly written: ReadonlySet<string>
  /** Keys that could not be read. */
  readonly failed: ReadonlySet<string>
}

/** Gives each text its type, and each key without one its default. */
export function readValues(settings: Settings): ValuesRead {
  const reading: Reading = { settings, problems: [], written: new Set(), failed: new Set() }
  // The walk follows the schema, which is where ConfigValues comes from.
  const values = readSection(SCHEMA, '', reading) as ConfigValues
  return { values, ...reading }
}

interface Reading {
  readonly settings: Settings
  readonly problems: ConfigProblem[]
  readonly written: Set<string>
  readonly failed: Set<string>
}

function readSection(
  { keys }: Section<Keys>,
  base: string,
  reading: Reading,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(keys).map(([name, node]) => {
    const path = base + name
    return [name, node.kind === 'key' ? readKey(node, path, reading) : readSection(node, `${path}.`, reading)]
  })
  return Object.fromEntries(entries)
}

function readKey(key: Key, path: string, reading: Reading): unknown {
  const setting = reading.settings.get(path)
  if (setting === undefined || meansDefault(key, setting)) return defaultOf(key)
  const results = setting.texts.map(({ text, place }) => {
    const leaf = leafOf(key, setting)
    const result = leaf.parse(text, setting.origin)
    if (!(result instanceof Misfit)) return result
    reading.failed.add(path)
    const written = setting.short ? path.slice(0, path.lastIndexOf('.')) : path
    reading.problems.push({ place, key: written, found: quote(leaf.show(text)), allowed: result.allowed })
    return undefined
  })
  if (reading.failed.has(path)) return defaultOf(key)
  reading.written.add(path)
  return key.list ? results : results[0]
}

/** By whose words the texts of a setting are to be read. */
export function leafOf(key: Key, { short }: Setting): Leaf<unknown> {
  return short && key.short !== undefined ? key.short : key.leaf
}

/** Where the peer can't tell "empty" and 0 from "not written". */
function meansDefault(key: Key, { texts, origin }: Setting): boolean {
  if (key.list) return texts.length === 0 && key.default === ''
  const text = texts[0]?.text ?? ''
  return key.zeroIsUnset && (text === '' || key.leaf.parse(text, origin) === 0)
}

function defaultOf(key: Key): unknown {
  if (key.default === undefined) return undefined
  const parse = (text: string) => {
    const value = key.leaf.parse(text, 'file')
    if (value instanceof Misfit) throw new Error(`BUG: the default ${text} is no ${key.leaf.name}`)
    return value
  }
  return key.list ? listed(key.default).map(parse) : parse(key.default)
}
