import type { Environment } from './environment.ts'

/**
 * Replaces each `${NAME}` by that variable of the environment, and `$${` by `${`; any other `$` stays as it is. Works on a
 * single text after the file was parsed, so no value can change the file's structure. Returns the first variable that is
 * not set, if one is.
 */
export function expand(
  text: string,
  env: Environment,
): { readonly value: string } | { readonly unset: string } {
  const unset = [...text.matchAll(PLACEHOLDER)].find(
    ([, name]) => name !== undefined && env[name] === undefined,
  )
  if (unset !== undefined) return { unset: unset[1] ?? '' }
  const value = text.replace(PLACEHOLDER, (_, name?: string) => {
    // A secret that came out of a file often brings that file's last newline along.
    return name === undefined ? '${' : (env[name] ?? '').replace(/\r?\n$/, '')
  })
  return { value }
}

/** The text of which `expand` makes `value`. */
export function escaped(value: string): string {
  return value.replaceAll('${', () => '$${')
}

const PLACEHOLDER = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g
