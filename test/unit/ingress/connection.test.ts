import { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type ConnectionOptions, createConnections } from '../../../src/ingress/connection.ts'

const connectionsOf = (changes: Partial<ConnectionOptions>) =>
  createConnections({ maxAgeMs: () => 1000, now: () => 5000, random: () => 0.5, ...changes })

describe('a connection', () => {
  test.each([
    [0, 5900],
    [0.5, 6000],
    [0.999, 6099],
  ])('is old at its age, a tenth less or more by chance (%d)', (chance, at) => {
    const connection = connectionsOf({ random: () => chance })(new Socket())
    expect(connection.isOld(at - 1)).toBe(false)
    expect(connection.isOld(at + 1)).toBe(true)
  })

  test('of no age never is', () => {
    expect(connectionsOf({ maxAgeMs: () => 0 })(new Socket()).isOld(Number.MAX_SAFE_INTEGER)).toBe(false)
  })

  test('is found again by its socket, with what its sender did and its first age', () => {
    let time = 0
    const connectionOf = connectionsOf({ now: () => time })
    const [one, other] = [new Socket(), new Socket()]
    const first = connectionOf(one)
    time = 900
    expect(connectionOf(one)).toBe(first)
    expect(connectionOf(other)).not.toBe(first)
    expect(connectionOf(other).quarantine).not.toBe(first.quarantine)
    expect(connectionOf(one).isOld(1000)).toBe(true)
    expect(connectionOf(other).isOld(1000)).toBe(false)
  })
})
