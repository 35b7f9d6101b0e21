/**
 * The language in which the configuration is declared. A key says once what it is called in YAML and in code, what may be
 * written, what it means without, and its sentence; out of that come a valibot schema, which turns texts into typed values
 * or into issues, and all that is generated.
 */
import * as v from 'valibot'
import type { Leaf } from './leaf.ts'
import { Misfit, quote } from './problem.ts'
import { describe, isMap, isScalar, isShort, meaningOf, originOf, type Tree, textOf } from './tree.ts'

type Schema<T> = v.GenericSchema<unknown, T>

/**
 * One key: what may be written, and what it means. `A` is where the code finds the value: a name, names parted by dots,
 * or empty for the key's own name.
 */
export interface Key<T = unknown, A extends string = string> {
  readonly kind: 'key'
  readonly as: A
  readonly leaf: Leaf<unknown>
  readonly list: boolean
  /** As one would write it; undefined where the value follows from something else, or has to be given. */
  readonly default: string | undefined
  /** What happens without a value, where there is no default. */
  readonly unset: string
  /** What to write, where something must be. */
  readonly required: string | undefined
  /** cortex-tenant's variable. Our own one follows from the path. */
  readonly ct: string | undefined
  /** The peer can't tell empty and 0 from "not written", and takes its default then. So do we for its keys. */
  readonly zeroIsUnset: boolean
  /**
   * What may be written in place of the key's whole section, and means this key: the peer has one value where we have a
   * section. Its variables are the peer's, and the section's own.
   */
  readonly short: Leaf<unknown> | undefined
  /** Whether only a restart changes it: always, or where it comes to be written or is left out. */
  readonly restart: boolean | 'presence'
  readonly sentence: string
  readonly schema: Schema<T>
}

/** Keys under one name. */
export interface Section {
  readonly kind: 'section'
  readonly as: string
  readonly sentence: string
  readonly keys: Keys
  readonly schema: Schema<unknown>
}

/** A section of which it is known what becomes of it. */
interface SectionOf<K extends Keys, A extends string> extends Section {
  readonly as: A
  readonly keys: K
  readonly schema: Schema<Values<K>>
}

/** Sections, or single values, under names that the operator chooses. */
export interface Named<T = unknown> {
  readonly kind: 'named'
  readonly as: ''
  /** What a name is. */
  readonly name: Leaf<string>
  readonly sentence: string
  readonly of: Section | Key
  readonly schema: Schema<Readonly<Record<string, T>>>
}

/** Sections one after the other. */
export interface Listed<T = unknown> {
  readonly kind: 'listed'
  readonly as: ''
  readonly sentence: string
  readonly of: Section
  readonly schema: Schema<readonly T[]>
}

export type Node = Key | Section | Named | Listed

export interface Keys {
  readonly [name: string]: Node
}

/** What a table of keys becomes once it is read: nested as the keys' names in code say. */
export type Values<K extends Keys> = Flat<All<{ [N in keyof K & string]: Placed<N, K[N]> }[keyof K & string]>>

type Placed<N extends string, E> =
  E extends SectionOf<infer K, infer A>
    ? A extends '.'
      ? Values<K>
      : Nested<A extends '' ? N : A, Values<K>>
    : E extends { readonly as: infer A extends string; readonly schema: v.GenericSchema<unknown, infer T> }
      ? Nested<A extends '' ? N : A, T>
      : never

type Nested<P extends string, T> = P extends `${infer Head}.${infer Rest}`
  ? { readonly [N in Head]: Nested<Rest, T> }
  : { readonly [N in P]: T }

type All<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never
type Flat<T> = T extends object ? { readonly [N in keyof T]: T[N] } : T

interface Options<A extends string> {
  readonly as?: A
  readonly ct?: string
  readonly zeroIsUnset?: true
  readonly restart?: true | 'presence'
}

export function key<T, const A extends string = ''>(
  leaf: Leaf<T>,
  def: string,
  sentence: string,
  options: Options<A> & { readonly short?: Leaf<T> } = {},
): Key<T, NoInfer<A>> {
  const { short } = options
  return {
    ...bare(leaf, sentence, options),
    short,
    default: def,
    schema: v.optional(single(leaf, short), def),
  }
}

/** One that may be left out; `unset` says what happens then. */
export function optional<T, const A extends string = ''>(
  leaf: Leaf<T>,
  unset: string,
  sentence: string,
  options: Options<A> = {},
): Key<T | undefined, NoInfer<A>> {
  return { ...bare(leaf, sentence, options), unset, schema: v.optional(single(leaf)) }
}

/** One that must be written; `what` says what. */
export function required<T, const A extends string = ''>(
  leaf: Leaf<T>,
  what: string,
  sentence: string,
  options: Options<A> = {},
): Key<T, NoInfer<A>> {
  return { ...bare(leaf, sentence, options), unset: 'must be given', required: what, schema: single(leaf) }
}

/** `options.items` is the default, as one would write it in a variable: separated by commas. */
export function list<T, const A extends string = ''>(
  leaf: Leaf<T>,
  sentence: string,
  options: Options<A> & { readonly items?: string } = {},
): Key<readonly T[], NoInfer<A>> {
  const { items = '' } = options
  return {
    ...bare(leaf, sentence, options),
    list: true,
    default: items,
    schema: v.optional(several(leaf), () => listed(items)),
  }
}

/** A list that may be left out; one that is written has something in it. */
export function optionalList<T, const A extends string = ''>(
  leaf: Leaf<T>,
  unset: string,
  sentence: string,
  options: Options<A> = {},
): Key<readonly T[] | undefined, NoInfer<A>> {
  const schema = v.pipe(several(leaf), v.minLength(1, 'at least one item, or the key left out'))
  return { ...bare(leaf, sentence, options), list: true, unset, schema: v.optional(schema) }
}

/** The same key in another place, where it takes the value of `path` unless it is written. */
export function inherited<T, A extends string>(
  from: Key<T, A>,
  path: string,
  sentence = from.sentence,
): Key<T | undefined, LastOf<A>> {
  const { leaf } = from
  const as = from.as.slice(from.as.lastIndexOf('.') + 1) as LastOf<A>
  const schema = v.optional(from.list ? several(leaf) : single(leaf)) as unknown as Schema<T | undefined>
  const own = { ct: undefined, short: undefined, restart: false, required: undefined } as const
  return { ...from, ...own, as, sentence, default: undefined, unset: `as \`${path}\``, schema }
}

type LastOf<P extends string> = P extends `${string}.${infer Rest}` ? LastOf<Rest> : P

/** A section whose keys take the values of those of the section `path`, but for the ones that are left out. */
export function inheritedSection<K extends Readonly<Record<string, Key>>, const O extends keyof K & string>(
  from: SectionOf<K, string>,
  path: string,
  omitted: readonly O[],
): SectionOf<InheritedKeys<Omit<K, O>>, ''> {
  const keys = Object.entries(from.keys).flatMap(([name, one]): [string, Key][] =>
    (omitted as readonly string[]).includes(name) ? [] : [[name, inherited(one, `${path}.${name}`)]],
  )
  return section(from.sentence, Object.fromEntries(keys) as unknown as InheritedKeys<Omit<K, O>>)
}

type InheritedKeys<K> = {
  readonly [N in keyof K]: K[N] extends Key<infer T, infer A> ? Key<T | undefined, LastOf<A>> : never
}

/** `as` is where the code finds its values; `.` for among those of what it stands in. */
export function section<const K extends Keys, const A extends string = ''>(
  sentence: string,
  keys: K,
  as: A = '' as A,
): SectionOf<K, NoInfer<A>> {
  const short = shortKeyOf({ keys })
  const either = short === undefined ? '' : `${short[1].name}, or `
  const names = Object.keys(keys).join(', ')
  const entries = Object.fromEntries(Object.entries(keys).map(([name, node]) => [name, entryOf(node)]))
  // valibot asks whether a name is `in` it.
  Object.setPrototypeOf(entries, null)
  const missing = ({ expected }: { readonly expected: string | null }) => {
    const node = keys[JSON.parse(expected ?? '""')]
    return node?.kind === 'key' ? (node.required ?? '') : ''
  }
  const schema = v.pipe(
    v.custom<Record<string, unknown>>(isMap, `${either}a section with ${names}`),
    v.objectWithRest(entries, v.never(names), missing),
    // The one place where names of the file become names of the code; Values says so in types.
    v.transform(values => placed(keys, values) as Values<K>),
  )
  return { kind: 'section', as: as, sentence, keys, schema }
}

export function named<T>(
  name: Leaf<string>,
  sentence: string,
  of: { readonly schema: Schema<T> } & (Section | Key),
): Named<T> {
  const nameSchema = v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      const result = name.parse(dataset.value, 'file')
      if (result instanceof Misfit) addIssue({ message: result.allowed, received: 'a name that is none' })
    }),
  )
  const schema = v.pipe(
    v.custom<Record<string, unknown>>(isMap, `a section with a ${name.name} for each`),
    v.record(nameSchema, of.schema),
  )
  return { kind: 'named', as: '', name, sentence, of, schema: v.optional(schema, {}) }
}

export function listedSections<T>(sentence: string, of: { readonly schema: Schema<T> } & Section): Listed<T> {
  const schema = v.array(of.schema, 'a list of sections')
  return { kind: 'listed', as: '', sentence, of, schema: v.optional(schema, []) }
}

/** The items of a list in one text. */
export function listed(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

/** The key of a section that one value in place of the section means, by its name; undefined where there is none. */
export function shortKeyOf({
  keys,
}: {
  readonly keys: Keys
}): readonly [name: string, short: Leaf<unknown>] | undefined {
  for (const [name, node] of Object.entries(keys)) {
    if (node.kind === 'key' && node.short !== undefined) return [name, node.short]
  }
  return undefined
}

/** By whose words a scalar of a key is to be read. */
export function leafOf(key: Key, scalar: Tree | undefined): Leaf<unknown> {
  return isShort(scalar) && key.short !== undefined ? key.short : key.leaf
}

function bare<A extends string>(
  leaf: Leaf<unknown>,
  sentence: string,
  { as = '' as A, ct, zeroIsUnset, restart }: Options<A>,
) {
  return {
    ...({ kind: 'key', list: false, default: undefined, required: undefined, short: undefined } as const),
    ...{
      as: as,
      leaf,
      sentence,
      ct,
      unset: '',
      zeroIsUnset: zeroIsUnset === true,
      restart: restart ?? false,
    },
  }
}

function single<T>(leaf: Leaf<T>, short?: Leaf<T>): Schema<T> {
  return parsed(leaf, short, 'a single value')
}

function several<T>(leaf: Leaf<T>): Schema<readonly T[]> {
  const one = parsed(leaf, undefined, 'a list of single values')
  return v.array(one, 'a list of single values')
}

/** An issue says what is allowed as its message, and what was found as what it received. */
function parsed<T>(leaf: Leaf<T>, short: Leaf<T> | undefined, shape: string): Schema<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      const node = dataset.value as Tree | undefined
      if (!isScalar(node)) {
        addIssue({ message: shape, received: describe(node) })
        return NEVER
      }
      const words = isShort(node) ? (short ?? leaf) : leaf
      const value = words.parse(meaningOf(node), originOf(node))
      if (!(value instanceof Misfit)) return value
      addIssue({ message: value.allowed, received: quote(words.show(textOf(node))) })
      return NEVER
    }),
    v.metadata({ leaf }),
  )
}

/** What stands in a section for a node: a section that is not written has its defaults. */
function entryOf(node: Node): Schema<unknown> {
  return node.kind === 'section' ? v.optional(node.schema, {}) : node.schema
}

function placed(keys: Keys, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, node] of Object.entries(keys)) {
    const value = values[name]
    if (node.as === '.') merge(out, value as Record<string, unknown>)
    else put(out, (node.as || name).split('.'), value)
  }
  return out
}

function put(into: Record<string, unknown>, [head = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length > 0) {
    into[head] ??= {}
    put(into[head] as Record<string, unknown>, rest, value)
  } else if (into[head] !== undefined && isMap(into[head])) {
    merge(into[head], value as Record<string, unknown>)
  } else {
    into[head] = value
  }
}

function merge(into: Record<string, unknown>, values: Readonly<Record<string, unknown>>): void {
  Object.assign(into, values)
}
