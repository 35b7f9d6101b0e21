import { splitByKernel } from '../../../src/split/wasm/engine.ts'
import { loadKernel } from '../../../src/split/wasm/kernel.ts'
import { splitCases } from './split.cases.ts'

const kernel = loadKernel()
if (kernel === undefined) throw new Error('this machine has no SIMD for WASM')

splitCases('the kernel, inline', splitByKernel(kernel))
