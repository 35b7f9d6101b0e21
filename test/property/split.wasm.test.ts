/** The kernel: what holds for any engine, and that it equals the reference in every word of a result. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Protocol, SplitRules } from '../../src/remote-write/split.ts'
import { decodedPush, mutated, someRules } from '../support/arbitraries.ts'
import { expectAsReference, freshKernel } from '../support/kernel.ts'
import { push } from '../support/messages.ts'
import { splitProperties } from './split.properties.ts'

splitProperties('the kernel', freshKernel())

/** Rules with what only this comparison varies: HA labels that are tenant labels too, small limits, both protocols. */
const anyRules: fc.Arbitrary<SplitRules> = fc
  .tuple(
    someRules,
    fc.constantFrom(['cluster', '__replica__'], [], ['tenant'], ['x', 'cluster', 'x']),
    fc.oneof(
      fc.constant({}),
      fc.record({ maxSeries: fc.nat({ max: 8 }), maxOutputBytes: fc.nat({ max: 500 }) }),
    ),
    fc.constantFrom('same', '1.0', '2.0'),
  )
  .map(([rules, haLabels, limits, output]) => ({ ...rules, haLabels, ...limits, output }))

/** What is converted is opened, so some hold there what their schema says. */
const anyPush = (protocol: Protocol) => fc.oneof(decodedPush(protocol), decodedPush(protocol, 'sound'))

describe('the kernel equals the reference', () => {
  const kernel = freshKernel()
  for (const protocol of ['1.0', '2.0'] as const) {
    it(`${protocol}: for any push and rules`, () => {
      fc.assert(
        fc.property(anyPush(protocol), anyRules, (bytes, rules) => {
          expectAsReference(kernel, push(protocol, bytes), rules)
        }),
        { numRuns: 1500 },
      )
    })

    it(`${protocol}: for any push that was tampered with, fault and position included`, () => {
      fc.assert(
        fc.property(mutated(anyPush(protocol)), anyRules, (bytes, rules) => {
          expectAsReference(kernel, push(protocol, bytes), rules)
        }),
        { numRuns: 2000 },
      )
    })

    it(`${protocol}: for any block that was tampered with`, () => {
      const blocks = mutated(decodedPush(protocol).map(bytes => new Uint8Array(push(protocol, bytes).body)))
      fc.assert(
        fc.property(blocks, anyRules, (body, rules) => {
          expectAsReference(
            kernel,
            { body, encoding: 'snappy', protocol },
            { ...rules, maxDecodedBytes: 100_000 },
          )
        }),
        { numRuns: 1000 },
      )
    })
  }
})
