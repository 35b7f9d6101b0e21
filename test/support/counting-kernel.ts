/**
 * A build of the kernel that counts how often each of its branches is taken. The counters are put into the syntax tree
 * before it is compiled, so the sources know nothing of them and the release has none.
 *
 * A branch is: a function, both ways of an `if` and of a `? :`, the body of a loop, and the right side of `&&` and `||`.
 */
import { readFile } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Expression,
  Node as NodeFactory,
  type Parser,
  type Source,
  type Statement,
  type Node as SyntaxNode,
} from 'assemblyscript'
import { main } from 'assemblyscript/asc'

/** Where the counters stand in the kernel's memory: below the desk, a word each. */
const MOST_COUNTERS = 2000

export interface CountingKernel {
  readonly module: WebAssembly.Module
  /** For each branch where it begins, as `snappy-decode.ts:42:7 then`. */
  readonly branches: readonly string[]
}

/** The counters of an instance; a view that a growing memory makes stale. */
export function countersOf(memory: { readonly buffer: ArrayBuffer }, branches: number): Uint32Array {
  return new Uint32Array(memory.buffer, 0, branches)
}

export async function buildCountingKernel(): Promise<CountingKernel> {
  const folder = fileURLToPath(new URL('../../workers/kernel/', import.meta.url))
  const counters = new Counters()
  let code: Uint8Array | undefined
  const { error, stderr } = await main(
    [
      'index.ts',
      '--baseDir',
      folder,
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '-O1',
      '--outFile',
      'counting.wasm',
    ],
    {
      readFile: async (name, base) => {
        const path = isAbsolute(name) ? name : resolve(base, name)
        return relative(folder, path).startsWith('..') ? null : readFile(path, 'utf8').catch(() => null)
      },
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) code = contents as Uint8Array
      },
      transforms: [{ afterParse: (parser: Parser) => counters.put(parser) }] as never,
    },
  )
  if (error !== null || code === undefined) throw new Error(`${error?.message}: ${stderr}`)
  return { module: new WebAssembly.Module(code), branches: counters.branches }
}

/** `hit` is known in every file. A literal of its own type, because that is the easiest to make. */
const HIT = `
// @ts-ignore: decorator
@global
function hit(n: f64): void {
  const at = <usize>n << 2
  store<u32>(at, load<u32>(at) + 1)
}
`

/** Syntax trees are walked by the names of their fields. */
type Tree = SyntaxNode & Record<string, unknown>

class Counters {
  readonly branches: string[] = []
  #source: Source | undefined

  put(parser: Parser): void {
    for (const source of parser.sources) {
      if (source.internalPath.startsWith('~lib')) continue
      this.#source = source
      this.#walk(source as unknown as Tree)
    }
    parser.parseFile(HIT, 'hit.ts', true)
    if (this.branches.length > MOST_COUNTERS) throw new Error('more branches than there is room for counters')
  }

  #walk(tree: Tree): void {
    if ('ifTrue' in tree) {
      tree.ifTrue = this.#counted(tree.ifTrue as Statement, 'then', tree)
      tree.ifFalse = this.#counted(tree.ifFalse as Statement | null, 'else', tree)
    } else if ('ifThen' in tree) {
      tree.ifThen = this.#countedValue(tree.ifThen as Expression, 'then')
      tree.ifElse = this.#countedValue(tree.ifElse as Expression, 'else')
    } else if ('body' in tree && tree.body !== null) {
      tree.body = this.#counted(tree.body as Statement, 'signature' in tree ? 'function' : 'loop', tree)
    } else if ('left' in tree && 'right' in tree && /&&|\|\|/.test(this.#between(tree))) {
      tree.right = this.#countedValue(tree.right as Expression, 'right')
    }
    for (const [field, value] of Object.entries(tree)) {
      if (field === 'range' || field === 'parent' || field === 'source') continue
      for (const child of Array.isArray(value) ? value : [value]) {
        if (child !== null && typeof child === 'object' && 'range' in child) this.#walk(child as Tree)
      }
    }
  }

  #between({ left, right }: Tree): string {
    const from = (left as SyntaxNode).range.end
    return this.#source?.text.slice(from, (right as SyntaxNode).range.start) ?? ''
  }

  #counted(statement: Statement | null, what: string, parent: SyntaxNode): Statement {
    const { range } = statement ?? parent
    const hit = NodeFactory.createExpressionStatement(this.#hit(what, statement ?? parent))
    return NodeFactory.createBlockStatement(statement === null ? [hit] : [hit, statement], range)
  }

  #countedValue(value: Expression, what: string): Expression {
    const both = NodeFactory.createCommaExpression([this.#hit(what, value), value], value.range)
    return NodeFactory.createParenthesizedExpression(both, value.range)
  }

  #hit(what: string, { range }: SyntaxNode): Expression {
    const number = NodeFactory.createFloatLiteralExpression(this.branches.length, range)
    const { source } = range
    const line = source.lineAt(range.start)
    this.branches.push(`${source.normalizedPath}:${line}:${source.columnAt()} ${what}`)
    return NodeFactory.createCallExpression(
      NodeFactory.createIdentifierExpression('hit', range),
      null,
      [number],
      range,
    )
  }
}
