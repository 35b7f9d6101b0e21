/**
 * `npm run bench -- split [FILTER]`: nanoseconds per series and MB/s (of the decoded message) of both engines, in turn
 * within each round, and how much larger our shares are than the ones that native snappy makes. Of all rounds the median and the
 * fastest: on a busy machine only the fastest is about the code.
 */
import { compressSync, uncompressSync } from 'snappy'
import { createEngine } from '../src/remote-write/engine.ts'
import { mergeBodies } from '../src/remote-write/merge.ts'
import { median } from './compare/median.ts'
import { type Case, mergeCases, nanoseconds, splitAll, splitCase } from './split/cases.ts'
import { benchRules, type Payload, payloads } from './split/payloads.ts'

const ROUNDS = 200
const WARM_UP_MS = 400

const [filter = ''] = process.argv.slice(2)
const rules = benchRules()
const wasm = createEngine('wasm')
const reference = createEngine('reference')
if (wasm.name !== 'wasm') throw new Error('this machine has no SIMD for WASM')

const all = payloads()
for (const payload of all) {
  if (!payload.name.includes(filter)) continue
  const [fastCase, slowCase] = [wasm, reference].map(({ split }) => splitCase(split, rules, payload)) as [
    Case,
    Case,
  ]
  const { bytesPerSeries, larger } = facts(payload)
  warmUp(fastCase)
  warmUp(slowCase)
  const fast: number[] = []
  const slow: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    fast.push(nanoseconds(fastCase))
    // The reference is many times slower, and needs fewer rounds to tell.
    if (i % 20 === 0) slow.push(nanoseconds(slowCase))
  }
  const megabytes = (ns: number) => ((bytesPerSeries / ns) * 1000).toFixed(0)
  const cells = [
    `split/${payload.name}`.padEnd(28),
    ...[
      { name: 'wasm', times: fast },
      { name: 'reference', times: slow },
    ].map(({ name, times }) => {
      const least = Math.min(...times)
      return `${name} ${least.toFixed(0)} ns/series (median ${median(times).toFixed(0)}), ${megabytes(least)} MB/s`
    }),
    `${(Math.min(...slow) / Math.min(...fast)).toFixed(0)} times as fast`,
    `shares ${larger >= 0 ? '+' : ''}${larger.toFixed(2)} % of native snappy`,
  ]
  process.stdout.write(`${cells.join(' · ')}\n`)
}

for (const one of mergeCases(wasm, mergeBodies, rules, all)) {
  if (!one.name.includes(filter)) continue
  const times: number[] = []
  for (let i = 0; i < 3_200_000 / one.series; i++) times.push(nanoseconds(one))
  process.stdout.write(
    `${`split/${one.name}`.padEnd(28)} · ${Math.min(...times).toFixed(1)} ns/series (median ${median(times).toFixed(1)}), ${one.shares} shares of ${one.series / one.shares} series\n`,
  )
}

/** Of all bodies together; `larger` in percent. */
function facts(payload: Payload): { bytesPerSeries: number; larger: number } {
  const results = splitAll(wasm.split, rules, payload)
  const series = results.reduce((sum, { received }) => sum + received.series, 0)
  const decodedBytes = results.reduce((sum, result) => sum + result.decodedBytes, 0)
  const shares = results.flatMap(result => result.shares)
  const ours = shares.reduce((sum, share) => sum + share.body.length, 0)
  const native = shares.reduce(
    (sum, share) => sum + compressSync(uncompressSync(share.body) as Buffer).length,
    0,
  )
  return { bytesPerSeries: decodedBytes / series, larger: (ours / native - 1) * 100 }
}

function warmUp(one: Case): void {
  // By time, not by rounds: V8 compiles late.
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) nanoseconds(one)
}
