/** Replays what the fuzzer has kept: on the kernel, and beside the reference. */
import { expect, it } from 'vitest'
import { readCorpus } from '../../fuzz/corpus.ts'
import { caseOf } from '../../fuzz/input.ts'
import { expectAsReference, freshKernel } from '../../support/kernel.ts'

it('the kernel gives for each input of the corpus what the reference gives', () => {
  const kernel = freshKernel()
  const corpus = readCorpus()
  expect(corpus.length).toBeGreaterThan(100)
  for (const { name, input } of corpus) {
    const { push, rules } = caseOf(input)
    expect({ name, result: expectAsReference(kernel, push, rules) }).toMatchObject({ name })
  }
})
