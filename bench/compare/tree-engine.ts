/** The kernel of any checkout, of today or of some commits ago. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Engine } from '../../src/remote-write/engine.ts'
import type { mergeBodies } from '../../src/remote-write/merge.ts'
import type { SplitRules } from '../../src/remote-write/split.ts'

/**
 * Where the engine has been, newest first. **A commit that moves it adds a line.** A change of its contract that the
 * cases of bench/split can't do without belongs here, too.
 */
export const ENGINE_FOLDERS = ['src/remote-write', 'src/split']

export interface TreeEngine {
  readonly engine: Engine
  readonly mergeBodies: typeof mergeBodies
  /** In the tree's own terms, as its own bench measures it. */
  readonly rules: SplitRules
}

/** Loads the modules of the checkout in `root`. */
export async function loadEngine(root: string): Promise<TreeEngine> {
  const folder = ENGINE_FOLDERS.find(it => existsSync(join(root, it, 'engine.ts')))
  if (folder === undefined) throw new Error(`${root} has no engine in ${ENGINE_FOLDERS.join(', ')}`)
  const load = (file: string) => import(pathToFileURL(join(root, file)).href)
  const engine = (await load(`${folder}/engine.ts`)).createEngine('wasm') as Engine
  if (engine.name !== 'wasm') throw new Error('this machine has no SIMD for WASM')
  const { mergeBodies } = await load(`${folder}/merge.ts`)
  const { benchRules } = await load('bench/split/payloads.ts')
  return { engine, mergeBodies, rules: benchRules() }
}
