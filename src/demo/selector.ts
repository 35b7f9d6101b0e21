/**
 * The one kind of PromQL that the embedded store answers: a metric selector such as `up{job="api",code!~"5.."}`.
 * Regular expressions are RE2, as in Prometheus: their time is linear in the text, so a query can't stall the demo.
 */
import { RE2JS } from 're2js'
import type { Labels } from './memory.ts'

/** True where every matcher accepts its label; a label that a series does not have counts as empty. */
export type Selector = (labels: Labels) => boolean

export type SelectorResult =
  | { readonly ok: true; readonly selector: Selector }
  | { readonly ok: false; readonly error: string }

type Operator = '=' | '!=' | '=~' | '!~'

interface Matcher {
  readonly name: string
  readonly accepts: (value: string) => boolean
}

/** Longest selector, and with it the longest regular expression. */
const MAX_LENGTH = 2048

export function parseSelector(text: string): SelectorResult {
  try {
    const matchers = new Parser(text).selector()
    if (matchers.every(({ accepts }) => accepts(''))) {
      throw new SelectorError('a selector needs at least one matcher that does not match the empty string')
    }
    return {
      ok: true,
      selector: labels => matchers.every(({ name, accepts }) => accepts(value(labels, name))),
    }
  } catch (error) {
    if (error instanceof SelectorError) return { ok: false, error: error.message }
    throw error
  }
}

function value(labels: Labels, name: string): string {
  return labels.find(label => label[0] === name)?.[1] ?? ''
}

/** Never leaves this file. */
class SelectorError extends Error {}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    if (text.length > MAX_LENGTH) {
      throw new SelectorError(`the selector has ${text.length} characters, at most ${MAX_LENGTH} are allowed`)
    }
    this.#text = text
  }

  selector(): readonly Matcher[] {
    const matchers: Matcher[] = []
    this.#space()
    const metric = this.#take(METRIC_NAME)
    if (metric !== undefined) matchers.push(matcher('__name__', '=', metric))
    if (this.#skip('{')) {
      while (!this.#skip('}')) {
        matchers.push(this.#matcher())
        if (!this.#skip(',') && !this.#peek('}')) throw this.#unexpected('"," or "}"')
      }
    } else if (metric === undefined) {
      throw this.#unsupported()
    }
    if (this.#at < this.#text.length) throw this.#unsupported()
    return matchers
  }

  #matcher(): Matcher {
    const name = this.#take(LABEL_NAME)
    if (name === undefined) throw this.#unexpected('a label name')
    const operator = this.#take(OPERATOR)
    if (operator === undefined) throw this.#unexpected('one of = != =~ !~')
    const quoted = this.#take(QUOTED)
    if (quoted === undefined) throw this.#unexpected('a quoted string')
    return matcher(name, operator as Operator, unquote(quoted))
  }

  /** Returns what `pattern` (sticky) finds here, and stands after it and the space that follows. */
  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return undefined
    this.#at += found.length
    this.#space()
    return found
  }

  #peek(char: string): boolean {
    return this.#text[this.#at] === char
  }

  #skip(char: string): boolean {
    if (!this.#peek(char)) return false
    this.#at++
    this.#space()
    return true
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #found(): string {
    const rest = this.#text.slice(this.#at, this.#at + 16)
    return rest === '' ? 'the end' : JSON.stringify(rest)
  }

  #unexpected(expected: string): SelectorError {
    return new SelectorError(`1:${this.#at + 1}: parse error: expected ${expected}, found ${this.#found()}`)
  }

  #unsupported(): SelectorError {
    return new SelectorError(
      `1:${this.#at + 1}: this embedded store answers metric selectors only, such as up or up{job="sluice"}; found ${this.#found()}`,
    )
  }
}

const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y
const OPERATOR = /=~|!~|!=|=/y
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y

function matcher(name: string, operator: Operator, operand: string): Matcher {
  if (operator === '=') return { name, accepts: value => value === operand }
  if (operator === '!=') return { name, accepts: value => value !== operand }
  const matches = remembering(compile(operand))
  return operator === '=~' ? { name, accepts: matches } : { name, accepts: value => !matches(value) }
}

function compile(pattern: string): (value: string) => boolean {
  try {
    const regex = RE2JS.compile(pattern, RE2JS.DOTALL)
    return value => regex.matches(value)
  } catch (error) {
    throw new SelectorError(`not a regular expression (RE2): ${(error as Error).message}`)
  }
}

/** Thousands of series share a few values, and a selector lives as long as one query. */
function remembering(matches: (value: string) => boolean): (value: string) => boolean {
  const known = new Map<string, boolean>()
  return value => {
    const before = known.get(value)
    if (before !== undefined) return before
    const result = matches(value)
    known.set(value, result)
    return result
  }
}

/** Undoes the escapes of a Go string; a raw one, in backticks, has none. */
function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1)
  if (quoted.startsWith('`')) return inner
  return inner.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^xu])|\\[xu]/g, (whole, code?: string) => {
    if (code === undefined) throw new SelectorError(`unknown escape ${whole} in a string`)
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    const plain = ESCAPES.get(code)
    if (plain === undefined) throw new SelectorError(`unknown escape ${whole} in a string`)
    return plain
  })
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['\\', '\\'],
  ['"', '"'],
  ["'", "'"],
])
