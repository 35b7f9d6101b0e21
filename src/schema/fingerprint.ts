import { createHmac, randomBytes } from 'node:crypto'
import { FollowedFile } from './followed-file.ts'
import { Secret } from './secret.ts'

/** Of this process alone, so that nobody can try passwords on a fingerprint. */
const KEY = randomBytes(32)

/** Equal within this process exactly where two values are: secrets by their value, files by their path. Shows neither. */
export function fingerprintOf(value: unknown): string {
  return createHmac('sha256', KEY).update(canonical(value)).digest('base64url')
}

/** Whether two values are the same in this sense. */
export function areSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  if (value instanceof Secret) return `secret ${JSON.stringify(value.reveal())}`
  if (value instanceof FollowedFile) return `file ${JSON.stringify(value.path)}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return `${typeof value} ${JSON.stringify(value)}`
  const parts = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`)
  return `{${parts.sort().join(',')}}`
}
