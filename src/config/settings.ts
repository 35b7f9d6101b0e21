/**
 * Joins the file and the environment into one tree of what was written: aliases, `${NAME}`, values in place of a section and
 * empty keys are gone behind here, and each text still knows its place.
 */
import { type Key, leafOf, type Node, type Section, shortKeyOf } from '../schema/key.ts'
import type { ConfigProblem, Place } from '../schema/problem.ts'
import {
  childOf,
  isMap,
  isScalar,
  meaningOf,
  originOf,
  type Path,
  type PlacedTree,
  type Places,
  type Scalar,
  type Spot,
  type Step,
  spotAt,
  type Tree,
  type TreeMap,
  textOf,
  Worded,
} from '../schema/tree.ts'
import type { Environment, Variable } from './environment.ts'
import { expand } from './expand.ts'
import { SCHEMA } from './schema.ts'

/** What somebody wrote for one key. */
export interface Setting {
  readonly path: Path
  readonly key: Key
  readonly place: Place
  readonly scalars: readonly Scalar[]
}

export interface Joined extends PlacedTree {
  /** Every key that was written, in the order of the schema. Leaves out what has no shape to be one. */
  readonly settings: readonly Setting[]
  readonly problems: readonly ConfigProblem[]
  readonly doubtful: readonly string[]
}

/** How a path is written: `routes[0].tenants`. */
export function pathText(path: Path): string {
  return path
    .map((step, depth) => (typeof step === 'number' ? `[${step}]` : `${depth === 0 ? '' : '.'}${step}`))
    .join('')
}

/** The environment over the file. The file's tree is left as it is. */
export function join(file: PlacedTree, variables: readonly Variable[], env: Environment): Joined {
  const joiner = new Joiner(file.places, env)
  const tree = joiner.section(file.tree, SCHEMA, { path: [], spot: undefined }) ?? joiner.empty()
  for (const variable of variables) joiner.overlay(tree, variable)
  const { places, problems, doubtful } = joiner
  const { start } = file
  const settings = settingsIn({ tree, places, start }).filter(({ path, key, scalars }) => {
    if (!meansDefault(key, scalars)) return true
    remove(tree, path)
    return false
  })
  return { tree, places, start, settings, problems, doubtful }
}

function settingsIn(placed: PlacedTree): Setting[] {
  const at = (path: Path): Place => spotAt(placed, path)?.value ?? { name: '' }
  const visit = (node: Node, tree: Tree | undefined, path: Path): Setting[] => {
    if (tree === undefined) return []
    switch (node.kind) {
      case 'key': {
        const scalars = node.list ? tree : [tree]
        return Array.isArray(scalars) && scalars.every(isScalar)
          ? [{ path, key: node, place: at(path), scalars }]
          : []
      }
      case 'section':
        return Object.entries(node.keys).flatMap(([name, child]) =>
          visit(child, childOf(tree, name), [...path, name]),
        )
      case 'named':
        return isMap(tree)
          ? Object.entries(tree).flatMap(([name, child]) => visit(node.of, child, [...path, name]))
          : []
      case 'listed':
        return Array.isArray(tree)
          ? tree.flatMap((child, index) => visit(node.of, child, [...path, index]))
          : []
    }
  }
  return visit(SCHEMA, placed.tree, [])
}

/** Where the peer can't tell "empty" and 0 from "not written". */
function meansDefault(key: Key, scalars: readonly Scalar[]): boolean {
  if (key.list) return scalars.length === 0 && key.default === ''
  const [scalar] = scalars
  if (!key.zeroIsUnset || scalar === undefined) return false
  const text = meaningOf(scalar)
  return text === '' || leafOf(key, scalar).parse(text, originOf(scalar)) === 0
}

function remove(tree: Tree, path: Path): void {
  const parent = path.slice(0, -1).reduce<Tree | undefined>(childOf, tree)
  const last = path.at(-1)
  if (isMap(parent) && last !== undefined) delete parent[last]
}

/** A node on the way down, and where it stands. */
interface At {
  readonly path: Path
  readonly spot: Spot | undefined
}

/** Copies along the schema, whose depth bounds the work; what the schema does not know stays what it was. */
class Joiner {
  readonly places: Places
  readonly problems: ConfigProblem[] = []
  readonly doubtful: string[] = []
  readonly #env: Environment

  constructor(places: Places, env: Environment) {
    this.places = new Map(places)
    this.#env = env
  }

  /** Undefined where there is nothing. */
  section(tree: Tree, section: Section, at: At): Tree | undefined {
    if (tree === null) return undefined
    const short = shortKeyOf(section)
    if (short !== undefined && isScalar(tree)) return this.#short(tree, short[0], at)
    if (!isMap(tree)) return tree
    return this.#map(tree, at, (child, name, inner) => {
      const node = Object.hasOwn(section.keys, name) ? section.keys[name] : undefined
      return node === undefined ? child : this.#node(child, node, inner)
    })
  }

  /** Lays one variable over the tree, unless something of the wrong shape is in its way, which is a problem already. */
  overlay(tree: Tree, { steps, key, name, texts, short }: Variable): void {
    const place = { name }
    const spot = { key: place, value: place }
    const worded = texts.map(text => new Worded(text, text, 'environment', short))
    let parent: Tree | undefined = tree
    for (const step of steps.slice(0, -1)) {
      if (!isMap(parent)) return
      if (!Object.hasOwn(parent, step)) {
        parent[step] = this.empty()
        this.places.get(parent)?.set(step, spot)
      }
      parent = parent[step]
    }
    const last = steps.at(-1) ?? ''
    if (!isMap(parent)) return
    const spots = new Map(worded.map((_, index) => [index as Step, spot]))
    parent[last] = key.list ? this.#container(worded, spots) : (worded[0] ?? null)
    this.places.get(parent)?.set(last, spot)
  }

  empty(): TreeMap {
    return this.#container({}, new Map())
  }

  /** One value in place of a section. */
  #short(scalar: Scalar, name: string, at: At): Tree | undefined {
    const expanded = this.#scalar(scalar, at)
    if (expanded === undefined) return undefined
    const worded = new Worded(textOf(scalar), meaningOf(expanded), 'file', true)
    return this.#container({ [name]: worded }, new Map(at.spot === undefined ? [] : [[name, at.spot]]))
  }

  #node(tree: Tree, node: Node, at: At): Tree | undefined {
    if (tree === null) return undefined
    switch (node.kind) {
      case 'key':
        return this.#key(tree, node, at)
      case 'section':
        return this.section(tree, node, at)
      case 'named':
        return isMap(tree)
          ? this.#map(tree, at, (child, _, inner) => this.#item(child, node.of, inner))
          : tree
      case 'listed':
        return Array.isArray(tree)
          ? this.#list(tree, at, (child, inner) => this.#item(child, node.of, inner))
          : tree
    }
  }

  /** One of several: with nothing behind it, it is an empty one. */
  #item(tree: Tree, node: Section | Key, at: At): Tree {
    return this.#node(tree, node, at) ?? (node.kind === 'key' ? null : this.empty())
  }

  #key(tree: Tree, key: Key, at: At): Tree | undefined {
    if (isScalar(tree)) return this.#scalar(tree, at)
    if (!key.list || !Array.isArray(tree)) return tree
    return this.#list(tree, at, (child, { spot }) =>
      isScalar(child) ? this.#scalar(child, { path: at.path, spot }) : child,
    )
  }

  /** What `copy` leaves out is not in it. */
  #map(map: TreeMap, at: At, copy: (child: Tree, name: string, at: At) => Tree | undefined): TreeMap {
    const spots = this.places.get(map) ?? new Map<Step, Spot>()
    const copied = this.#container<TreeMap>({}, new Map(spots))
    for (const [name, child] of Object.entries(map)) {
      const value = copy(child, name, { path: [...at.path, name], spot: spots.get(name) })
      if (value !== undefined) copied[name] = value
    }
    return copied
  }

  #list(list: readonly Tree[], at: At, copy: (child: Tree, at: At) => Tree | undefined): Tree {
    const copied: Tree[] = []
    const spots = new Map<Step, Spot>()
    for (const [index, child] of list.entries()) {
      const spot = this.places.get(list)?.get(index)
      const value = copy(child, { path: [...at.path, index], spot })
      if (value === undefined) continue
      if (spot !== undefined) spots.set(copied.length, spot)
      copied.push(value)
    }
    return this.#container(copied, spots)
  }

  /** Undefined where a variable in it is not set. */
  #scalar(scalar: Scalar, { path, spot }: At): Scalar | undefined {
    if (typeof scalar !== 'string' || !scalar.includes('${')) return scalar
    const expanded = expand(scalar, this.#env)
    if ('value' in expanded) return new Worded(scalar, expanded.value, 'file', false)
    const key = pathText(path)
    this.problems.push({
      place: spot?.value ?? { name: key },
      key,
      found: `\${${expanded.unset}}, and no variable ${expanded.unset} in the environment`,
      allowed: `a variable that is set; or $\${ for a literal \${`,
    })
    this.doubtful.push(key)
    return undefined
  }

  #container<T extends object>(container: T, spots: Map<Step, Spot>): T {
    this.places.set(container, spots)
    return container
  }
}
