import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml'
import type { ConfigProblem, Place } from '../schema/problem.ts'
import type { PlacedTree, Places, Spot, Step, Tree } from '../schema/tree.ts'

/** A file as it was read. Can be cloned to another thread. */
export interface FileRead extends PlacedTree {
  readonly problems: readonly ConfigProblem[]
  /** Keys that may have been meant to be written; empty text stands for all. */
  readonly doubtful: readonly string[]
}

/**
 * Reads a YAML file into maps, lists and texts, each with its line and column. Keeps the source text of every scalar; types
 * come later, and so does what may be written. Returns all problems; a file that is no YAML has only those.
 */
export function readFile(name: string, source: string): FileRead {
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
    return { tree: null, places: new Map(), start: undefined, problems: firsts, doubtful: [''] }
  }
  const reader = new Reader(document, at)
  const tree = reader.read(document.contents, '')
  const start = at(document.contents?.range?.[0] ?? 0)
  return { tree, places: reader.places, start, problems: reader.problems, doubtful: reader.doubtful }
}

/** Whether a name looks like a key, and so may be repeated: `password=…` in the wrong place would show the secret. */
export function isShowable(name: string): boolean {
  return /^[\w.-]{1,64}$/.test(name)
}

/** Names that valibot passes over in silence, lest they change an object’s nature. */
const RISKY: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** No key lies deeper; what does is wrong whatever it is. */
const MAX_DEPTH = 16

class Reader {
  readonly places: Places = new Map()
  readonly problems: ConfigProblem[] = []
  readonly doubtful: string[] = []
  readonly #document: Document.Parsed
  readonly #at: (offset: number) => Place
  /** Each node once, so that aliases that multiply are no more work than what is written, and may contain themselves. */
  readonly #read = new Map<Node, Tree>()

  constructor(document: Document.Parsed, at: (offset: number) => Place) {
    this.#document = document
    this.#at = at
  }

  read(node: Node | null | undefined, path: string, depth = 0): Tree {
    const known = node === null || node === undefined ? null : this.#read.get(node)
    if (known !== undefined) return known
    if (isAlias(node)) return this.#anchored(node, path, depth)
    if (isNothing(node)) return null
    if (isScalar(node)) return textOf(node)
    if (depth === MAX_DEPTH) return ''
    return isMap(node) ? this.#map(node, path, depth) : this.#list(node, path, depth)
  }

  /** The parser leaves it to us to notice that an alias has no anchor. */
  #anchored(node: Node, path: string, depth: number): Tree {
    const anchored = isAlias(node) ? node.resolve(this.#document) : undefined
    if (anchored !== undefined) return this.read(anchored, path, depth)
    this.problems.push({ place: this.#place(node), key: path, found: LOST_ALIAS[0], allowed: LOST_ALIAS[1] })
    this.doubtful.push(path)
    return null
  }

  #list(node: Node | null | undefined, path: string, depth: number): Tree {
    const list: Tree[] = []
    const spots = new Map<Step, Spot>()
    this.places.set(list, spots)
    if (!isSeq(node)) return list
    this.#read.set(node, list)
    for (const item of node.items as Node[]) {
      const place = this.#place(item)
      spots.set(list.length, { key: place, value: place })
      list.push(this.read(item, path, depth + 1))
    }
    return list
  }

  #map(node: Node & { readonly items: readonly Pair[] }, path: string, depth: number): Tree {
    const map: Record<string, Tree> = {}
    const spots = new Map<Step, Spot>()
    this.places.set(map, spots)
    this.#read.set(node, map)
    for (const [index, pair] of (node.items as readonly Pair<Node, Node | null>[]).entries()) {
      const written = isScalar(pair.key) ? textOf(pair.key) : undefined
      const shown = written !== undefined && isShowable(written) ? written : undefined
      const inner = shown === undefined ? path : `${path}${path === '' ? '' : '.'}${shown}`
      // What can be no key of ours stays apart, under a name that nobody can write.
      const name = written === undefined || RISKY.has(written) ? `\0${index}` : written
      const key = this.#place(pair.key)
      const first = spots.get(name)?.key.line
      if (first !== undefined) {
        const found = `the key a second time, after line ${first}`
        this.problems.push({ place: key, key: inner, found, allowed: 'each key once' })
        this.doubtful.push(inner)
        continue
      }
      // A key with nothing behind it stands where its value would.
      spots.set(name, { key, value: pair.value === null ? key : this.#place(pair.value), shown })
      map[name] = this.read(pair.value, inner, depth + 1)
    }
    return map
  }

  #place(node: Node | null | undefined): Place {
    return this.#at(node?.range?.[0] ?? 0)
  }
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
