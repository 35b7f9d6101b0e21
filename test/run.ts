/**
 * Runs vitest on the projects named on the command line and closes with one plain line, `N passed, N failed`,
 * taken from vitest's own JSON result. Further arguments that start with `-` go to vitest as they are.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface JsonResult {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
  readonly success: boolean
}

const args = process.argv.slice(2)
const flags = args.findIndex(arg => arg.startsWith('-'))
const projects = flags < 0 ? args : args.slice(0, flags)
const extra = flags < 0 ? [] : args.slice(flags)

const dir = await mkdtemp(join(tmpdir(), 'sluice-test-'))
const file = join(dir, 'result.json')
const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...projects.flatMap(name => ['--project', name])]
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
const child = spawn(process.execPath, [...vitest, ...reporters, ...extra], { stdio: 'inherit' })
const code = await new Promise<number>(resolve => child.once('exit', exit => resolve(exit ?? 1)))

let closing = 'vitest gave no result'
let failed = true
try {
  const result = JSON.parse(await readFile(file, 'utf8')) as JsonResult
  // A file that could not even be loaded has no failed test, yet it is a failure.
  const broken = Math.max(result.numFailedTests, result.success ? 0 : 1)
  const skipped = result.numPendingTests > 0 ? `, ${result.numPendingTests} skipped` : ''
  closing = `${result.numPassedTests} passed, ${broken} failed${skipped}`
  failed = broken > 0 || result.numPassedTests === 0
} finally {
  await rm(dir, { recursive: true, force: true })
  process.stdout.write(`${closing}\n`)
  process.exitCode = code !== 0 || failed ? 1 : 0
}
