import * as v from 'valibot'
import type { Node } from '../schema/key.ts'
import { nearestKey } from '../schema/nearest.ts'
import type { ConfigProblem } from '../schema/problem.ts'
import {
  describe,
  isShort,
  nodeAt,
  type Path,
  type PlacedTree,
  type Step,
  spotAt,
  type Tree,
  without,
} from '../schema/tree.ts'
import { isShowable } from './file.ts'
import { type ConfigValues, KEYS, SCHEMA } from './schema.ts'
import { pathText } from './settings.ts'

export interface ValuesRead extends PlacedTree {
  /**
   * A key that could not be read has its default here, so that the others can be checked. Undefined where too little could
   * be read.
   */
  readonly values: ConfigValues | undefined
  readonly problems: readonly ConfigProblem[]
  /** Keys that could not be read, and those that may have been meant by what nobody knows. */
  readonly doubtful: readonly string[]
}

/**
 * Gives each text its type, and each key without one its default. `doubtful` are keys of which it is known already that they
 * are wrong, so nobody may miss a value there.
 */
export function readValues(written: PlacedTree, source: string, doubtful: readonly string[]): ValuesRead {
  const first = v.safeParse(SCHEMA.schema, written.tree)
  if (first.success) return { ...written, values: first.output, problems: [], doubtful: [] }
  const found = first.issues.map(issue => problemOf(issue, written, source))
  const known = new Set([...doubtful, ...found.flatMap(({ meant }) => meant)])
  return {
    ...readRest(written, first.issues),
    problems: found.flatMap(({ problem, missing }) => (missing && known.has(problem.key) ? [] : [problem])),
    doubtful: found.flatMap(({ key, meant }) => [key, ...meant]),
  }
}

/** Reads once more without what is wrong, and without the section of several that lacks something. */
function readRest(
  written: PlacedTree,
  issues: readonly v.BaseIssue<unknown>[],
  times = 3,
): PlacedTree & Pick<ValuesRead, 'values'> {
  const wrong = issues.map(issue => present(written.tree, stepsOf(issue)))
  const rest = without(written, wrong)
  const read = v.safeParse(SCHEMA.schema, rest.tree)
  if (read.success) return { ...rest, values: read.output }
  // A section whose required key was wrong lacks it now.
  return times === 0 ? { ...rest, values: undefined } : readRest(rest, read.issues, times - 1)
}

/** How a path is written, with the names and numbers that were written. Shows no name that may be a secret. */
export function shownPath(placed: PlacedTree, path: Path): string {
  const steps = path.flatMap((step, depth): Step[] => {
    const spot = spotAt(placed, path.slice(0, depth + 1))
    if (typeof step === 'number') return [spot?.shown ?? step]
    if (isShowable(step)) return [step]
    return spot !== undefined && typeof spot.shown === 'string' ? [spot.shown] : []
  })
  return pathText(steps)
}

interface Found {
  readonly problem: ConfigProblem
  /** The key that could not be read. */
  readonly key: string
  /** Whether it is not there at all. */
  readonly missing: boolean
  /** The key that somebody may have meant to write. */
  readonly meant: readonly string[]
}

function problemOf(issue: v.BaseIssue<unknown>, written: PlacedTree, source: string): Found {
  const steps = stepsOf(issue)
  const { node, path } = keyAt(steps)
  const spot = spotAt(written, steps)
  const found = nodeAt(written.tree, steps)
  const key = shownPath(written, isShort(found) ? path.slice(0, -1) : path)
  if (node === undefined) {
    const near = nearestTo(key, path)
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`
    const unknown = { place: spot?.key ?? { name: source }, key, found: `an unknown key${hint}` }
    const meant = near === undefined ? [] : [near]
    return { problem: { ...unknown, allowed: issue.message }, key, missing: false, meant }
  }
  const place = (issue.type === NAME_ISSUE ? spot?.key : spot?.value) ?? { name: source }
  const problem = { place, key, found: whatWasFound(issue, found), allowed: issue.message }
  return { problem, key: pathText(path), missing: found === undefined, meant: [] }
}

function whatWasFound({ type, received }: v.BaseIssue<unknown>, found: Tree | undefined): string {
  if (type === NAME_ISSUE || type === 'raw_transform') return received
  return type === 'min_length' ? 'an empty list' : describe(found)
}

/** Where it is the name of one of several that is wrong. */
const NAME_ISSUE = 'raw_check'

/** The steps of an issue, as far as they are in the tree or are missing there. */
function stepsOf(issue: v.BaseIssue<unknown>): Path {
  return (issue.path ?? []).map(({ key }) => key as Step)
}

/** The longest part of a path that is there. */
function present(tree: Tree, steps: Path): Path {
  const missing = steps.findIndex((_, depth) => nodeAt(tree, steps.slice(0, depth + 1)) === undefined)
  return missing < 0 ? steps : steps.slice(0, missing)
}

/** What the schema has at a path, and the path as far as it names a key: not an item of a list of texts. */
function keyAt(steps: Path): { readonly node: Node | undefined; readonly path: Path } {
  let node: Node | undefined = SCHEMA
  for (const [depth, step] of steps.entries()) {
    if (node?.kind === 'key') return { node, path: steps.slice(0, depth) }
    node = childOf(node, step)
  }
  return { node, path: steps }
}

function childOf(node: Node | undefined, step: Step): Node | undefined {
  if (node?.kind === 'section') return Object.hasOwn(node.keys, step) ? node.keys[step] : undefined
  return node?.kind === 'named' || node?.kind === 'listed' ? node.of : undefined
}

/** What an unknown key was most likely meant for: in one of several sections, a key of that section. */
function nearestTo(key: string, path: Path): string | undefined {
  const parent = path.slice(0, -1)
  const { node } = keyAt(parent)
  const beside = node?.kind === 'section' ? Object.keys(node.keys) : []
  if (!isOneOfSeveral(parent)) {
    const here = beside.map(name => pathText([...parent, name]))
    return nearestKey(key, [...new Set([...KEYS.map(({ path }) => path), ...here])])
  }
  const near = nearestKey(`${path.at(-1)}`, beside)
  return near === undefined ? undefined : pathText([...parent, near])
}

function isOneOfSeveral(path: Path): boolean {
  return path.some((_, depth) => {
    const { kind } = keyAt(path.slice(0, depth)).node ?? {}
    return kind === 'named' || kind === 'listed'
  })
}
