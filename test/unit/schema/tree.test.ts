import { describe, expect, test } from 'vitest'
import type { Place } from '../../../src/schema/problem.ts'
import {
  describe as describeNode,
  nodeAt,
  type Places,
  type Spot,
  type Step,
  spotAt,
  type Tree,
  without,
} from '../../../src/schema/tree.ts'

const place = (line: number): Place => ({ name: 'f', line, column: 1 })
const spot = (line: number): Spot => ({ key: place(line), value: place(line) })

/** A tree in which every child has a line of its own, in the order of a walk. */
function placed(tree: Tree) {
  const places: Places = new Map()
  let line = 1
  const visit = (node: Tree): void => {
    if (typeof node !== 'object' || node === null) return
    const spots = new Map<Step, Spot>()
    places.set(node, spots)
    const entries = Array.isArray(node) ? [...node.entries()] : Object.entries(node)
    for (const [step, child] of entries) {
      spots.set(step, spot(++line))
      visit(child)
    }
  }
  visit(tree)
  return { tree, places, start: place(1) }
}

describe('the place of a path', () => {
  const tree = placed({ a: { b: 'x' }, c: ['y', 'z'] })
  test.each([
    [[], 1],
    [['a'], 2],
    [['a', 'b'], 3],
    [['c', 1], 6],
    [['a', 'missing'], 2],
    [['missing'], undefined],
    [['a', 'b', 'deeper'], 3],
  ])('%j is in line %s', (path, line) => {
    expect(spotAt(tree, path)?.value.line).toBe(line)
  })
})

describe('a tree without some of its paths', () => {
  test('keeps the places of all else, and its items know what they were', () => {
    const before = placed({ a: { b: 'x', c: 'y' }, l: [{ n: '0' }, { n: '1' }, { n: '2' }] })
    const after = without(before, [
      ['a', 'b'],
      ['l', 0],
      ['l', 2, 'n'],
    ])
    expect(after.tree).toEqual({ a: { c: 'y' }, l: [{ n: '1' }, {}] })
    expect(spotAt(after, ['l', 0])).toMatchObject({ shown: 1 })
    expect(spotAt(after, ['l', 0, 'n'])).toEqual(spotAt(before, ['l', 1, 'n']))
    expect(spotAt(after, ['a', 'c'])).toEqual(spotAt(before, ['a', 'c']))
    expect(before.tree).toEqual({ a: { b: 'x', c: 'y' }, l: [{ n: '0' }, { n: '1' }, { n: '2' }] })
  })

  test('may contain itself', () => {
    const loop: { [name: string]: Tree } = { x: 'y' }
    loop.self = loop
    const after = without({ tree: loop, places: new Map(), start: undefined }, [['self', 'x']])
    expect(nodeAt(after.tree, ['x'])).toBe('y')
    expect(nodeAt(after.tree, ['self', 'x'])).toBeUndefined()
    expect(nodeAt(after.tree, ['self', 'self', 'x'])).toBe('y')
  })
})

test.each([
  [null, 'nothing'],
  [undefined, 'nothing'],
  ['hunter2', 'a single value'],
  [['hunter2'], 'a list'],
  [{ a: 'hunter2' }, 'a section'],
])('%j is described as %s', (node, words) => {
  expect(describeNode(node)).toBe(words)
})
