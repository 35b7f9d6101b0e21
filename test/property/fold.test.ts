/** Exemplars that came in series of their own: wherever they go, none is lost, and stores of 2.0 get no such series. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import { decodeMessage, exemplarV1, type SeriesSeen, unsnappy } from '../support/decode.ts'
import { expectAsReference, freshKernel } from '../support/kernel.ts'
import { message, push, rules, type SeriesText, sample, series } from '../support/messages.ts'
import { done } from '../support/split.ts'
import { len, varintField } from '../support/wire.ts'

interface Entry {
  readonly tenant: string
  readonly name: string
  readonly last: boolean
  readonly samples: number
  readonly histograms: number
  readonly exemplars: number
  readonly more: boolean
}

const few = fc.constantFrom(0, 0, 1, 2)
const entries = fc.array(
  fc.record<Entry>({
    tenant: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('x', 'y', 'z'),
    last: fc.boolean(),
    samples: few,
    histograms: fc.constantFrom(0, 0, 1),
    exemplars: few,
    more: fc.boolean(),
  }),
  { maxLength: 25 },
)

/** Exemplars have the number of their entry and their own as a label. */
function textOf(entry: Entry, index: number): SeriesText {
  const { tenant, name, last } = entry
  const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))
  return series(last ? { name, tenant } : { tenant, name }, {
    samples: times(entry.samples, i => sample(index, i)),
    histograms: times(entry.histograms, () => len(3, `${index}`)),
    exemplars: times(entry.exemplars, i => ({
      labels: [['trace', `${index}.${i}`]] as const,
      rest: varintField(3, i),
    })),
    more: entry.more ? [varintField(7, index)] : [],
  })
}

const hasValues = (it: Entry) => it.samples + it.histograms > 0
const isLone = (it: Entry) => !hasValues(it) && it.exemplars > 0
const traces = (it: SeriesSeen) => it.exemplars.map(({ labels }) => labels[0]?.[1])
const traces1 = (it: SeriesSeen) =>
  it.exemplars.map(({ rest }) => exemplarV1(Buffer.from(rest, 'hex')).labels[0]?.[1])
const own = (list: readonly Entry[], entry: Entry) =>
  Array.from({ length: entry.exemplars }, (_, i) => `${list.indexOf(entry)}.${i}`)

describe('exemplars in series of their own', () => {
  const kernel = freshKernel()
  for (const protocol of ['1.0', '2.0'] as const) {
    for (const strip of [false, true]) {
      it(`${protocol} as 2.0, the tenant label ${strip ? 'removed' : 'kept'}: go where they belong`, () => {
        fc.assert(
          fc.property(entries, list => {
            const given = rules({ strip, output: '2.0' })
            const body = push(protocol, message(protocol, list.map(textOf)))
            const { shares } = done(expectAsReference(kernel, body, given))
            for (const tenant of ['a', 'b']) {
              const mine = list.filter(it => it.tenant === tenant)
              // Where the tenant label goes, it does not matter where it stood.
              const same = (one: Entry, other: Entry) =>
                one.name === other.name && (strip || one.last === other.last)
              const hostOf = (it: Entry) => mine.find(other => hasValues(other) && same(other, it))
              const kept = mine.filter(it => !isLone(it))
              const expected = kept.map(it => {
                const folded = mine.filter(other => isLone(other) && hostOf(other) === it)
                return [it, ...folded].flatMap(other => own(list, other))
              })
              const aside = mine.filter(it => isLone(it) && hostOf(it) === undefined)

              const seen = (kind: string) =>
                shares
                  .filter(it => it.tenant === tenant && it.kind === kind)
                  .flatMap(it => decodeMessage(it.protocol, unsnappy(it.body)).series)
              expect(seen('series').map(traces)).toEqual(expected)
              expect(seen('aside').map(traces1)).toEqual(aside.map(it => own(list, it)))
              expect(seen('series').map(it => it.samples.length)).toEqual(kept.map(it => it.samples))
            }
          }),
          { numRuns: 250 },
        )
      })
    }

    it(`${protocol} as 2.0: a share that is split again has nothing more to fold`, () => {
      fc.assert(
        fc.property(entries, list => {
          const body = push(protocol, message(protocol, list.map(textOf)))
          for (const share of done(splitByReference(body, rules({ output: '2.0' }))).shares) {
            if (share.kind === 'aside') continue
            const again = done(
              kernel({ body: share.body, encoding: 'snappy', protocol: '2.0' }, rules({ output: '2.0' })),
            )
            expect(again.shares.map(it => [it.kind, unsnappy(it.body)])).toEqual([
              ['series', unsnappy(share.body)],
            ])
          }
        }),
        { numRuns: 100 },
      )
    })
  }
})
