import type { Config } from './config.ts'
import { listed } from './key.ts'
import { formatPlace, quote } from './problem.ts'
import { KEYS } from './schema.ts'
import type { Settings } from './setting.ts'
import { leafOf } from './values.ts'

/** One key of the configuration in force. */
export interface EffectiveKey {
  readonly path: string
  /** As one would write it in YAML; secrets are `[redacted]`. */
  readonly yaml: string
  /** `default`, `sluice.yaml:3:9` or `CT_LISTEN`. */
  readonly from: string
}

/** Lists every key with what is in force. Goes by the texts, as they were written, and shows each as its type allows. */
export function effectiveKeys(
  config: Config,
  settings: Settings,
  written: ReadonlySet<string>,
): EffectiveKey[] {
  // What a key without a default came to be.
  const derived: Readonly<Record<string, string>> = {
    'tenant.missing': config.tenant.missing,
    'tenant.header': config.tenant.header,
    'split.threads': `${config.split.threads}`,
  }
  return KEYS.map(({ path, key }) => {
    const setting = written.has(path) ? settings.get(path) : undefined
    if (setting === undefined) {
      const text = derived[path] ?? key.default ?? ''
      return {
        path,
        yaml: key.list ? `[${listed(text).map(scalar).join(', ')}]` : scalar(text),
        from: 'default',
      }
    }
    const leaf = leafOf(key, setting)
    // What stands in place of a section is shown as what it means there.
    const shown = (text: string) => (setting.short ? `${leaf.parse(text, setting.origin)}` : leaf.show(text))
    const texts = setting.texts.map(({ text }) => scalar(shown(text)))
    return {
      path,
      yaml: key.list ? `[${texts.join(', ')}]` : (texts[0] as string),
      from: formatPlace(setting.place),
    }
  })
}

/** As YAML, in the sections of the configuration file, each value with its origin. For logs and `check`. */
export function renderConfig(effective: readonly EffectiveKey[]): string {
  const lines: string[] = []
  let open: readonly string[] = []
  for (const { path, yaml, from } of effective) {
    const sections = path.split('.')
    const name = sections.pop() as string
    sections.forEach((section, depth) => {
      if (open.slice(0, depth + 1).join('.') !== sections.slice(0, depth + 1).join('.'))
        lines.push(`${'  '.repeat(depth)}${section}:`)
    })
    open = sections
    lines.push(`${'  '.repeat(sections.length)}${name}: ${yaml} # ${from}`)
  }
  return `${lines.join('\n')}\n`
}

/** Plain where that is safe, in double quotes where it is not. */
function scalar(text: string): string {
  return /^[\w./][\w./:@+-]*$/.test(text) && !text.endsWith(':') && !/^null$/i.test(text) ? text : quote(text)
}
