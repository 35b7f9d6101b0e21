/**
 * Biome on the kernel, as `npm run check` runs it. AssemblyScript has decorators on functions, which Biome can't parse, so
 * it sees a copy in which they are comments, and complains by the same names and lines.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')
const copy = mkdtempSync(join(tmpdir(), 'sluice-kernel-'))
try {
  const to = join(copy, 'workers/kernel')
  mkdirSync(to, { recursive: true })
  // The copy is no repository.
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
  const files = { includes: ['workers/kernel/**'] }
  const { linter } = config
  const rules = {
    ...linter.rules,
    // Not its language: == is ===, types are imported as values, and numbers have 64 bits.
    suspicious: { ...linter.rules.suspicious, noDoubleEquals: 'off' },
    style: { ...linter.rules.style, useImportType: 'off' },
    correctness: { ...linter.rules.correctness, noPrecisionLoss: 'off' },
  }
  const own = { ...config, files, vcs: { enabled: false }, linter: { ...linter, rules } }
  writeFileSync(join(copy, 'biome.json'), JSON.stringify(own))
  const from = join(root, 'workers/kernel')
  for (const file of readdirSync(from).filter(name => name.endsWith('.ts'))) {
    writeFileSync(
      join(to, file),
      readFileSync(join(from, file), 'utf8').replaceAll(/^(\/\/ @ts-ignore: decorator|@\w+)$/gm, '//'),
    )
  }
  const { status } = spawnSync(process.execPath, [biome, 'lint', 'workers/kernel'], {
    cwd: copy,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} finally {
  rmSync(copy, { recursive: true })
}
