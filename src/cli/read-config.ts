import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { loadConfigOffThread } from '../config/off-thread.ts'

/** Reads `file`, if there is one, and the environment. Throws with every problem in one message. */
export function readConfig(file: string | undefined): LoadedConfig {
  if (file === undefined) return loadConfig({ env: process.env })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(error)
  }
  return loadConfig({ file: { name: file, text }, env: process.env })
}

/** The same while we serve: what takes long is done on another thread. */
export async function readConfigAnew(file: string | undefined): Promise<LoadedConfig> {
  if (file === undefined) return loadConfig({ env: process.env })
  const text = await readFile(file, 'utf8').catch(error => {
    throw unreadable(error)
  })
  return await loadConfigOffThread({ file: { name: file, text }, env: process.env })
}

function unreadable(error: unknown): Error {
  return new Error(`can’t read the configuration: ${error instanceof Error ? error.message : String(error)}`)
}
