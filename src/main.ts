/** The process: its arguments, its signals, its exit. Nothing else knows about them. */
import { createProgram, normaliseArguments } from './cli/program.ts'
import { signals } from './cli/signals.ts'

try {
  await createProgram(signals()).parseAsync(normaliseArguments(process.argv), { from: 'node' })
} catch (error) {
  process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
