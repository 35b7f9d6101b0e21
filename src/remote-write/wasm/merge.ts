/** Merging messages of remote write 2.0 in WASM; merge-v2.ts of the kernel does it, this lays out the memory. */
import * as abi from '../../../workers/kernel/abi.ts'
import { snappyClaim } from '../../wire/snappy.ts'
import type { MergeRequests } from '../merge.ts'
import { Instances } from './instances.ts'
import { type Kernel, startKernel } from './kernel.ts'
import { compressedBound, type Needs } from './memory.ts'

/**
 * Has instances of its own, because batches are larger than pushes and the tables of a split are of no use here; they
 * start with the first merge. Not to be shared between threads.
 */
export function mergeByKernel(module: WebAssembly.Module, start = startKernel): MergeRequests {
  let instances: Instances | undefined
  return (bodies, compression) => {
    instances ??= new Instances(() => start(module))
    const literalsOnly = compression === 'none' ? 1 : 0
    const [only] = bodies
    return instances.run(kernel =>
      bodies.length === 1 && only !== undefined
        ? compress(kernel, only, literalsOnly)
        : merge(kernel, bodies, literalsOnly),
    )
  }
}

/** The message as it is. */
function compress(kernel: Kernel, body: Uint8Array, literalsOnly: number): Uint8Array<ArrayBuffer> {
  const { call, memory } = kernel
  const decoded = claimOf(body)
  memory.reserve({ input: body.length, message: decoded, output: compressedBound(decoded) })
  memory.bytes.set(body, memory.word(abi.INPUT))
  call.claim(body.length)
  if (call.decode(body.length, decoded) === abi.FAULT) corrupt()
  return output(kernel, call.encode(decoded, literalsOnly))
}

function merge(kernel: Kernel, bodies: readonly Uint8Array[], literalsOnly: number): Uint8Array<ArrayBuffer> {
  const { call, memory } = kernel
  let input = 4 * bodies.length
  let message = 0
  let total = 0
  for (const body of bodies) {
    const decoded = claimOf(body)
    input += body.length
    message = Math.max(message, decoded)
    total += decoded
  }
  // Room for all symbols, and behind them for the series, unless their references get much longer.
  memory.reserve({ input, message, build: 2 * total + SLACK_BYTES })
  let merged: number
  for (;;) {
    putBodies(kernel, bodies)
    merged = call.mergeMessages(bodies.length, total)
    const full = NEEDS[merged]
    if (full !== undefined) memory.double(full)
    else if (merged === abi.NEED_BUILD) memory.reserve({ build: memory.word(abi.BUILD_NEEDED) })
    else break
  }
  if (merged === abi.FAULT) corrupt()
  memory.reserve({ output: compressedBound(merged) })
  return output(kernel, call.encodeMerged(literalsOnly))
}

/** Their lengths, and then the bodies one behind another. */
function putBodies({ memory }: Kernel, bodies: readonly Uint8Array[]): void {
  let length = memory.word(abi.INPUT)
  let end = length + 4 * bodies.length
  for (const body of bodies) {
    memory.setWord(length, body.length)
    memory.bytes.set(body, end)
    length += 4
    end += body.length
  }
}

function claimOf(body: Uint8Array): number {
  return snappyClaim(body)?.length ?? corrupt()
}

/** A copy of what was encoded. */
function output({ memory }: Kernel, length: number): Uint8Array<ArrayBuffer> {
  const from = memory.word(abi.OUTPUT)
  return memory.bytes.slice(from, from + length)
}

/** What the kernel leaves free beside table and series. */
const SLACK_BYTES = 256

const NEEDS: Readonly<Record<number, keyof Needs>> = {
  [abi.NEED_SYMBOLS]: 'symbols',
  [abi.NEED_ENTRIES]: 'entries',
  [abi.NEED_REFS]: 'refs',
}

function corrupt(): never {
  throw new Error('BUG: a share is no snappy block')
}
