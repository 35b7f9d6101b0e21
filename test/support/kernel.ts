/** The kernel as the tests use it, and a comparison with the reference that leaves nothing out. */
import { expect } from 'vitest'
import type { MergeRequests } from '../../src/remote-write/merge.ts'
import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import type { Push, Split, SplitResult, SplitRules } from '../../src/remote-write/split.ts'
import { splitByKernel } from '../../src/remote-write/wasm/engine.ts'
import { loadKernel } from '../../src/remote-write/wasm/kernel.ts'
import { mergeByKernel } from '../../src/remote-write/wasm/merge.ts'
import { unsnappy } from './decode.ts'

/** Compiled once; each engine has instances of its own. */
const module = loadKernel()

/** Throws where this machine has no SIMD for WASM: the tests of the kernel would prove nothing. */
export function freshKernel(): Split {
  return splitByKernel(compiled())
}

/** As `freshKernel`, for merging messages of 2.0. */
export function freshMerge(): MergeRequests {
  return mergeByKernel(compiled())
}

function compiled(): WebAssembly.Module {
  if (module === undefined) throw new Error('this machine has no SIMD for WASM')
  return module
}

/** All of a result; of the shares' bodies what they decode to, because engines may compress differently. */
export function expectAsReference(kernel: Split, push: Push, rules: SplitRules): SplitResult {
  const result = kernel(push, rules)
  expect(opened(result)).toEqual(opened(splitByReference(push, rules)))
  return result
}

function opened(result: SplitResult): unknown {
  if (!result.ok) return result
  return {
    ...result,
    shares: result.shares.map(share => ({
      ...share,
      body: Buffer.from(unsnappy(share.body)).toString('latin1'),
    })),
  }
}
