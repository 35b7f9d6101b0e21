/** How much memory the kernel may take for a push: with less it says what it needs, and never another result. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitCharge } from '../../src/remote-write/charge.ts'
import type { Protocol, Push, SplitResult, SplitRules } from '../../src/remote-write/split.ts'
import { splitByKernel } from '../../src/remote-write/wasm/engine.ts'
import { type Kernel, loadKernel, startKernel } from '../../src/remote-write/wasm/kernel.ts'
import { decodedPush, someRules } from '../support/arbitraries.ts'
import { freshKernel } from '../support/kernel.ts'
import { message, push, rules, SymbolTable, series, timeSeriesV2 } from '../support/messages.ts'
import { concat, len } from '../support/wire.ts'

const kernel = freshKernel()
const OUTPUTS = ['same', '1.0', '2.0'] as const

/** As the pipeline does it: what it needed each time, and what came of it. */
function splitWithin(
  given: Push,
  rules: SplitRules,
  workBytes: number,
  split = kernel,
): [number[], SplitResult] {
  const needed: number[] = []
  for (let work = workBytes; ; ) {
    const result = split({ ...given, workBytes: work }, rules)
    if (result.ok || result.code !== 'needs_more') return [needed, result]
    expect(result.workBytes).toBeGreaterThan(work)
    needed.push(result.workBytes)
    work = result.workBytes
  }
}

function repeated(record: Uint8Array, times: number): Uint8Array {
  return new Uint8Array(Buffer.concat(Array(times).fill(record)))
}

describe('a split within bounds', () => {
  it('asks for more until it has enough, and gives what it gives without', () => {
    const protocols = fc.constantFrom<Protocol>('1.0', '2.0')
    const pushes = protocols.chain(it => decodedPush(it, 'sound').map(bytes => push(it, bytes)))
    fc.assert(
      fc.property(
        pushes,
        someRules,
        fc.constantFrom(...OUTPUTS),
        fc.nat(300_000),
        (given, some, output, work) => {
          const free = kernel(given, { ...some, output })
          const [needed, result] = splitWithin(given, { ...some, output }, work)
          expect(result).toEqual(free)
          expect(needed.length).toBeLessThan(5)
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each([
    ['1.0', 'prometheus-3.14/rw1/001'],
    ['1.0', 'prometheus-3.14/rw1/003'],
    ['1.0', 'prometheus-3.5/rw1/001'],
    ['2.0', 'prometheus-3.14/rw2/001'],
    ['2.0', 'prometheus-3.14/rw2/007'],
    ['2.0', 'prometheus-3.5/rw2/001'],
  ] as const)(
    'takes the recorded push of %s, %s, with what is usual, whatever it goes out as',
    (protocol, name) => {
      const body = readFileSync(new URL(`../fixtures/${name}.bin`, import.meta.url))
      const given: Push = { body, encoding: 'snappy', protocol }
      for (const output of OUTPUTS) {
        for (const split of [kernel, freshKernel()]) {
          const chosen = rules({ output, defaultTenant: 'd', missing: 'default', strip: true })
          const [needed, result] = splitWithin(given, chosen, splitCharge(given, chosen).workBytes, split)
          expect(needed).toEqual([])
          expect(result.ok).toBe(true)
        }
      }
    },
  )

  it.each([
    ['symbols of two bytes', repeated(len(4, ''), 200_000)],
    ['series of two bytes', repeated(len(5, ''), 90_000)],
  ])('asks for more for %s, and then takes them', (_, bytes) => {
    const given = push('2.0', bytes)
    const chosen = rules()
    const usual = splitCharge(given, chosen).workBytes
    const [needed, result] = splitWithin(given, chosen, usual, freshKernel())
    expect(needed.length).toBeGreaterThan(0)
    expect(needed.at(-1)).toBeLessThan(32 * bytes.length)
    expect(result.ok).toBe(true)
  })

  it('asks for more where references to long strings are spelt out, before it does', () => {
    const long = 'l'.repeat(10_000)
    const table = new SymbolTable()
    const list = Array.from({ length: 300 }, (_, i) =>
      timeSeriesV2(series({ tenant: 'a', i: `${i}`, long }), table),
    )
    const given = push('2.0', concat(table.records(), ...list))
    const chosen = rules({ output: '1.0' })
    const [needed, result] = splitWithin(given, chosen, splitCharge(given, chosen).workBytes)
    expect(needed).toHaveLength(1)
    expect(needed[0]).toBeGreaterThan(2 * 300 * 10_000)
    expect(result.ok).toBe(true)
    expect(splitWithin(given, rules(), splitCharge(given, rules()).workBytes)[0]).toEqual([])
  })

  it('needs no more than is usual for short series either', () => {
    for (const protocol of ['1.0', '2.0'] as const) {
      for (const count of [1, 100, 2000, 20_000]) {
        const list = Array.from({ length: count }, (_, i) =>
          series({ __name__: `m${i}`, tenant: `${i % 50}` }),
        )
        const given = push(protocol, message(protocol, list))
        for (const output of ['same', '1.0'] as const) {
          const [needed] = splitWithin(
            given,
            rules({ output }),
            splitCharge(given, rules({ output })).workBytes,
          )
          expect(needed, `${protocol} as ${output}, ${count}`).toEqual([])
        }
      }
    }
  })

  it('takes no more memory than it is charged, beside what every instance has', () => {
    const module = loadKernel() as WebAssembly.Module
    const base = memoryOf(module)(push('1.0', new Uint8Array(0)), rules())
    const refs = len(1, new Uint8Array(400_000))
    const hostile: readonly [Protocol, Uint8Array][] = [
      ['1.0', repeated(len(1, ''), 90_000)],
      ['2.0', repeated(len(4, ''), 300_000)],
      ['2.0', concat(len(4, ''), repeated(len(5, ''), 90_000))],
      ['2.0', concat(len(4, ''), len(5, refs))],
      ['2.0', concat(len(4, 'l'.repeat(3000)), len(5, len(1, new Uint8Array(6000))))],
      ['1.0', repeated(len(1, repeated(len(1, ''), 4)), 60_000)],
    ]
    for (const [protocol, bytes] of hostile) {
      for (const output of OUTPUTS) {
        const given = push(protocol, bytes)
        const chosen = rules({ output, defaultTenant: 'd', missing: 'default', maxOutputBytes: 2 ** 30 })
        let charged = 0
        const size = memoryOf(module)(given, chosen, work => {
          charged = splitCharge(given, chosen).fixedBytes + work
        })
        // Arenas have a quarter more addresses than they need, which nobody touches.
        expect(size - base, `${protocol} as ${output}, ${bytes.length}`).toBeLessThan(1.25 * charged)
      }
    }
  })
})

/** Splits on a new instance, and returns what that has grown to; `charge` is told how much the split was given. */
function memoryOf(module: WebAssembly.Module) {
  return (given: Push, chosen: SplitRules, charge = (_work: number) => {}): number => {
    const kernels: Kernel[] = []
    const split = splitByKernel(module, it => {
      const kernel = startKernel(it)
      kernels.push(kernel)
      return kernel
    })
    const usual = splitCharge(given, chosen).workBytes
    const [needed, result] = splitWithin(given, chosen, usual, split)
    expect(result.ok).toBe(true)
    charge(needed.at(-1) ?? usual)
    return Math.max(...kernels.map(({ memory }) => memory.size))
  }
}
