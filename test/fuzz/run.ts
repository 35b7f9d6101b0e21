/**
 * `npm run fuzz -- [SECONDS]`: looks for inputs on which the kernel traps, hangs, or differs from the reference engine.
 * Guided by coverage: the counting build of the kernel tells which branches an input takes and how often, and inputs
 * that reach something new are changed further. At the end the smallest set of inputs that reaches all of it is written to the corpus.
 *
 * Memory behind and before what a push has written is filled with another byte each time: if it were read for more
 * than nothing, results would differ.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import { mergeByReference } from '../../src/remote-write/reference/merge-requests.ts'
import type { SplitResult, SplitShare } from '../../src/remote-write/split.ts'
import { splitByKernel } from '../../src/remote-write/wasm/engine.ts'
import { type Kernel, startKernel } from '../../src/remote-write/wasm/kernel.ts'
import { mergeByKernel } from '../../src/remote-write/wasm/merge.ts'
import * as abi from '../../workers/kernel/abi.ts'
import { decodedPush } from '../support/arbitraries.ts'
import { buildCountingKernel, countersOf } from '../support/counting-kernel.ts'
import { unsnappy } from '../support/decode.ts'
import { readCorpus, writeCorpus, writeFinding } from './corpus.ts'
import { caseOf, HEAD } from './input.ts'
import { mutate } from './mutate.ts'

const seconds = Number(process.argv[2] ?? 60)
/** Longer inputs are cut: the reference would take most of the time. */
const LONGEST = 6_000
const HANG_MS = 2_000

const { module, branches } = await buildCountingKernel()
/** The instance for every day is the first; only what has outgrown it goes to another, from the beginning. */
const kernels: Kernel[] = []
const split = splitByKernel(module, it => {
  const kernel = startKernel(it)
  kernels.push(kernel)
  return kernel
})
const [kernel = startKernel(module)] = kernels

let merging: Kernel | undefined
const mergeRequests = mergeByKernel(module, it => {
  merging = startKernel(it)
  return merging
})

interface Seed {
  readonly input: Uint8Array
  readonly features: ReadonlySet<number>
}

const seen = new Set<number>()
const queue: Seed[] = []
let runs = 0
let slowest = 0

for (const { input } of readCorpus()) keepIfNew(input)
for (const input of seeds()) keepIfNew(input)
process.stdout.write(`${branches.length} branches, ${queue.length} inputs to begin with\n`)

const chance = (below: number) => Math.floor(Math.random() * below)
const end = performance.now() + seconds * 1000
let report = performance.now()
while (performance.now() < end) {
  // The newest inputs are where something was found last.
  const recent = chance(3) === 0
  const seed = queue[
    recent ? queue.length - 1 - chance(Math.min(20, queue.length)) : chance(queue.length)
  ] as Seed
  const other = queue[chance(queue.length)] as Seed
  keepIfNew(mutate(seed.input, other.input, HEAD, chance).slice(0, LONGEST))
  if (performance.now() > report + 10_000) {
    report = performance.now()
    process.stdout.write(
      `${runs} runs, ${queue.length} inputs, ${seen.size} features, ${missing().length} branches not taken\n`,
    )
  }
}
const smallest = cover()
writeCorpus(smallest)
process.stdout.write(
  `${runs} runs, slowest ${slowest.toFixed(1)} ms, ${smallest.length} inputs kept; not taken:\n`,
)
for (const branch of missing()) process.stdout.write(`  ${branch}\n`)

/** Runs the input; takes it up if it takes a branch, or takes one about twice as often, as none did before. */
function keepIfNew(input: Uint8Array): void {
  const features = run(input)
  let isNew = false
  for (const feature of features) {
    if (seen.has(feature)) continue
    seen.add(feature)
    isNew = true
  }
  if (isNew) queue.push({ input, features })
}

function run(input: Uint8Array): Set<number> {
  const { push, rules } = caseOf(input)
  const { memory } = kernel
  memory.bytes.fill(runs & 0xff, memory.word(abi.INPUT), memory.word(abi.SLOTS))
  memory.bytes.fill(~runs & 0xff, memory.word(abi.REPLICAS))
  countersOf(kernel.call.memory, branches.length).fill(0)
  runs++
  const start = performance.now()
  let result: SplitResult
  try {
    result = split(push, rules)
  } catch (error) {
    fail(input, error)
  }
  const took = performance.now() - start
  slowest = Math.max(slowest, took)
  if (took > HANG_MS) fail(input, `took ${took} ms`)
  const features = new Set<number>()
  for (const [i, count] of countersOf(kernel.call.memory, branches.length).entries()) {
    if (count > 0) features.add(i * 32 + Math.min(8, Math.floor(Math.log2(count))))
  }
  const expected = splitByReference(push, rules)
  if (!isDeepStrictEqual(opened(result), opened(expected))) fail(input, 'differs from the reference')
  if (result.ok) merge(input, result.shares)
  return features
}

/** All shares of 2.0, whoever's they are, as one. */
function merge(input: Uint8Array, shares: readonly SplitShare[]): void {
  const bodies = shares.filter(share => share.protocol === '2.0').map(share => share.body)
  if (bodies.length === 0) return
  if (merging !== undefined) {
    const { memory } = merging
    memory.bytes.fill(runs & 0xff, memory.word(abi.INPUT))
  }
  const merged = unsnappy(mergeRequests(bodies, 'fast'))
  const expected = unsnappy(mergeByReference(bodies, 'fast'))
  if (Buffer.compare(merged, expected) !== 0) fail(input, 'is merged as the reference does not')
}

function fail(input: Uint8Array, why: unknown): never {
  process.stdout.write(`${writeFinding(input)}: ${why}\n`)
  process.exit(1)
}

/** Engines may compress differently. */
function opened(result: SplitResult): unknown {
  if (!result.ok) return result
  return { ...result, shares: result.shares.map(share => ({ ...share, body: unsnappy(share.body) })) }
}

function missing(): string[] {
  const taken = new Set([...seen].map(feature => feature >> 5))
  return branches.filter((_, i) => !taken.has(i))
}

/** Few and short inputs that together take all branches, once and more than once. */
function cover(): Uint8Array[] {
  const coarse = (feature: number) => (feature & ~31) + Math.min(1, feature & 31)
  const open = new Set([...seen].map(coarse))
  const kept: Uint8Array[] = []
  for (const { input, features } of queue.toSorted((a, b) => a.input.length - b.input.length)) {
    let helps = false
    for (const feature of features) helps = open.delete(coarse(feature)) || helps
    if (helps) kept.push(input)
  }
  return kept
}

/** Random pushes, and pieces of recorded ones. */
function* seeds(): Generator<Uint8Array> {
  for (const [how, protocol] of ['1.0', '2.0'].entries()) {
    for (const [bit, contents] of [
      [0, 'any'],
      // What is converted is opened.
      [4, 'sound'],
    ] as const) {
      const pushes = decodedPush(protocol as '1.0' | '2.0', contents)
      for (const [i, message] of fc.sample(pushes, { numRuns: 300, seed: 1 }).entries()) {
        yield Buffer.concat([Uint8Array.of(how + bit, i), message]).subarray(0, LONGEST)
      }
    }
    const folder = new URL(`../fixtures/prometheus-3.14/rw${how + 1}/`, import.meta.url)
    for (const file of readdirSync(folder).filter(name => name.endsWith('.bin'))) {
      const body = new Uint8Array(readFileSync(new URL(file, folder)))
      const message = unsnappy(body).subarray(0, LONGEST - HEAD)
      yield Buffer.concat([Uint8Array.of(how, 0), message])
      yield Buffer.concat([Uint8Array.of(how + 4, 0), message])
      yield Buffer.concat([Uint8Array.of(how + 2, 1), body.subarray(0, LONGEST - HEAD)])
    }
  }
}
