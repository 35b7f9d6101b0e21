import type { Leaf } from './leaf.ts'

/** One key of the configuration: what may be written, and what it means. */
export interface Key<T = unknown> {
  readonly kind: 'key'
  readonly leaf: Leaf<unknown>
  readonly list: boolean
  /** As one would write it; undefined where the value follows from something else, or has to be given. */
  readonly default: string | undefined
  /** What happens without a value, where there is no default. */
  readonly unset: string
  /** cortex-tenant's variable. Our own one follows from the path. */
  readonly ct: string | undefined
  /** The peer can't tell empty and 0 from "not written", and takes its default then. So do we for its keys. */
  readonly zeroIsUnset: boolean
  /**
   * What may be written in place of the key's whole section, and means this key: the peer has one value where we have a
   * section. Its variables are the peer's, and the section's own.
   */
  readonly short: Leaf<unknown> | undefined
  readonly sentence: string
  /** Carries the type of the value, and nothing at run time. */
  readonly value?: T
}

export interface Section<K extends Keys = Keys> {
  readonly kind: 'section'
  readonly sentence: string
  readonly keys: K
}

export interface Keys {
  readonly [name: string]: Key | Section
}

/** What a table of keys becomes once it is read. */
export type Values<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Section<infer S> ? Values<S> : K[N] extends Key<infer T> ? T : never
}

interface Options {
  readonly ct?: string
  readonly zeroIsUnset?: true
  readonly short?: Leaf<unknown>
}

export function key<T>(
  leaf: Leaf<T>,
  def: string,
  sentence: string,
  options: Omit<Options, 'short'> & { readonly short?: Leaf<T> } = {},
): Key<T> {
  return { ...bare(leaf, sentence, options), default: def, unset: '' }
}

export function optional<T>(
  leaf: Leaf<T>,
  unset: string,
  sentence: string,
  options: Options = {},
): Key<T | undefined> {
  return { ...bare(leaf, sentence, options), default: undefined, unset }
}

/** `options.items` is the default, as one would write it in a variable: separated by commas. */
export function list<T>(
  leaf: Leaf<T>,
  sentence: string,
  options: Options & { readonly items?: string } = {},
): Key<readonly T[]> {
  return { ...bare(leaf, sentence, options), list: true, default: options.items ?? '', unset: '' }
}

/** The items of a list in one text. */
export function listed(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function bare(leaf: Leaf<unknown>, sentence: string, { ct, zeroIsUnset = undefined, short }: Options) {
  return { kind: 'key', leaf, list: false, ct, zeroIsUnset: zeroIsUnset === true, short, sentence } as const
}

/** The key of a section that one value in place of the section means, by its name; undefined where there is none. */
export function shortKeyOf({ keys }: Section): readonly [name: string, short: Leaf<unknown>] | undefined {
  for (const [name, node] of Object.entries(keys)) {
    if (node.kind === 'key' && node.short !== undefined) return [name, node.short]
  }
  return undefined
}

export function section<const K extends Keys>(sentence: string, keys: K): Section<K> {
  return { kind: 'section', sentence, keys }
}
