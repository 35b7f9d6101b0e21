/** The engines by name. */
import type { MergeRequests } from './merge.ts'
import { splitByReference } from './reference/engine.ts'
import { mergeByReference } from './reference/merge-requests.ts'
import type { Split } from './split.ts'
import { splitByKernel } from './wasm/engine.ts'
import { loadKernel } from './wasm/kernel.ts'
import { mergeByKernel } from './wasm/merge.ts'

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
    ? { name: 'reference', split: splitByReference, mergeRequests: mergeByReference }
    : { name, split: splitByKernel(kernel), mergeRequests: mergeByKernel(kernel) }
}
