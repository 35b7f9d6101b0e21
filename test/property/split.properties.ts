/** What holds for any push, whatever the engine: what goes in comes out, once, under the right tenant. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeKeyOf } from '../../src/remote-write/merge.ts'
import type { Protocol, Split, SplitResult } from '../../src/remote-write/split.ts'
import { decodedPush, mutated, someRules } from '../support/arbitraries.ts'
import { decodeMessage, type SeriesSeen, unsnappy } from '../support/decode.ts'
import { push, rules } from '../support/messages.ts'
import { expectedSplit, refusalKey, spelledOut } from '../support/oracle.ts'
import { done } from '../support/split.ts'

const COUNTED = ['series', 'samples', 'histograms', 'exemplars', 'metadata'] as const

export function splitProperties(engine: string, split: Split): void {
  describe(engine, () => {
    for (const protocol of ['1.0', '2.0'] as const) {
      it(`${protocol}: what goes in comes out, under the tenant that the oracle names`, () => {
        fc.assert(
          fc.property(decodedPush(protocol), someRules, (bytes, someRules) => {
            const result = done(split(push(protocol, bytes), someRules))
            const expected = expectedSplit(protocol, bytes, someRules)
            const shares = result.shares.map(({ tenant, kind, alone, ha, protocol, body }) => {
              const { entries, options } = decodeMessage(protocol, unsnappy(body))
              const seen = kind === 'aside' ? spelled(protocol, entries) : entries
              return { tenant: tenant as string, kind, alone, ha, options, entries: seen }
            })
            expect(shares).toEqual(
              expected.shares.flatMap(({ tenant, entries, aside, alone, differ, ha: bytes }) => {
                const ha = bytes.map(value => Buffer.from(value, 'latin1').toString())
                const { options } = expected
                const series = { tenant, kind: 'series', alone, ha, options, entries }
                const beside = { ...series, kind: 'aside', alone: differ, options: '' }
                return [
                  ...(entries.length > 0 ? [series] : []),
                  ...(aside.length > 0 ? [{ ...beside, entries: spelled('2.0', aside) }] : []),
                ]
              }),
            )
            expect(refusedCounts(result)).toEqual(expected.refused)
            expect(result.disagreements).toBe(expected.disagreements)
            expect(result.received).toMatchObject({ series: expected.series, metadata: expected.metadata })
            expect(result.decodedBytes).toBe(bytes.length)
          }),
          { numRuns: 400 },
        )
      })

      it(`${protocol}: counts are true and add up`, () => {
        fc.assert(
          fc.property(decodedPush(protocol), someRules, (bytes, someRules) => {
            const result = done(split(push(protocol, bytes), someRules))
            for (const share of result.shares) {
              const message = unsnappy(share.body)
              const { series, metadata } = decodeMessage(share.protocol, message)
              // What was folded into a series counts as one, too.
              expect(share.series).toBeGreaterThanOrEqual(series.length)
              expect(share).toMatchObject({
                decodedBytes: message.length,
                metadata: metadata.length,
                samples: series.reduce((sum, it) => sum + it.samples.length, 0),
                histograms: series.reduce((sum, it) => sum + it.histograms.length, 0),
                exemplars: series.reduce((sum, it) => sum + it.exemplarCount, 0),
              })
            }
            for (const kind of COUNTED) {
              const out = [...result.shares, ...result.refusals].reduce((sum, it) => sum + it[kind], 0)
              if (kind === 'metadata') expect(out).toBeLessThanOrEqual(result.received.metadata)
              else expect({ kind, out }).toEqual({ kind, out: result.received[kind] })
            }
          }),
          { numRuns: 150 },
        )
      })

      it(`${protocol}: a share split again by the same rules is that share`, () => {
        fc.assert(
          fc.property(decodedPush(protocol), someRules, (bytes, someRules) => {
            const kept = { ...someRules, strip: false }
            const { shares } = done(split(push(protocol, bytes), kept))
            for (const share of shares) {
              const { body, protocol } = share
              const again = done(split({ body, encoding: 'snappy', protocol }, kept))
              expect(again.refusals).toEqual([])
              expect(again.shares).toHaveLength(1)
              const { series } = decodeMessage(protocol, unsnappy(body))
              // Both shares of a tenant say of its replica what holds for all that it has in the push.
              const isOnly = shares.filter(it => it.tenant === share.tenant).length === 1
              const { alone } = isOnly ? share : again.shares[0]!
              // Where series differ, the first may be one that was folded into a later one; nothing is merged by it then.
              const { ha } = isOnly && !share.alone ? share : again.shares[0]!
              const [entries, mergeKey] = [series.length, mergeKeyOf({ protocol, ha })]
              const expected = { ...share, kind: 'series', series: entries, entries, ha, mergeKey, alone }
              expect({ ...again.shares[0], body: null }).toEqual({ ...expected, body: null })
              expect(unsnappy(again.shares[0]!.body)).toEqual(unsnappy(share.body))
            }
          }),
          { numRuns: 150 },
        )
      })

      it(`${protocol}: a message that was tampered with is split as the oracle says, or refused with a code`, () => {
        fc.assert(
          fc.property(mutated(decodedPush(protocol)), someRules, (bytes, someRules) => {
            const result = split(push(protocol, bytes), someRules)
            expectSound(result, bytes.length)
            if (!result.ok) return
            const expected = expectedSplit(protocol, bytes, someRules)
            const shares = result.shares.map(({ tenant, kind, protocol, body }) => {
              const { entries } = decodeMessage(protocol, unsnappy(body))
              return [tenant, kind === 'aside' ? spelled(protocol, entries) : entries]
            })
            expect(shares).toEqual(
              expected.shares.flatMap(({ tenant, entries, aside }) => [
                ...(entries.length > 0 ? [[tenant, entries]] : []),
                ...(aside.length > 0 ? [[tenant, spelled('2.0', aside)]] : []),
              ]),
            )
            expect(refusedCounts(result)).toEqual(expected.refused)
          }),
          { numRuns: 400 },
        )
      })

      it(`${protocol}: a limit gives the same result or its own code`, () => {
        fc.assert(
          fc.property(
            decodedPush(protocol),
            someRules,
            fc.nat({ max: 300 }),
            fc.nat({ max: 6 }),
            (bytes, free, n, m) => {
              const limited = { ...free, maxOutputBytes: n, maxSeries: m }
              const result = split(push(protocol, bytes), limited)
              const unlimited = done(split(push(protocol, bytes), free))
              const output = unlimited.shares.reduce((sum, share) => sum + share.decodedBytes, 0)
              const entries = unlimited.received.series + unlimited.received.metadata
              if (entries > m) expect(result).toMatchObject({ ok: false, code: 'too_many_series' })
              else if (output > n)
                expect(result).toMatchObject({ ok: false, code: 'split_output_too_large', at: 0 })
              else expect(result).toEqual(unlimited)
            },
          ),
          { numRuns: 150 },
        )
      })
    }

    it('any bytes as a body give a result or a code', () => {
      const bodies = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        mutated(
          fc
            .oneof(decodedPush('1.0'), decodedPush('2.0'))
            .map(bytes => new Uint8Array(push('1.0', bytes).body)),
        ),
      )
      const encodings = fc.constantFrom('snappy', 'zstd')
      const protocols = fc.constantFrom<Protocol>('1.0', '2.0')
      fc.assert(
        fc.property(bodies, encodings, protocols, (body, encoding, protocol) => {
          const limit = 100_000
          expectSound(split({ body, encoding, protocol }, rules({ maxDecodedBytes: limit })), limit)
        }),
        { numRuns: 600 },
      )
    })
  })
}

function spelled(protocol: Protocol, entries: readonly (SeriesSeen | string)[]): unknown {
  return entries.map(it => (typeof it === 'string' ? it : spelledOut(protocol, it)))
}

function refusedCounts(result: SplitResult): Record<string, number> {
  return Object.fromEntries(done(result).refusals.map(it => [refusalKey(it), it.series + it.metadata]))
}

function expectSound(result: SplitResult, largest: number): void {
  if (result.ok) return
  expect(result.code).toMatch(
    /^(snappy_corrupt|zstd_corrupt|decoded_too_large|protobuf_malformed|wrong_protocol|too_many_series)$/,
  )
  expect(result.at).toBeGreaterThanOrEqual(0)
  expect(result.at).toBeLessThanOrEqual(largest)
  expect(result.detail).toMatch(/^[\x20-\x7e]{5,80}$/)
}
