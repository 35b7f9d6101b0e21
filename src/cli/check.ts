/** `sluice check`: everything that can be said about a configuration without starting anything. */
import { changedFromDefaults, renderConfig } from '../config/effective.ts'
import { readConfig } from './read-config.ts'

/** `changed` leaves out what is as it would be anyway. */
export function check(file: string | undefined, { changed }: { readonly changed: boolean }): void {
  const { warnings, effective } = readConfig(file)
  process.stdout.write(renderConfig(changed ? changedFromDefaults(effective) : effective))
  for (const { key, message } of warnings) process.stderr.write(`warning: ${key}: ${message}\n`)
  const noted =
    warnings.length === 0 ? '' : `, with ${warnings.length} warning${warnings.length === 1 ? '' : 's'}`
  process.stderr.write(`${file ?? 'the environment'} is valid${noted}\n`)
}
