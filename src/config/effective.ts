import { areSame } from '../schema/fingerprint.ts'
import { type Key, leafOf, listed, type Node } from '../schema/key.ts'
import type { Leaf } from '../schema/leaf.ts'
import { formatPlace, Misfit, quote } from '../schema/problem.ts'
import { isShort, meaningOf, originOf, type Path, type Scalar, textOf } from '../schema/tree.ts'
import type { Config } from './config.ts'
import { escaped } from './expand.ts'
import { KEYS, SCHEMA } from './schema.ts'
import { pathText, type Setting } from './settings.ts'

/** One key of the configuration in force. */
export interface EffectiveKey {
  /** `tenant.label`, `routes[0].tenants` */
  readonly path: string
  readonly steps: Path
  /** As one would write it in YAML; secrets are `[redacted]`. */
  readonly yaml: string
  /** `default`, `sluice.yaml:3:9` or `CT_LISTEN`. */
  readonly from: string
  readonly restart: Key['restart']
}

/** What each key means, secrets too: kept apart, so that nobody prints it. */
const MEANINGS = new WeakMap<EffectiveKey, () => unknown>()

/** Lists every key with what is in force. Goes by the texts, as they were written, and shows each as its type allows. */
export function effectiveKeys(config: Config, settings: readonly Setting[]): EffectiveKey[] {
  // What a key without a default came to be.
  const derived: Readonly<Record<string, string>> = {
    'tenant.missing': config.tenant.missing,
    'tenant.header': config.tenant.header,
    'split.threads': `${config.split.threads}`,
  }
  const written = Map.groupBy(settings, ({ path }) => pathText(path))
  const visit = (node: Node, steps: Path): EffectiveKey[] => {
    const path = pathText(steps)
    switch (node.kind) {
      case 'key': {
        const setting = written.get(path)?.[0]
        return [setting === undefined ? byDefault(node, steps, derived[path]) : asWritten(setting)]
      }
      case 'section':
        return Object.entries(node.keys).flatMap(([name, child]) => visit(child, [...steps, name]))
      case 'named':
      case 'listed':
        return settings.filter(({ path }) => steps.every((step, i) => path[i] === step)).map(asWritten)
    }
  }
  return visit(SCHEMA, [])
}

function byDefault(key: Key, steps: Path, derived: string | undefined): EffectiveKey {
  const text = derived ?? key.default ?? ''
  const texts = key.list ? listed(text) : [text]
  const yaml = key.list ? `[${texts.map(scalar).join(', ')}]` : scalar(text)
  const effective = { path: pathText(steps), steps, yaml, from: 'default', restart: key.restart }
  MEANINGS.set(effective, () => texts.map(text => meant(key.leaf, text)))
  return effective
}

function asWritten({ path: steps, key, scalars, place }: Setting): EffectiveKey {
  const texts = scalars.map(written => scalar(shownText(key, written)))
  const yaml = key.list ? `[${texts.join(', ')}]` : (texts[0] ?? '')
  const effective = { path: pathText(steps), steps, yaml, from: formatPlace(place), restart: key.restart }
  MEANINGS.set(effective, () =>
    scalars.map(written => meant(leafOf(key, written), meaningOf(written), written)),
  )
  return effective
}

/** As YAML, in the sections of the configuration file, each value with its origin. For logs and `check`. */
export function renderConfig(effective: readonly EffectiveKey[]): string {
  const lines: string[] = []
  let open: Path = []
  for (const { steps, yaml, from } of effective) {
    let known = 0
    while (known < steps.length - 1 && steps[known] === open[known]) known++
    // An item of a list begins with its first key.
    let begins = false
    steps.slice(0, -1).forEach((step, depth) => {
      if (depth < known) return
      if (typeof step === 'number') begins = true
      else {
        lines.push(`${indentOf(depth, begins)}${name(step)}:`)
        begins = false
      }
    })
    open = steps.slice(0, -1)
    lines.push(`${indentOf(steps.length - 1, begins)}${name(steps.at(-1) ?? '')}: ${yaml} # ${from}`)
  }
  return lines.map(line => `${line}\n`).join('')
}

function indentOf(depth: number, begins: boolean): string {
  return begins ? `${'  '.repeat(depth - 1)}- ` : '  '.repeat(depth)
}

/** Those that mean something else than their defaults. One that was written with its default's meaning is not among them. */
export function changedFromDefaults(effective: readonly EffectiveKey[]): EffectiveKey[] {
  const defaults = new Map(KEYS.map(({ path, steps, key }) => [path, byDefault(key, steps, undefined)]))
  return effective.filter(key => {
    if (key.from === 'default') return false
    const usual = defaults.get(key.path)
    return usual === undefined || !areSame(meaning(key), meaning(usual))
  })
}

interface Listed {
  readonly effective: readonly EffectiveKey[]
}

/** The keys that have another value after a change. */
export function changedKeys(before: Listed, after: Listed): string[] {
  return changes(before.effective, after.effective).map(([path]) => path)
}

/** Those that hold what they were at the start until the next one. */
export function keysThatWait(start: Listed, now: Listed): string[] {
  const waiting = ({ effective }: Listed) => effective.filter(({ restart }) => restart !== false)
  return changes(waiting(start), waiting(now)).flatMap(([path, was, is]) => {
    const stays = (is ?? was)?.restart === 'presence' && isEmpty(was) === isEmpty(is)
    return stays ? [] : [path]
  })
}

/** By path, with what it was and what it is. */
function changes(before: readonly EffectiveKey[], after: readonly EffectiveKey[]) {
  const old = new Map(before.map(key => [key.path, key]))
  const now = new Map(after.map(key => [key.path, key]))
  return [...new Set([...old.keys(), ...now.keys()])].flatMap(path => {
    const [was, is] = [old.get(path), now.get(path)]
    const same = was !== undefined && is !== undefined && areSame(meaning(was), meaning(is))
    return same ? [] : [[path, was, is] as const]
  })
}

/** What differs from the defaults, for a comparison with other processes: a secret is there, but not its value. */
export function publicText(effective: readonly EffectiveKey[]): string {
  // A Secret is `[redacted]` as JSON.
  return JSON.stringify(changedFromDefaults(effective).map(key => [key.path, meaning(key)]))
}

function meaning(key: EffectiveKey): unknown {
  return MEANINGS.get(key)?.()
}

function isEmpty(key: EffectiveKey | undefined): boolean {
  return key === undefined || key.yaml === '""'
}

/** What stands in place of a section is shown as what it means there; what the environment has, as a file would. */
function shownText(key: Key, written: Scalar): string {
  const leaf = leafOf(key, written)
  const origin = originOf(written)
  const text = textOf(written)
  if (isShort(written) && text === meaningOf(written)) return `${leaf.parse(text, origin)}`
  return origin === 'environment' ? escaped(leaf.show(text)) : leaf.show(text)
}

/** A value, or the text where it is none: an empty one that means nothing. */
function meant(leaf: Leaf<unknown>, text: string, written: Scalar = text): unknown {
  const value = leaf.parse(text, originOf(written))
  return value instanceof Misfit ? text : value
}

function name(step: string | number): string {
  return /^[\w-]+$/.test(`${step}`) ? `${step}` : quote(`${step}`)
}

/** Plain where that is safe, in double quotes where it is not. */
function scalar(text: string): string {
  return /^[\w./][\w./:@+-]*$/.test(text) && !text.endsWith(':') && !/^null$/i.test(text) ? text : quote(text)
}
