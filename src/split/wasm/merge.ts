/** Merging messages of remote write 2.0 in WASM; merge-v2.ts of the kernel does it, this lays out the memory. */
import * as abi from '../../../workers/kernel/abi.ts'
import { snappyClaim } from '../claim.ts'
import type { MergeRequests } from '../merge.ts'
import { type Kernel, startKernel } from './kernel.ts'
import { compressedBound, KEEP_BYTES, type Needs } from './memory.ts'

/**
 * Has an instance of its own, because batches are larger than pushes and the tables of a split are of no use here; it
 * starts with the first merge. Not to be shared between threads.
 */
export function mergeByKernel(module: WebAssembly.Module, start = startKernel): MergeRequests {
  let kernel: Kernel | undefined
  return (bodies, compression) => {
    kernel ??= start(module)
    const merged = merge(kernel, bodies, compression === 'none' ? 1 : 0)
    if (kernel.memory.size > KEEP_BYTES) kernel = undefined
    return merged
  }
}

function merge(kernel: Kernel, bodies: readonly Uint8Array[], literalsOnly: number): Uint8Array<ArrayBuffer> {
  const { call, memory } = kernel
  const claims = bodies.map(body => snappyClaim(body) ?? corrupt())
  const longest = Math.max(0, ...claims)
  memory.reserve({
    input: Math.max(0, ...bodies.map(body => body.length)),
    message: longest,
    // As a split guesses.
    symbols: longest / 50,
  })
  const [only] = bodies
  if (bodies.length === 1 && only !== undefined) {
    decode(kernel, only)
    memory.reserve({ output: compressedBound(longest) })
    return output(kernel, call.encode(longest, literalsOnly))
  }
  const total = claims.reduce((sum, claim) => sum + claim, 0)
  for (;;) {
    const full = addAll(kernel, bodies, total)
    if (full === undefined) break
    memory.double(full)
  }
  memory.reserve({ output: compressedBound(call.closeMerge()) })
  return output(kernel, call.encodeMerged(literalsOnly))
}

/** A copy of what was encoded. */
function output({ memory }: Kernel, length: number): Uint8Array<ArrayBuffer> {
  const from = memory.word(abi.OUTPUT)
  return memory.bytes.slice(from, from + length)
}

/** Decodes the block into its arena; returns how long it is there. */
function decode({ call, memory }: Kernel, body: Uint8Array): number {
  memory.bytes.set(body, memory.word(abi.INPUT))
  const claimed = call.claim(body.length)
  if (call.decode(body.length, claimed) === abi.FAULT) corrupt()
  return claimed
}

/** Adds all messages, `total` bytes; answers with the arena that is too small for them, if there is one. */
function addAll(kernel: Kernel, bodies: readonly Uint8Array[], total: number): keyof Needs | undefined {
  const { call, memory } = kernel
  call.openMerge(total)
  for (const body of bodies) {
    const claimed = decode(kernel, body)
    let answer = call.addMessage(claimed)
    if (answer === abi.NEED_BUILD) {
      // Only what lies behind this arena moves, so what is built stays.
      memory.reserve({ build: memory.word(abi.BUILD_NEEDED) })
      answer = call.addMessage(claimed)
    }
    if (answer !== 0) return NEEDS[answer]
  }
  return undefined
}

const NEEDS: Readonly<Record<number, keyof Needs>> = {
  [abi.NEED_SYMBOLS]: 'symbols',
  [abi.NEED_ENTRIES]: 'entries',
  [abi.NEED_REFS]: 'refs',
}

function corrupt(): never {
  throw new Error('BUG: a share is no snappy block')
}
