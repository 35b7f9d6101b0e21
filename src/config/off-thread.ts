import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { FileRead } from './file.ts'
import { type ConfigSource, type LoadedConfig, loadTree, NO_FILE } from './load.ts'

/**
 * As loadConfig, for a process that serves meanwhile: YAML is parsed on a thread that ends with it, which takes 100 to 190 ms
 * for 1,000 routes; the check of what came out takes a few, here.
 */
export async function loadConfigOffThread(source: ConfigSource): Promise<LoadedConfig> {
  const { file } = source
  const parsed = file === undefined ? NO_FILE : await parse(file)
  // What came in is taken apart in one turn of the loop, and checked in the next.
  await setImmediate()
  return loadTree(parsed, source)
}

async function parse(file: { readonly name: string; readonly text: string }): Promise<FileRead> {
  const { name, text } = file
  // In the sources as in what is packed, the worker's file ends like this one's.
  const entry = new URL(`./parse-worker${import.meta.url.slice(-3)}`, import.meta.url)
  const worker = new Worker(entry, { workerData: { name, text } })
  try {
    // Rejects where the thread fails.
    const [parsed] = await once(worker, 'message')
    return parsed as FileRead
  } finally {
    await worker.terminate()
  }
}
