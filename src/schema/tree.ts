/**
 * What was written, before it has types: maps, lists and texts, and the place of each. All of it can be cloned to another
 * thread, and containers may be shared or contain themselves, as YAML's aliases have it.
 */
import type { Origin } from './leaf.ts'
import type { Place } from './problem.ts'

/** `null` is a key with nothing behind it. */
export type Tree = Scalar | null | TreeList | TreeMap
type TreeList = Tree[]
export interface TreeMap {
  [name: string]: Tree
}
/** The text of a file, or one of which more has to be known. */
export type Scalar = string | Worded

/** By name, or by index from 0. */
export type Step = string | number
export type Path = readonly Step[]

/** A text that is not, or not only, what stands in a file. */
export class Worded {
  /** As it was written, which is all that is ever shown. */
  readonly text: string
  /** What it means: the same, with `${NAME}` replaced. */
  readonly value: string
  readonly origin: Origin
  /** Whether it stands in place of its key's section. */
  readonly short: boolean

  constructor(text: string, value: string, origin: Origin, short: boolean) {
    this.text = text
    this.value = value
    this.origin = origin
    this.short = short
  }
}

/** Where a child of a container stands. */
export interface Spot {
  /** Its key; that of a list's item is the item. */
  readonly key: Place
  readonly value: Place
  /** How the key was written, where its name here is another; undefined where that must not be shown. */
  readonly shown?: Step | undefined
}

/** By container, then by name or index. */
export type Places = Map<object, Map<Step, Spot>>

export interface PlacedTree {
  readonly tree: Tree
  readonly places: Places
  /** Where all of it begins; undefined where nothing was written. */
  readonly start: Place | undefined
}

export function isScalar(node: unknown): node is Scalar {
  return typeof node === 'string' || node instanceof Worded
}

export function isMap(node: unknown): node is TreeMap {
  return typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof Worded)
}

/** The value that counts. */
export function meaningOf(scalar: Scalar): string {
  return typeof scalar === 'string' ? scalar : scalar.value
}

/** The text that may be shown, as far as its type allows. */
export function textOf(scalar: Scalar): string {
  return typeof scalar === 'string' ? scalar : scalar.text
}

export function originOf(scalar: Scalar): Origin {
  return typeof scalar === 'string' ? 'file' : scalar.origin
}

export function isShort(scalar: Tree | undefined): boolean {
  return scalar instanceof Worded && scalar.short
}

export function childOf(node: Tree | undefined, step: Step): Tree | undefined {
  if (Array.isArray(node)) return typeof step === 'number' ? node[step] : undefined
  return isMap(node) && Object.hasOwn(node, step) ? node[step] : undefined
}

export function nodeAt(tree: Tree, path: Path): Tree | undefined {
  return path.reduce<Tree | undefined>(childOf, tree)
}

/** The place of the deepest part of a path that was written; undefined where none was. */
export function spotAt({ tree, places, start }: PlacedTree, path: Path): Spot | undefined {
  let node: Tree | undefined = tree
  let spot: Spot | undefined
  if (path.length === 0) return start === undefined ? undefined : { key: start, value: start }
  for (const step of path) {
    const next: Spot | undefined = isContainer(node) ? places.get(node)?.get(step) : undefined
    if (next === undefined) return spot
    spot = next
    node = childOf(node, step)
  }
  return spot
}

/** Never repeats what was written: it may be a secret in the wrong place. */
export function describe(node: Tree | undefined): string {
  if (node === null || node === undefined) return 'nothing'
  if (isScalar(node)) return 'a single value'
  return isMap(node) ? 'a section' : 'a list'
}

/** Returns the tree without what stands at `paths`; shares what is the same. A list closes up, and its items keep their places. */
export function without({ tree, places, start }: PlacedTree, paths: readonly Path[]): PlacedTree {
  const kept: Places = new Map(places)
  const cut = (node: Tree, ends: readonly Path[]): Tree => {
    if (!isContainer(node)) return node
    const inside = Map.groupBy(
      ends.filter(end => end.length > 0),
      ([step]) => step as Step,
    )
    const spots = new Map<Step, Spot>()
    const entries: [Step, Tree][] = Array.isArray(node) ? [...node.entries()] : Object.entries(node)
    const rest = entries.flatMap(([step, child]): [Step, Tree][] => {
      const below = (inside.get(step) ?? []).map(end => end.slice(1))
      return below.some(end => end.length === 0) ? [] : [[step, below.length > 0 ? cut(child, below) : child]]
    })
    rest.forEach(([step], index) => {
      const spot = places.get(node)?.get(step)
      if (spot === undefined) return
      if (Array.isArray(node)) spots.set(index, { ...spot, shown: spot.shown ?? step })
      else spots.set(step, spot)
    })
    const copy = Array.isArray(node) ? rest.map(([, child]) => child) : Object.fromEntries(rest)
    kept.set(copy, spots)
    return copy
  }
  return { tree: cut(tree, paths), places: kept, start }
}

function isContainer(node: Tree | undefined): node is TreeList | TreeMap {
  return Array.isArray(node) || isMap(node)
}
