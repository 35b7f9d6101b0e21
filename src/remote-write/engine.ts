/** The engines by name. */
import { createRequire } from 'node:module'
import type { MergeRequests } from './merge.ts'
import type { Split } from './split.ts'
import { splitByKernel } from './wasm/engine.ts'
import { loadKernel } from './wasm/kernel.ts'
import { mergeByKernel } from './wasm/merge.ts'

const require = createRequire(import.meta.url)

export type EngineName = 'wasm' | 'reference'

export interface Engine {
  readonly name: EngineName
  /** Not to be shared between threads. */
  readonly split: Split
  /** Not to be shared, either. */
  readonly mergeRequests: MergeRequests
}

/** Returns the engine of that name, fresh; the reference instead of the kernel where this machine has no SIMD for WASM. */
export function createEngine(name: EngineName, load = loadKernel): Engine {
  const kernel = name === 'wasm' ? load() : undefined
  return kernel === undefined
    ? referenceEngine()
    : { name, split: splitByKernel(kernel), mergeRequests: mergeByKernel(kernel) }
}

/** Loaded when it is asked for: it brings two libraries, which each thread would keep in memory. */
function referenceEngine(): Engine {
  // In the sources as in what is packed, its files end like this one's.
  const end = import.meta.url.slice(-3)
  const engine: typeof import('./reference/engine.ts') = require(`./reference/engine${end}`)
  const merge: typeof import('./reference/merge-requests.ts') = require(`./reference/merge-requests${end}`)
  return { name: 'reference', split: engine.splitByReference, mergeRequests: merge.mergeByReference }
}
