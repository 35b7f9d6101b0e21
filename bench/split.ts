/**
 * `npm run bench -- split [FILTER]`: nanoseconds per series and MB/s (of the decoded message) of both engines, in turn
 * within each round, and how much larger our shares are than the ones that native snappy makes. Of all rounds the median and the
 * fastest: on a busy machine only the fastest is about the code.
 */
import { compressSync, uncompressSync } from 'snappy'
import { createEngine } from '../src/remote-write/engine.ts'
import { mergeBodies } from '../src/remote-write/merge.ts'
import type { Split, SplitShare } from '../src/remote-write/split.ts'
import { benchRules, type Payload, payloads } from './split/payloads.ts'

const ROUNDS = 200
const WARM_UP_MS = 400

const [filter = ''] = process.argv.slice(2)
const usual = benchRules()
const rulesOf = { '1.0': { ...usual, output: '1.0' }, '2.0': { ...usual, output: '2.0' } } as const
const wasm = createEngine('wasm')
const reference = createEngine('reference')
if (wasm.name !== 'wasm') throw new Error('this machine has no SIMD for WASM')

for (const payload of payloads()) {
  if (!payload.name.includes(filter)) continue
  const { series, decodedBytes, larger } = facts(payload)
  warmUp(wasm.split, payload)
  warmUp(reference.split, payload)
  const fast: number[] = []
  const slow: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    fast.push(nanoseconds(wasm.split, payload) / series)
    // The reference is many times slower, and needs fewer rounds to tell.
    if (i % 20 === 0) slow.push(nanoseconds(reference.split, payload) / series)
  }
  const megabytes = (ns: number) => ((decodedBytes / series / ns) * 1000).toFixed(0)
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

merge('merge', 'rw1/10-tenants/2000', mergeBodies)
for (const tenants of [1, 10, 100]) {
  const name = `rw2/${tenants}-tenants/2000`
  merge(`merge-${name}`, name, shares =>
    wasm.mergeRequests(
      shares.map(share => share.body),
      'fast',
    ),
  )
}

/** Joins what the senders of a payload have for its first tenant. */
function merge(name: string, payload: string, join: (shares: readonly SplitShare[]) => Uint8Array): void {
  if (!name.includes(filter)) return
  const [first] = payloads().filter(it => it.name === payload)
  const shares = sharesOf(first as Payload)
  const [{ tenant, series }] = shares as [SplitShare]
  const batch = shares.filter(it => it.tenant === tenant)
  const times: number[] = []
  for (let i = 0; i < (200_000 / series) * 4; i++) {
    const start = performance.now()
    join(batch)
    times.push(((performance.now() - start) * 1e6) / (series * batch.length))
  }
  process.stdout.write(
    `${`split/${name}`.padEnd(28)} · ${Math.min(...times).toFixed(1)} ns/series (median ${median(times).toFixed(1)}), ${batch.length} shares of ${series} series\n`,
  )
}

/** Of all bodies together; `larger` in percent. */
function facts(payload: Payload): { series: number; decodedBytes: number; larger: number } {
  let series = 0
  let decodedBytes = 0
  for (const body of payload.bodies) {
    const result = split(body, payload)
    series += result.received.series
    decodedBytes += result.decodedBytes
  }
  const shares = sharesOf(payload)
  const ours = shares.reduce((sum, share) => sum + share.body.length, 0)
  const native = shares.reduce(
    (sum, share) => sum + compressSync(uncompressSync(share.body) as Buffer).length,
    0,
  )
  return { series, decodedBytes, larger: (ours / native - 1) * 100 }
}

function sharesOf(payload: Payload): SplitShare[] {
  return payload.bodies.flatMap(body => split(body, payload).shares)
}

function split(body: Uint8Array, { protocol, output }: Payload) {
  const result = wasm.split({ body, encoding: 'snappy', protocol }, rulesOf[output])
  if (!result.ok) throw new Error(result.detail)
  return result
}

function warmUp(split: Split, payload: Payload): void {
  // By time, not by rounds: V8 compiles late.
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) nanoseconds(split, payload)
}

function nanoseconds(split: Split, { bodies, protocol, output }: Payload): number {
  const start = performance.now()
  for (const body of bodies) split({ body, encoding: 'snappy', protocol }, rulesOf[output])
  return (performance.now() - start) * 1e6
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] as number
}
