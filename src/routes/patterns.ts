/**
 * Many patterns against one name: the first row that matches. Each pattern is filed under a piece of text that every name
 * of it holds, and a name is read once to find all pieces in it (Aho and Corasick, 1975). So a name costs its length, and
 * one try for each pattern whose piece it holds: with a thousand patterns `*-N-*` a few, not a thousand.
 */
import { matcherOf } from '../text.ts'

export interface Pattern {
  readonly row: number
  /** Text with `*` for any number of characters, and at least one other character. */
  readonly text: string
}

interface Filed {
  readonly row: number
  readonly matches: (name: string) => boolean
}

/** Where reading is: what was read last is the beginning of a piece. */
class Node {
  readonly next: Map<number, Node> = new Map()
  /** By row; of the piece that ends here. */
  readonly filed: Filed[] = []
  /** The longest other beginning that what was read ends with. */
  fallback: Node | undefined
  /** The same, of a whole piece. */
  shorter: Node | undefined
  /** The last name for which what is filed here was tried. */
  turn = 0
}

export class Patterns {
  readonly #root = new Node()
  #turn = 0

  /** In the order of their rows. */
  constructor(patterns: readonly Pattern[], matcher: typeof matcherOf = matcherOf) {
    const held = heldBy(patterns)
    for (const { row, text } of patterns) {
      this.#nodeOf(pieceOf(text, held)).filed.push({ row, matches: matcher(text) })
    }
    this.#link()
  }

  /** The first row before `end` with a pattern of this name, or `end`. */
  firstOf(name: string, end: number): number {
    const turn = ++this.#turn
    let first = end
    let node = this.#root
    for (let at = 0; at < name.length; at++) {
      node = this.#after(node, name.charCodeAt(at))
      let whole = node.filed.length > 0 ? node : node.shorter
      // Those behind one that had its turn have had theirs: no name makes us try a pattern twice.
      while (whole !== undefined && whole.turn !== turn) {
        whole.turn = turn
        for (const { row, matches } of whole.filed) {
          if (row >= first) break
          if (matches(name)) first = row
        }
        whole = whole.shorter
      }
    }
    return first
  }

  #nodeOf(piece: string): Node {
    let node = this.#root
    for (let at = 0; at < piece.length; at++) {
      const code = piece.charCodeAt(at)
      let next = node.next.get(code)
      if (next === undefined) {
        next = new Node()
        node.next.set(code, next)
      }
      node = next
    }
    return node
  }

  #after(from: Node, code: number): Node {
    for (let node: Node | undefined = from; node !== undefined; node = node.fallback) {
      const next = node.next.get(code)
      if (next !== undefined) return next
    }
    return this.#root
  }

  /** Shorter ones first, as longer ones fall back to them. */
  #link(): void {
    const nodes = [this.#root]
    for (const node of nodes) {
      for (const [code, next] of node.next) {
        const fallback = node.fallback === undefined ? this.#root : this.#after(node.fallback, code)
        next.fallback = fallback
        next.shorter = fallback.filed.length > 0 ? fallback : fallback.shorter
        nodes.push(next)
      }
    }
  }
}

/** Pieces, with how many patterns have each. */
function heldBy(patterns: readonly Pattern[]): ReadonlyMap<string, number> {
  const held = new Map<string, number>()
  for (const { text } of patterns) {
    for (const piece of new Set(piecesOf(text))) held.set(piece, (held.get(piece) ?? 0) + 1)
  }
  return held
}

/** The piece that fewest others have, and of several the longest: few names hold it. */
function pieceOf(text: string, held: ReadonlyMap<string, number>): string {
  const others = (piece: string) => held.get(piece) ?? 0
  const [best] = piecesOf(text).sort((a, b) => others(a) - others(b) || b.length - a.length)
  if (best === undefined) throw new Error(`BUG: ${text} is a pattern of everything`)
  return best
}

function piecesOf(text: string): string[] {
  return text.split('*').filter(piece => piece !== '')
}
