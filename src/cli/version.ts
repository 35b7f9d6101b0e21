import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** The version of the package that this file belongs to, as in its package.json. */
export function version(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new Error('BUG: sluice runs outside of its package')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
