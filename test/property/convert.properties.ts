/** What holds for a push that goes out in the other protocol: it says the same, in other words. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeKeyOf } from '../../src/remote-write/merge.ts'
import type { Protocol, Split, SplitShare } from '../../src/remote-write/split.ts'
import { decodedPush, mutated, someRules } from '../support/arbitraries.ts'
import { decodeMessage, recordsOf, type SeriesSeen, unsnappy, varintAt } from '../support/decode.ts'
import { push } from '../support/messages.ts'
import { sayable } from '../support/oracle.ts'
import { type Plain, seriesBySchema } from '../support/schema.ts'
import { done } from '../support/split.ts'

const DIRECTIONS = [
  { from: '2.0', to: '1.0' },
  { from: '1.0', to: '2.0' },
] as const

export function convertProperties(engine: string, split: Split): void {
  describe(engine, () => {
    for (const { from, to } of DIRECTIONS) {
      // Entries of 1.0 metadata have no place in 2.0, and go beside.
      const rulesFor = someRules.map(rules => ({ ...rules, metadata: 'drop' }) as const)

      it(`${from} as ${to}: the shares are those of ${from}, and say the same`, () => {
        fc.assert(
          fc.property(decodedPush(from, 'sound'), rulesFor, (bytes, rules) => {
            const as = done(split(push(from, bytes), rules))
            const converted = done(split(push(from, bytes), { ...rules, output: to }))
            const before = as.shares
              .map(share => said(share, to))
              .filter(({ series, share }) => series.length > 0 || share.series === 0)
            expect(converted.shares.map(described)).toEqual(
              before.map(({ share, loses, ...counts }) => ({
                ...described(share),
                ...counts.counts,
                protocol: to,
                alone: expect.any(Boolean),
                // The first series may be lost.
                ha: loses ? expect.any(Array) : share.ha,
              })),
            )
            for (const [i, share] of converted.shares.entries()) {
              const { plain, series } = before[i]!
              const after = unsnappy(share.body)
              expect(share.decodedBytes).toBe(after.length)
              expect(seriesBySchema(to, after)).toEqual(plain.map(common))
              const seen = decodeMessage(to, after)
              expect(seen.series.map(it => spelt(it))).toEqual(series.map(spelt))
              expect(seen.options).toBe('')
            }
            expect(converted.refusals).toEqual(as.refusals)
            expect(converted.received).toEqual(as.received)
            expect(converted.disagreements).toBe(as.disagreements)
            const kept = before.flatMap(({ series }) => series)
            expect(converted.createdTimestampsLost).toBe(from === '1.0' ? 0 : sum(kept.map(timesOf)))
            const histograms = (shares: readonly SplitShare[]) => sum(shares.map(share => share.histograms))
            expect(converted.histogramsLost).toBe(histograms(as.shares) - histograms(converted.shares))
          }),
          { numRuns: 400 },
        )
      })

      it(`${from} as ${to}: whether a share may be merged is no longer a matter of the request's own fields`, () => {
        fc.assert(
          fc.property(decodedPush(from, 'sound'), rulesFor, (bytes, rules) => {
            const converted = done(split(push(from, bytes), { ...rules, output: to }))
            for (const share of converted.shares) {
              const again = done(
                split({ body: share.body, encoding: 'snappy', protocol: to }, { ...rules, strip: false }),
              )
              if (again.shares.length !== 1 || again.refusals.length > 0) continue
              expect(again.shares[0]).toMatchObject({ alone: share.alone, ha: share.ha })
            }
          }),
          { numRuns: 150 },
        )
      })

      it(`${from} as ${to} and back as ${from}: is what it was, but for what ${to} can't carry`, () => {
        fc.assert(
          fc.property(decodedPush(from, 'sound'), rulesFor, (bytes, rules) => {
            const kept = { ...rules, strip: false }
            const as = done(split(push(from, bytes), kept))
            const converted = done(split(push(from, bytes), { ...kept, output: to }))
            for (const share of converted.shares) {
              const there = { body: share.body, encoding: 'snappy', protocol: to } as const
              const { shares } = done(split(there, { ...kept, output: from }))
              // One of the two ways was to 1.0.
              const { plain, series, loses, counts } = said(
                as.shares.find(it => it.tenant === share.tenant)!,
                '1.0',
              )
              // What has lost its histograms and keeps an exemplar travels on ways of its own.
              if (loses && series.some(it => it.samples.length + it.histograms.length === 0)) continue
              if (series.length === 0) {
                expect(shares).toEqual([])
                continue
              }
              const { ha, alone } = loses ? shares[0]! : share
              expect(shares.map(described)).toEqual([
                { ...described(share), ...counts, ha, alone, protocol: from },
              ])
              expect(seriesBySchema(from, unsnappy(shares[0]!.body))).toEqual(plain.map(common))
            }
          }),
          { numRuns: 150 },
        )
      })

      it(`${from} as ${to}: a message that was tampered with is converted or refused with a code`, () => {
        fc.assert(
          fc.property(mutated(decodedPush(from, 'sound')), rulesFor, (bytes, rules) => {
            const result = split(push(from, bytes), { ...rules, output: to })
            if (result.ok) {
              for (const share of result.shares) decodeMessage(to, unsnappy(share.body))
              return
            }
            expect(result.code).toMatch(/^(protobuf_malformed|wrong_protocol|too_many_series)$/)
            expect(result.at).toBeGreaterThanOrEqual(0)
            expect(result.at).toBeLessThanOrEqual(bytes.length)
            expect(result.detail).toMatch(/^[\x20-\x7e]{5,80}$/)
          }),
          { numRuns: 400 },
        )
      })

      it(`${from} as ${to}: what is built is bounded by maxOutputBytes`, () => {
        fc.assert(
          fc.property(decodedPush(from, 'sound'), rulesFor, fc.nat({ max: 400 }), (bytes, rules, n) => {
            const free = { ...rules, output: to } as const
            const unlimited = done(split(push(from, bytes), free))
            const result = split(push(from, bytes), { ...free, maxOutputBytes: n })
            if (sum(unlimited.shares.map(share => share.decodedBytes)) <= n) expect(result).toEqual(unlimited)
            else expect(result).toMatchObject({ ok: false, code: 'split_output_too_large', at: 0 })
          }),
          { numRuns: 150 },
        )
      })
    }
  })
}

/** What of a share can be said in the protocol `to`. */
function said(share: SplitShare, to: Protocol) {
  const bytes = unsnappy(share.body)
  const all = decodeMessage(share.protocol, bytes).series
  const plain = seriesBySchema(share.protocol, bytes)
  if (to === '2.0') return { share, series: all, plain, loses: false, counts: {} }
  const seen = all.map(sayable)
  const series = seen.filter(it => it !== undefined)
  const histograms = sum(series.map(it => it.histograms.length))
  return {
    share,
    series,
    plain: plain.filter((_, i) => seen[i] !== undefined).map(withoutCustom),
    loses: histograms < share.histograms,
    counts: { series: series.length, histograms },
  }
}

function withoutCustom({ histograms, ...series }: Plain): Plain {
  if (histograms === undefined) return series
  const kept = (histograms as Plain[]).filter(it => it.customValues === undefined && it.schema !== -53)
  return kept.length === 0 ? series : { ...series, histograms: kept }
}

/** All of a share but its bytes, and what follows from the rest. */
function described(share: SplitShare): Partial<SplitShare> {
  const { body: _, decodedBytes: __, mergeKey, entries, ...rest } = share
  expect({ mergeKey, entries }).toEqual({ mergeKey: mergeKeyOf(share), entries: share.series })
  return rest
}

/** What of a series both protocols have. */
function common({ metadata: _, createdTimestamp: __, ...series }: Plain): Plain {
  return Object.fromEntries(
    Object.entries(series).map(([key, value]) => [
      key,
      key === 'samples' || key === 'histograms' ? (value as Plain[]).map(withoutStart) : value,
    ]),
  )
}

function withoutStart({ startTimestamp: _, ...rest }: Plain): Plain {
  return rest
}

/** How many created and start timestamps that are not 0 a series of 2.0 has. */
function timesOf({ samples, histograms, unknown }: SeriesSeen): number {
  return times([unknown.replaceAll(' ', '')], 6) + times(samples, 3) + times(histograms, 17)
}

function times(messages: readonly string[], number: number): number {
  return messages
    .flatMap(hex => recordsOf(Buffer.from(hex, 'hex')))
    .filter(field => field.number === number && varintAt(field.value, 0).value !== 0n).length
}

/** What a schema does not show: strings byte by byte, and the fields of a series that neither protocol knows. */
function spelt(series: SeriesSeen): unknown {
  const unknown = recordsOf(Buffer.from(series.unknown.replaceAll(' ', ''), 'hex'))
    .filter(field => field.number > 6)
    .map(field => Buffer.from(field.raw).toString('hex'))
  return { labels: series.labels.map(([name, value]) => [name, value]), unknown }
}

function sum(list: readonly number[]): number {
  return list.reduce((total, it) => total + it, 0)
}
