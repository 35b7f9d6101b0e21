import { randomBytes } from 'node:crypto'
import { Piscina } from 'piscina'
import { expect, it } from 'vitest'
import { createEngine } from '../../../src/remote-write/engine.ts'
import { createSplitter } from '../../../src/remote-write/splitter.ts'
import { message, push, rules, series } from '../../support/messages.ts'

const small = () => push('1.0', message('1.0', [series({ tenant: 'a' }), series({ tenant: 'b' })]))
/** Random values, so that it stays large when compressed. */
const large = () => {
  const list = Array.from({ length: 4000 }, (_, i) =>
    series({ n: randomBytes(30).toString('hex'), tenant: `t${i % 3}` }),
  )
  return push('1.0', message('1.0', list))
}

it('a small push is split on this thread and keeps its memory, a large one moves to another', async () => {
  const splitter = createSplitter({ threads: 1, engine: 'wasm' })
  try {
    await splitter.warm()
    const [one, other] = [small(), large()]
    expect(other.body.length).toBeGreaterThan(128 * 1024)
    const expected = createEngine('wasm').split(other, rules())
    expect((await splitter.split(one, rules())).result).toMatchObject({ ok: true, received: { series: 2 } })
    expect(one.body.length).toBeGreaterThan(0)
    const bytes = Buffer.from(other.body)
    const { result, body } = await splitter.split(other, rules())
    expect(result).toEqual(expected)
    expect(other.body.length).toBe(0)
    expect(bytes.equals(body), 'the body comes back').toBe(true)
    expect(splitter.waiting).toBe(0)
  } finally {
    await splitter.close()
  }
})

it('with many threads, a push of middling size goes to one of them', async () => {
  const splitter = createSplitter({ threads: 3, engine: 'wasm' })
  try {
    const middling = push(
      '1.0',
      message(
        '1.0',
        Array.from({ length: 600 }, () => series({ n: randomBytes(30).toString('hex'), tenant: 'a' })),
      ),
    )
    expect(middling.body.length).toBeGreaterThan(16 * 1024)
    expect(middling.body.length).toBeLessThan(128 * 1024)
    await splitter.warm()
    await splitter.split(middling, rules())
    expect(middling.body.length, 'it has moved').toBe(0)
  } finally {
    await splitter.close()
  }
})

it('the first large push starts the threads and does not wait for them', async () => {
  const splitter = createSplitter({ threads: 1, engine: 'wasm' })
  try {
    const [first, second] = [large(), large()]
    expect((await splitter.split(first, rules())).result).toMatchObject({ ok: true })
    expect(first.body.length, 'it has not moved').toBeGreaterThan(0)
    await splitter.warm()
    expect((await splitter.split(second, rules())).result).toMatchObject({ ok: true })
    expect(second.body.length, 'it has moved').toBe(0)
  } finally {
    await splitter.close()
  }
})

it('where no thread can be started, that is said once, and everything is split here', async () => {
  const broken: unknown[] = []
  const options = { threads: 1, engine: 'wasm', broke: (error: unknown) => broken.push(error) } as const
  const filename = new URL('no-such-file.ts', import.meta.url).href
  const splitter = createSplitter(options, () => new Piscina({ filename, maxThreads: 1 }))
  try {
    for (const body of [large(), large()]) {
      expect((await splitter.split(body, rules())).result).toMatchObject({ ok: true })
      await expect(splitter.warm()).rejects.toThrow()
      expect(body.body.length).toBeGreaterThan(0)
    }
    expect(broken).toHaveLength(1)
  } finally {
    await splitter.close()
  }
})

it('threads that are ended while they start are no failure', async () => {
  const broken: unknown[] = []
  const splitter = createSplitter({ threads: 1, engine: 'wasm', broke: error => broken.push(error) })
  await splitter.split(large(), rules())
  await splitter.close()
  await expect(splitter.warm()).rejects.toThrow()
  expect(broken).toEqual([])
})

it('without threads everything is split here', async () => {
  const splitter = createSplitter({ threads: 0, engine: 'reference' })
  await splitter.warm()
  const body = large()
  expect((await splitter.split(body, rules())).result).toMatchObject({ ok: true, received: { series: 4000 } })
  expect(body.body.length).toBeGreaterThan(0)
  expect(splitter).toMatchObject({ engine: 'reference', waiting: 0 })
  await splitter.close()
})

it('the shares of a push are views of one buffer of their own, which can be moved', () => {
  const result = createEngine('wasm').split(large(), rules())
  if (!result.ok) throw new Error(result.detail)
  const buffers = new Set(result.shares.map(share => share.body.buffer))
  expect(result.shares).toHaveLength(3)
  expect(buffers.size).toBe(1)
  const [buffer] = buffers
  expect(buffer?.byteLength).toBe(result.shares.reduce((sum, share) => sum + share.body.length, 0))
  structuredClone(null, { transfer: [buffer as ArrayBuffer] })
  expect(buffer?.byteLength).toBe(0)
})

it('where the machine can not run the kernel, the reference splits', () => {
  expect(createEngine('wasm', () => undefined).name).toBe('reference')
  expect(createEngine('wasm').name).toBe('wasm')
  expect(createEngine('reference').name).toBe('reference')
})

it('a push that waits for a thread has not begun, so that nothing but its body is held for it', async () => {
  const splitter = createSplitter({ threads: 1, engine: 'wasm' })
  try {
    await splitter.warm()
    let begun = 0
    let done = 0
    const most: number[] = []
    const begin = () => most.push(++begun - done)
    const pushes = Array.from({ length: 6 }, large)
    const splits = pushes.map(async push => {
      await splitter.split(push, rules(), begin)
      done++
    })
    expect(begun).toBe(2)
    expect(splitter.waiting).toBeGreaterThanOrEqual(4)
    await Promise.all(splits)
    expect(begun).toBe(6)
    // Places are free a moment before their pushes are told, and both may become so at once.
    expect(Math.max(...most)).toBeLessThanOrEqual(4)
    expect(splitter.waiting).toBe(0)
  } finally {
    await splitter.close()
  }
})

it.each([0, 1])('a push that may not begin is not split, and its body stays (%d threads)', async threads => {
  const splitter = createSplitter({ threads, engine: 'wasm' })
  try {
    await splitter.warm()
    for (const given of [small(), large()]) {
      const refused = splitter.split(given, rules(), () => {
        throw new Error('too much in flight')
      })
      await expect(refused).rejects.toThrow('too much in flight')
      expect(given.body.length).toBeGreaterThan(0)
      expect((await splitter.split(given, rules())).result.ok).toBe(true)
    }
  } finally {
    await splitter.close()
  }
})
