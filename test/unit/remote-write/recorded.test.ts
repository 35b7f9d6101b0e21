import { describe, expect, it } from 'vitest'
import { splitByReference } from '../../../src/remote-write/reference/engine.ts'
import { decodeSnappy } from '../../../src/wire/snappy.ts'
import { decodeZstd } from '../../../src/wire/zstd.ts'
import { unsnappy } from '../../support/decode.ts'
import { rules } from '../../support/messages.ts'
import { seriesBySchema } from '../../support/schema.ts'
import { done } from '../../support/split.ts'
import { RECORDED, recorded } from './cases/recorded.ts'

/** What a mainstream decoder reads before and after, so that our own reading of the format is not the only witness. */
describe('recorded pushes as protobufjs reads them', () => {
  for (const { file, encoding, protocol } of RECORDED) {
    it(`${file}: samples, histograms, exemplars and metadata come out equal, without the tenant label`, () => {
      const push = recorded(file, encoding, protocol)
      const decoded = (encoding === 'zstd' ? decodeZstd : decodeSnappy)(push.body, 2 ** 25)
      const expected = new Map<string, unknown[]>()
      for (const series of seriesBySchema(protocol, decoded)) {
        const labels = series.labels as readonly (readonly [string, string])[]
        const tenant = labels.find(([name]) => name === 'tenant')?.[1] ?? 'nobody'
        const rest = { ...series, labels: labels.filter(([name]) => name !== 'tenant') }
        expected.set(tenant, [...(expected.get(tenant) ?? []), rest])
      }
      const choice = rules({ strip: true, missing: 'default', defaultTenant: 'nobody' })
      const { shares } = done(splitByReference(push, choice))
      expect(shares.map(share => share.tenant)).toEqual([...expected.keys()])
      for (const share of shares) {
        expect(seriesBySchema(protocol, unsnappy(share.body))).toEqual(expected.get(share.tenant))
      }
    })
  }
})
