/** What test/fixtures/README.md says of the pushes of Prometheus 3.5, and other tests rely on. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeMessage, type SeriesSeen, unsnappy } from '../support/decode.ts'

const PUSHES = [
  { file: 'rw1/001', protocol: '1.0', series: 38, exemplarOnly: 12, metadata: 0, stale: 0 },
  { file: 'rw1/002', protocol: '1.0', series: 0, exemplarOnly: 0, metadata: 3, stale: 0 },
  { file: 'rw1/003', protocol: '1.0', series: 26, exemplarOnly: 0, metadata: 0, stale: 21 },
  { file: 'rw2/001', protocol: '2.0', series: 38, exemplarOnly: 12, metadata: 38, stale: 0 },
  { file: 'rw2/002', protocol: '2.0', series: 26, exemplarOnly: 0, metadata: 26, stale: 21 },
] as const

const read = (file: string, protocol: '1.0' | '2.0') =>
  decodeMessage(
    protocol,
    unsnappy(readFileSync(new URL(`../fixtures/prometheus-3.5/${file}.bin`, import.meta.url))),
  )
const isExemplarOnly = (one: SeriesSeen) => one.exemplarCount === 1 && one.samples.length === 0
const isStale = (one: SeriesSeen) => one.samples.some(sample => sample.startsWith('09020000000000f07f'))

test.each(PUSHES)('prometheus-3.5/$file holds what the README says', ({ file, protocol, ...said }) => {
  const { series, metadata } = read(file, protocol)
  expect({
    series: series.length,
    exemplarOnly: series.filter(isExemplarOnly).length,
    metadata: metadata.length + series.filter(one => one.metadata.some(({ help }) => help !== '')).length,
    stale: series.filter(isStale).length,
  }).toEqual(said)
})

test('each exemplar of Prometheus 3.5 stands behind a series with equal labels and a sample', () => {
  for (const [file, protocol] of [
    ['rw1/001', '1.0'],
    ['rw2/001', '2.0'],
  ] as const) {
    const { series } = read(file, protocol)
    const hosts = new Set<string>()
    for (const one of series) {
      const labels = JSON.stringify(one.labels)
      if (one.samples.length > 0) hosts.add(labels)
      else expect(hosts).toContain(labels)
    }
  }
})
