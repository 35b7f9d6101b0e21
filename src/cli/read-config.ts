import { readFileSync } from 'node:fs'
import { type LoadedConfig, loadConfig } from '../config/load.ts'

/** Reads `file`, if there is one, and the environment. Throws with every problem in one message. */
export function readConfig(file: string | undefined): LoadedConfig {
  if (file === undefined) return loadConfig({ env: process.env })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`can’t read the configuration: ${error instanceof Error ? error.message : String(error)}`)
  }
  return loadConfig({ file: { name: file, text }, env: process.env })
}
