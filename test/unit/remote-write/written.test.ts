import { describe, expect, test } from 'vitest'
import { parseWritten, type Written, writtenBy, writtenHeaders } from '../../../src/remote-write/written.ts'
import type { Delivery } from '../../../src/share/delivery.ts'
import { verdictOf } from '../../../src/share/verdict.ts'
import { share as shareOf } from '../../support/shares.ts'

const NAMES = {
  samples: 'x-prometheus-remote-write-samples-written',
  histograms: 'x-prometheus-remote-write-histograms-written',
  exemplars: 'x-prometheus-remote-write-exemplars-written',
}

describe('what was written of a push', () => {
  const of = (status: number, written: Delivery['verdict']['written']): Delivery => {
    const share = shareOf('t', undefined, { samples: 3, histograms: 2, exemplars: 1 })
    const verdict = { ...verdictOf(status, '', undefined), written }
    return { share, verdict, upstream: 'default', remembered: false }
  }

  test('is the sum over its deliveries, remembered ones and failed ones included', () => {
    const deliveries = [
      of(200, 'all'),
      { ...of(200, 'all'), remembered: true },
      of(400, { samples: 2, histograms: 0, exemplars: 1 }),
      of(503, {}),
    ]
    expect(writtenBy(deliveries)).toEqual({ samples: 8, histograms: 4, exemplars: 3 })
  })

  test('is nothing where nothing was delivered', () => {
    expect(writtenBy([])).toEqual({ samples: 0, histograms: 0, exemplars: 0 })
  })

  test('is told in three headers', () => {
    expect(writtenHeaders({ samples: 8, histograms: 4, exemplars: 0 })).toEqual({
      [NAMES.samples]: '8',
      [NAMES.histograms]: '4',
      [NAMES.exemplars]: '0',
    })
  })
})

test.each<[Record<string, string>, Written | undefined]>([
  [{}, undefined],
  [
    { [NAMES.samples]: '3', [NAMES.histograms]: '2', [NAMES.exemplars]: '1' },
    { samples: 3, histograms: 2, exemplars: 1 },
  ],
  [{ [NAMES.samples]: ' 7 ' }, { samples: 7, histograms: 0, exemplars: 0 }],
  [{ [NAMES.exemplars]: '0' }, { samples: 0, histograms: 0, exemplars: 0 }],
  [{ [NAMES.samples]: '-1', [NAMES.histograms]: '1.5', [NAMES.exemplars]: '' }, undefined],
  [
    { [NAMES.samples]: '1e3', [NAMES.histograms]: '2' },
    { samples: 0, histograms: 2, exemplars: 0 },
  ],
  [{ [NAMES.samples]: '9'.repeat(16) }, undefined],
])('headers %j of a store say that it wrote %j', (headers, written) => {
  expect(parseWritten(headers)).toEqual(written)
})
