/**
 * The configuration file, watched for a new one in its place: a rename, or a symlink that leads elsewhere, as editors,
 * configuration management and the kubelet do. A file that is written in place keeps what it is to the system, and is left
 * alone: read in the middle of that, a part of it is often valid (48 of 119 prefixes of a ten-line file were, 42 of them
 * without their `auth`).
 */
import { type BigIntStats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { every } from '../clock.ts'

const INTERVAL_MS = 2500

/**
 * Calls `changed` for each new file in the place of `first`, until it is disposed. A new one may still be written, where
 * somebody removed the old one and began another: it counts when it is the same at two looks in a row.
 */
export function followConfig(
  path: string,
  first: string | undefined,
  changed: () => void,
  intervalMs = INTERVAL_MS,
): Disposable {
  let known = first
  let seen: string | undefined
  let looking = false
  const look = async () => {
    if (looking) return
    looking = true
    // One that is gone for a moment is about to be replaced.
    const found = await stat(path, { bigint: true }).catch(() => undefined)
    looking = false
    if (found === undefined) return
    const state = `${identityOf(found)} ${found.size} ${found.mtimeNs}`
    if (identityOf(found) === known) seen = undefined
    else if (state !== seen) seen = state
    else {
      known = identityOf(found)
      changed()
    }
  }
  return every(intervalMs, () => void look())
}

/** What tells the file at a place from another there; undefined where there is none. */
export function fileAt(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && identityOf(found)
}

function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`
}
