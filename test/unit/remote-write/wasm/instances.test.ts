/** Large pushes, one after the other, through one engine: what it takes, and that none sees what another has left. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Push, SplitRules } from '../../../../src/remote-write/split.ts'
import { splitByKernel } from '../../../../src/remote-write/wasm/engine.ts'
import { type Kernel, loadKernel, startKernel } from '../../../../src/remote-write/wasm/kernel.ts'
import { KEEP_BYTES } from '../../../../src/remote-write/wasm/memory.ts'
import { label, message, push, rules, series, timeSeries } from '../../../support/messages.ts'
import { done } from '../../../support/split.ts'
import { concat, len } from '../../../support/wire.ts'

const MIB = 2 ** 20
/** Memory grows by whole pages. */
const PAGE = 65_536
const module = loadKernel()
if (module === undefined) throw new Error('this machine has no SIMD for WASM')

const repeated = (unit: Uint8Array, times: number) => new Uint8Array(Buffer.alloc(unit.length * times, unit))
const small = push('1.0', message('1.0', [series({ a: '1', tenant: 'x' })]))
// Each fills another arena: the table of symbols, that of references, and the output.
const symbols = push('2.0', repeated(len(4, ''), MIB))
const references = push(
  '2.0',
  concat(
    ...['', 'tenant', 'x'].map(symbol => len(4, symbol)),
    len(5, len(1, concat(Uint8Array.of(1, 2), new Uint8Array(4 * MIB)))),
  ),
)
const long = push('1.0', timeSeries({ labels: [['tenant', 'x']], samples: [repeated(label('a', 'b'), MIB)] }))

/** An engine, and the instances that it has started, the first for every day. */
function engine() {
  const kernels: Kernel[] = []
  const split = splitByKernel(module as WebAssembly.Module, it => {
    const kernel = startKernel(it)
    kernels.push(kernel)
    return kernel
  })
  return { split, sizes: () => kernels.map(({ memory }) => memory.size) }
}

const stripped = rules({ strip: true })

describe('an engine', () => {
  it('finds the same tenants as before when there was no memory for a large push', () => {
    let started = 0
    const split = splitByKernel(module as WebAssembly.Module, it => {
      if (started++ > 0) throw new RangeError('no memory')
      return startKernel(it)
    })
    // So many names that they take more than there is room for at first.
    const labels = Array.from({ length: 100 }, (_, i) => `${'n'.repeat(100)}${i}`)
    const many = rules({ labels, strip: true })
    const list = labels.map((name, i) => series({ [name]: `t${i}`, z: 'z'.repeat(500) }))
    const one = push('1.0', message('1.0', list))
    const before = split(one, many)
    expect(before).toMatchObject({ ok: true, shares: { length: 100 } })
    expect(() => split(symbols, many)).toThrow('no memory')
    for (let i = 0; i < 2; i++) expect(isDeepStrictEqual(split(one, many), before)).toBe(true)
  })

  it('splits large pushes one after the other in one large instance, and that for every day stays small', () => {
    const { split, sizes } = engine()
    for (let i = 0; i < 2; i++) {
      for (const large of [symbols, references, long]) {
        done(split(large, stripped))
        done(split(small, stripped))
      }
    }
    const [everyday, large, ...more] = sizes()
    expect(everyday).toBeLessThanOrEqual(KEEP_BYTES + PAGE)
    expect(large).toBeGreaterThan(KEEP_BYTES)
    expect(more).toEqual([])
  })

  it('starts no large instance before there is a push that needs it', () => {
    const { split, sizes } = engine()
    for (let i = 0; i < 5; i++) done(split(small, stripped))
    expect(sizes()).toHaveLength(1)
  })

  it('takes for all large pushes what the largest takes, not what all their tables take together', () => {
    const alone = [symbols, references, long].map(large => {
      const { split, sizes } = engine()
      done(split(large, stripped))
      return Math.max(...sizes())
    })
    expect(Math.min(...alone)).toBeGreaterThan(KEEP_BYTES)
    const { split, sizes } = engine()
    for (const large of [symbols, references, long]) done(split(large, stripped))
    expect(Math.max(...sizes())).toBe(Math.max(...alone))
  })

  it('splits each push as a fresh one does, whatever came before and by whatever rules', () => {
    const { split } = engine()
    const changes: readonly Partial<SplitRules>[] = [
      { strip: true },
      { strip: true, haLabels: ['a'], prefix: 'p-' },
      { labels: ['other', 'tenant'], missing: 'default', defaultTenant: 'none', families: 'names' },
    ]
    const pushes: readonly Push[] = [
      small,
      symbols,
      references,
      small,
      small,
      long,
      references,
      long,
      symbols,
      small,
    ]
    for (const [i, given] of pushes.entries()) {
      const chosen = rules(changes[i % changes.length])
      const [ours, fresh] = [split, engine().split].map(it => done(it(given, chosen)))
      expect(isDeepStrictEqual(ours, fresh), `push ${i}`).toBe(true)
    }
  })

  it('goes on in the instance for every day when a large push can’t be split', () => {
    const { split, sizes } = engine()
    const expected = split(small, stripped)
    const broken = push('1.0', concat(len(77, new Uint8Array(26 * MIB)), Uint8Array.of(0x0a, 0x7f)))
    expect(split(broken, stripped)).toMatchObject({ ok: false, code: 'protobuf_malformed' })
    expect(split(small, stripped)).toEqual(expected)
    expect(sizes()).toHaveLength(2)
  })
})
