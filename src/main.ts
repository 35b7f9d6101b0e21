/** The process: its arguments, its signals, its exit. Nothing else knows about them. */
import { createProgram, normaliseArguments } from './cli/program.ts'
import { signals } from './cli/signals.ts'

// Whoever read what we write may leave before us: a log collector that restarts, `| head`. That must not end us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await createProgram(signals()).parseAsync(normaliseArguments(process.argv), { from: 'node' })
} catch (error) {
  process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
