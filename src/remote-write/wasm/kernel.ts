/** One instance of the kernel. Its source is in workers/kernel; `npm run build:kernel` compiles it. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as abi from '../../../workers/kernel/abi.ts'
import { Memory } from './memory.ts'

interface Exports {
  readonly memory: WebAssembly.Memory
  claim(n: number): number
  decode(n: number, claimed: number): number
  encode(n: number, literalsOnly: number): number
  scan1(n: number, mayKeep: number, asV2: number): number
  write1(literalsOnly: number): number
  scan2(n: number, mayKeep: number, asV1: number): number
  write2as1(literalsOnly: number): number
  write2(literalsOnly: number): number
  mergeMessages(count: number, bytes: number): number
  encodeMerged(literalsOnly: number): number
}

export interface Kernel {
  readonly call: Exports
  readonly memory: Memory
}

/** Compiles the kernel; undefined where this machine can't run it, because it lacks SIMD. Throws if the file is not there. */
export function loadKernel(file = KERNEL_FILE): WebAssembly.Module | undefined {
  const code = readFileSync(file)
  return WebAssembly.validate(code) ? new WebAssembly.Module(code) : undefined
}

/** Beside the workers, in the sources and in what is packed. */
const KERNEL_FILE = new URL('../../../workers/kernel.wasm', import.meta.url)

export function startKernel(module: WebAssembly.Module): Kernel {
  const call = new WebAssembly.Instance(module).exports as unknown as Exports
  const memory = new Memory(call.memory)
  memory.bytes.set(randomBytes(HASH_KEY_BYTES), abi.HASH_KEY)
  return { call, memory }
}

const HASH_KEY_BYTES = 16
