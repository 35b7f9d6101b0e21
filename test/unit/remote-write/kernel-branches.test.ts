/** Every branch of the kernel is taken by a case of this suite: counted in a build that says so. */
import { describe, expect, it } from 'vitest'
import { splitByKernel } from '../../../src/remote-write/wasm/engine.ts'
import { type Kernel, startKernel } from '../../../src/remote-write/wasm/kernel.ts'
import { mergeByKernel } from '../../../src/remote-write/wasm/merge.ts'
import * as abi from '../../../workers/kernel/abi.ts'
import { readCorpus } from '../../fuzz/corpus.ts'
import { caseOf } from '../../fuzz/input.ts'
import { buildCountingKernel, countersOf } from '../../support/counting-kernel.ts'
import { foldTableCases } from './cases/fold.ts'
import { mergeRequestsCases } from './cases/merge-requests.ts'
import { kernelCases } from './kernel.cases.ts'
import { kernelConvertCases } from './kernel-convert.cases.ts'
import { splitCases } from './split.cases.ts'

const { module, branches } = await buildCountingKernel()
const instances: Kernel[] = []
const startInstance = (it: WebAssembly.Module) => {
  const kernel = startKernel(it)
  instances.push(kernel)
  return kernel
}
const start = () => splitByKernel(module, startInstance)

splitCases('the counting kernel', start())
kernelCases('the counting kernel alone', start)
foldTableCases('the counting kernel', start)
kernelConvertCases('the counting kernel, converting', start)
mergeRequestsCases('the counting kernel', () => mergeByKernel(module, startInstance))

describe('the kernel', () => {
  it('encodes a message as one block', () => {
    const { call, memory } = startKernel(module)
    instances.push({ call, memory })
    memory.setWord(memory.word(abi.MESSAGE), 0x61616161)
    expect([call.encode(4, 0), call.encode(0, 0)]).toEqual([6, 1])
  })

  it('takes all inputs of the fuzzer', () => {
    const split = start()
    for (const { input } of readCorpus()) {
      const { push, rules } = caseOf(input)
      split(push, rules)
    }
  })

  it('has no branch that no case reaches', () => {
    const taken = new Set<number>()
    for (const { call } of instances) {
      for (const [i, count] of countersOf(call.memory, branches.length).entries()) if (count > 0) taken.add(i)
    }
    expect(branches.filter((_, i) => !taken.has(i))).toEqual([])
  })
})
