import fc from 'fast-check'
import {
  bits,
  type Contents,
  exemplarFields,
  goodTenants,
  metricNames,
  names,
  oddText,
  sealed,
  seriesFields,
  shuffled,
  text,
  unknown,
  widths,
} from './arbitrary-fields.ts'
import { concat, len, varintField } from './wire.ts'

const label: fc.Arbitrary<Uint8Array> = fc
  .record({
    name: fc.oneof({ weight: 3, arbitrary: names }, { weight: 1, arbitrary: oddText }),
    value: text,
    decoys: fc.array(fc.tuple(fc.constantFrom(1, 2), text, widths), { maxLength: 1 }),
    more: fc.array(unknown(2), { maxLength: 1 }),
    valueFirst: fc.boolean(),
    wide: widths,
  })
  .map(({ name, value, decoys, more, valueFirst, wide }) => {
    const both = [len(1, name, wide), len(2, value, wide)]
    const before = decoys.map(([number, decoy, decoyWide]) => len(number, decoy, decoyWide))
    return len(1, concat(...before, ...(valueFirst ? both.toReversed() : both), ...more), wide)
  })

/** Contents of a MetricMetadata, with names as decoders must be ready for them. */
const described: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom(2, 4), text, widths).map(([n, it, wide]) => len(n, it, wide)),
      unknown(5),
    ),
    {
      maxLength: 4,
    },
  )
  .map(fields => concat(...fields))

/** What most senders write, so that most pushes have several tenants, and some of these two replicas. */
const usualLabels = fc
  .tuple(goodTenants, fc.constantFrom('', '', '1', '2'), metricNames)
  .map(([tenant, replica, name]) => {
    const labels = { __name__: name, __replica__: replica, tenant }
    return Object.entries(labels).flatMap(([name, value]) => (value === '' ? [] : [usualLabel(name, value)]))
  })

function usualLabel(name: string, value: string): Uint8Array {
  return len(1, concat(len(1, name), len(2, value)))
}

function exemplar(contents: Contents): fc.Arbitrary<Uint8Array> {
  const sound = fc
    .tuple(fc.array(label, { maxLength: 2 }), exemplarFields('sound'), widths)
    .chain(([labels, others, wide]) => shuffled([...labels, ...others]).map(it => len(3, it, wide)))
  return contents === 'sound' ? sound : fc.oneof(sound, sealed(3))
}

function seriesV1(contents: Contents): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.oneof(usualLabels, fc.array(label, { maxLength: 5, size: 'max' })),
      seriesFields(contents, '1.0', exemplar(contents), unknown(4)),
    )
    .chain(([labels, others]) => shuffled([...labels, ...others]))
}

/** Messages of remote write 1.0: fields in any order, names and values of labels repeated. */
export function writeRequests(contents: Contents): fc.Arbitrary<Uint8Array> {
  return fc
    .array(
      fc.oneof(
        { weight: 8, arbitrary: fc.tuple(seriesV1(contents), widths).map(([it, wide]) => len(1, it, wide)) },
        {
          weight: 1,
          arbitrary: fc
            .tuple(fc.oneof(fc.uint8Array({ maxLength: 9 }), described), widths)
            .map(([it, wide]) => len(3, it, wide)),
        },
        {
          weight: 1,
          arbitrary: fc.oneof(
            unknown(5),
            fc.tuple(bits, widths).map(([it, wide]) => varintField(2, it, wide)),
          ),
        },
      ),
      { maxLength: 10, size: 'max' },
    )
    .map(records => concat(...records))
}
