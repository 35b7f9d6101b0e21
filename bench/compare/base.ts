/** The commit that the working tree is compared with, in a scratch folder, with its dependencies and its kernel. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Base {
  readonly commit: string
  /** Its folder, which is gone when this process is. */
  readonly root: string
}

/** The working tree's folder. */
export const TREE = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Whatever ends this process removes the folder, but for SIGKILL: test/support/splitter.ts sees to it that a signal
 * comes as an `exit`.
 */
export function checkOut(commitish: string, tell: (line: string) => void): Base {
  const revision = [
    'rev-parse',
    '--verify',
    '--quiet',
    '--short',
    '--end-of-options',
    `${commitish}^{commit}`,
  ]
  const commit = spawnSync('git', revision, { cwd: TREE, encoding: 'utf8' }).stdout.trim()
  if (commit === '') throw new Error(`${commitish} is no commit`)
  const root = mkdtempSync(join(tmpdir(), `sluice-${commit}-`))
  process.once('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }))
  tell(`base ${commit} in ${root}`)
  const tar = join(root, 'base.tar')
  run('git', ['archive', '--output', tar, commit], TREE)
  run('tar', ['-xf', tar], root)
  rmSync(tar)
  if (lockOf(root) === lockOf(TREE)) shareDependencies(root)
  else run('npm', ['ci'], root)
  buildKernel(root)
  return { commit, root }
}

/** Of the sources in `root` as they are now. */
export function buildKernel(root: string): void {
  run('npm', ['run', '--silent', 'build:kernel'], root)
}

/**
 * Links to our packages, one by one: the folder is the base's own, for Sluice keeps there what it has compiled
 * (src/sluice.js), which must be as warm for one tree as for the other.
 */
function shareDependencies(root: string): void {
  const ours = join(TREE, 'node_modules')
  const theirs = join(root, 'node_modules')
  mkdirSync(theirs)
  for (const name of readdirSync(ours))
    if (!name.startsWith('.') || name === '.bin') symlinkSync(join(ours, name), join(theirs, name))
}

const lockOf = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8')

/** What it says goes to stderr: stdout is for the result. */
function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 2, 2] })
}
