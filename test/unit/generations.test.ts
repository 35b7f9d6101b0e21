import { describe, expect, test } from 'vitest'
import { Generations } from '../../src/generations.ts'
import type { IngressPolicy } from '../../src/ingress/routes.ts'

/** A generation whose ingress tells it from others by its bound. */
function generation(number: number, ...upstreams: readonly string[]) {
  const ingress: IngressPolicy = {
    maxBodyBytes: number,
    timeoutMs: 1000,
    prefixHeader: undefined,
    passOn: { userAgent: '', forwardHeaders: [], compatibilityHeaders: false },
    doors: new Map(),
  }
  return { ingress, upstreams }
}

function start(...upstreams: readonly string[]) {
  const retired: string[] = []
  const generations = new Generations(generation(1, ...upstreams), upstream => retired.push(upstream))
  return { generations, retired }
}

describe('generations', () => {
  test('lease the current one, and a lease stays what it was taken for', () => {
    const { generations } = start('a')
    const before = generations.take()
    generations.replace(generation(2, 'a'))
    const after = generations.take()
    expect([before.ingress.maxBodyBytes, after.ingress.maxBodyBytes]).toEqual([1, 2])
  })

  test('give up what nobody holds at once where nothing is leased', () => {
    const { generations, retired } = start('a', 'b')
    generations.replace(generation(2, 'b', 'c'))
    expect(retired).toEqual(['a'])
    expect([...generations.upstreams]).toEqual(['b', 'c'])
  })

  test('keep what a lease of an old one holds until the last one is back', () => {
    const { generations, retired } = start('a', 'b')
    const leases = [generations.take(), generations.take()]
    generations.replace(generation(2, 'b'))
    expect([...generations.upstreams].sort()).toEqual(['a', 'b'])
    leases[0]?.release()
    expect(retired).toEqual([])
    leases[1]?.release()
    expect(retired).toEqual(['a'])
    expect([...generations.upstreams]).toEqual(['b'])
  })

  test('give up nothing when a lease of the current one is back', () => {
    const { generations, retired } = start('a')
    generations.take().release()
    const late = generations.take()
    generations.replace(generation(2))
    expect(retired).toEqual([])
    late.release()
    expect(retired).toEqual(['a'])
  })

  test('give up, once, what several old ones hold, when the last of these has ended', () => {
    const { generations, retired } = start('a')
    const first = generations.take()
    generations.replace(generation(2, 'a', 'b'))
    const second = generations.take()
    generations.replace(generation(3, 'b'))
    first.release()
    expect(retired).toEqual([])
    second.release()
    expect(retired).toEqual(['a'])
    generations.replace(generation(4))
    expect(retired).toEqual(['a', 'b'])
  })

  test('keep an upstream that comes back while an old one holds it', () => {
    const { generations, retired } = start('a')
    const lease = generations.take()
    generations.replace(generation(2, 'b'))
    generations.replace(generation(3, 'a'))
    expect(retired).toEqual(['b'])
    lease.release()
    expect(retired).toEqual(['b'])
    expect([...generations.upstreams]).toEqual(['a'])
  })
})
