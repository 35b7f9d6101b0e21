import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { type Key, type Section, shortKeyOf } from './key.ts'
import { nearestKey } from './nearest.ts'
import type { ConfigProblem, Place } from './problem.ts'
import { KEYS, SCHEMA } from './schema.ts'
import type { Setting, SettingsRead, Written } from './setting.ts'

/**
 * Reads a YAML file into texts by key, each with its line and column. Keeps the source text of every scalar; types come
 * later. A key with nothing behind it counts as not written. Returns all problems; a file that is no YAML has only those.
 */
export function readFile(name: string, source: string): SettingsRead {
  const lines = new LineCounter()
  // With the failsafe schema every plain scalar is text. Duplicates are ours to report, with both lines.
  const document = parseDocument(source, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
    // `silent` would also hide that there is a second document.
    logLevel: 'error',
  })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { name, line, column: col }
  }
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    const problems = faults.map(fault => syntaxProblem(fault, at))
    // What follows in the same line is mostly an echo of the first.
    const numbers = problems.map(({ place }) => place.line)
    const firsts = problems.filter(({ place }, index) => numbers.indexOf(place.line) === index)
    return { settings: new Map(), problems: firsts, doubtful: [''] }
  }
  const walk: Walk = { document, at, settings: new Map(), problems: [], doubtful: [] }
  walkSection(walk, document.contents, SCHEMA, '')
  return walk
}

interface Walk {
  readonly document: Document.Parsed
  readonly at: (offset: number) => Place
  readonly settings: Map<string, Setting>
  readonly problems: ConfigProblem[]
  readonly doubtful: string[]
}

/** The depth of the schema bounds this, whatever aliases refer to. `path` ends with a dot, or is empty at the top. */
function walkSection(walk: Walk, node: Node | null | undefined, section: Section, path: string): void {
  const map = resolve(walk, node, path.slice(0, -1))
  if (isNothing(map)) return
  const short = shortKeyOf(section)
  if (short !== undefined && isScalar(map)) {
    const written = { place: place(walk, node), text: textOf(map) }
    walk.settings.set(path + short[0], {
      origin: 'file',
      place: written.place,
      texts: [written],
      short: true,
    })
    return
  }
  if (!isMap(map)) {
    report(
      walk,
      node,
      path.slice(0, -1),
      describe(map),
      `${short === undefined ? '' : `${short[1].name}, or `}a section with ${Object.keys(section.keys).join(', ')}`,
    )
    return
  }
  const lines = new Map<string, number | undefined>()
  for (const pair of (map as YAMLMap<ParsedNode, ParsedNode | null>).items) {
    const name = isScalar(pair.key) ? textOf(pair.key) : undefined
    const child = name !== undefined && Object.hasOwn(section.keys, name) ? section.keys[name] : undefined
    if (name === undefined || child === undefined) {
      reportUnknown(walk, pair.key, name ?? '', section, path)
      continue
    }
    if (lines.has(name)) {
      report(
        walk,
        pair.key,
        path + name,
        `the key a second time, after line ${lines.get(name)}`,
        'each key once',
      )
      continue
    }
    lines.set(name, place(walk, pair.key).line)
    if (child.kind === 'section') walkSection(walk, pair.value, child, `${path}${name}.`)
    else walkKey(walk, pair.value, child, path + name)
  }
}

function walkKey(walk: Walk, node: Node | null, key: Key, path: string): void {
  const value = resolve(walk, node, path)
  if (isNothing(value)) return
  const texts: Written[] = []
  const items = key.list && isSeq(value) ? value.items : [value]
  for (const item of items as Node[]) {
    const scalar = resolve(walk, item, path)
    if ((key.list && !isSeq(value)) || !isScalar(scalar) || (key.list && isNothing(scalar))) {
      report(walk, item, path, describe(scalar), key.list ? 'a list of single values' : 'a single value')
    } else {
      texts.push({ text: textOf(scalar), place: place(walk, item === value ? node : item) })
    }
  }
  if (texts.length === items.length)
    walk.settings.set(path, { origin: 'file', place: place(walk, node), texts })
}

function reportUnknown(walk: Walk, node: Node, name: string, section: Section, path: string): void {
  // Only what looks like a key is repeated: `password=…` in the wrong place would show the secret.
  const shown = /^[\w.-]{1,64}$/.test(name)
  const near = nearestKey(
    path + name,
    KEYS.map(({ path }) => path),
  )
  if (near !== undefined) walk.doubtful.push(near)
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`
  const key = shown ? path + name : path.slice(0, -1)
  report(walk, node, key, `an unknown key${hint}`, Object.keys(section.keys).join(', '))
}

/** The parser leaves it to us to notice that an alias has no anchor. */
function resolve(walk: Walk, node: Node | null | undefined, path: string): Node | null | undefined {
  if (!isAlias(node)) return node
  const anchored = node.resolve(walk.document)
  if (anchored === undefined) report(walk, node, path, ...LOST_ALIAS)
  return anchored
}

/** `key:`, and YAML's plain words for null. Quoted ones are text. */
function isNothing(node: Node | null | undefined): boolean {
  if (node === null || node === undefined) return true
  return isScalar(node) && node.type === 'PLAIN' && ['', '~', 'null', 'Null', 'NULL'].includes(textOf(node))
}

/** As written for a plain scalar, decoded for a quoted or a block one. */
function textOf(scalar: Scalar): string {
  return scalar.source ?? String(scalar.value)
}

/** Never repeats what was written: it may be a secret in the wrong place. */
function describe(node: Node | null | undefined): string {
  if (isNothing(node)) return 'nothing'
  if (isMap(node)) return 'a section'
  return isSeq(node) ? 'a list' : 'a single value'
}

function report(
  walk: Walk,
  node: Node | null | undefined,
  key: string,
  found: string,
  allowed: string,
): void {
  walk.problems.push({ place: place(walk, node), key, found, allowed })
  walk.doubtful.push(key)
}

function place(walk: Walk, node: Node | null | undefined): Place {
  return walk.at(node?.range?.[0] ?? 0)
}

/** The parser's own sentences may quote the source, and with it a secret; so these are ours. */
function syntaxProblem(fault: YAMLError, at: (offset: number) => Place): ConfigProblem {
  const [found, allowed] = SYNTAX[fault.code] ?? ['text that is no YAML', 'YAML 1.2']
  return { place: at(fault.pos[0]), key: '', found, allowed }
}

const LOST_ALIAS = [
  'an alias (*name) without its anchor (&name) before it',
  'a known alias, or the text in quotes',
] as const

const SYNTAX: Readonly<Partial<Record<YAMLError['code'], readonly [found: string, allowed: string]>>> = {
  TAB_AS_INDENT: ['a tab in the indentation', 'spaces'],
  BAD_INDENT: [
    'a line that is indented neither like its neighbours nor deeper',
    'the same indentation for all keys of a section',
  ],
  MULTIPLE_DOCS: ['a second document (after ---)', 'one document'],
  BAD_ALIAS: LOST_ALIAS,
  BAD_DQ_ESCAPE: ['an unknown escape after \\ in double quotes', 'single quotes, or \\\\ for a backslash'],
  BAD_SCALAR_START: ['a value that starts with a reserved character', 'the value in quotes'],
  MISSING_CHAR: ['text where a : or a closing bracket or quote is missing', 'key: value'],
  MULTILINE_IMPLICIT_KEY: ['text over several lines where a key is expected', 'key: value'],
  BLOCK_AS_IMPLICIT_KEY: ['a second : in one line', 'one key per line; a value that holds ": " in quotes'],
  TAG_RESOLVE_FAILED: ['an unknown tag (!name)', 'values without tags, or the text in quotes'],
  UNEXPECTED_TOKEN: ['text that belongs to nothing', 'key: value'],
}
