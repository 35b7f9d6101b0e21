import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readPush } from '../../../src/demo/received.ts'
import { isStale, numberOf } from '../../../src/demo/samples.ts'
import { writeRequest } from '../../../src/demo/write-request.ts'
import { encodeSnappy } from '../../../src/remote-write/reference/compress.ts'

const MAX = 32 << 20

const body = (message: Uint8Array) => encodeSnappy(message, 'fast')

test('a push recorded from Prometheus is read: 2,000 series, 33 of them native histograms', async () => {
  const series = readPush(await readFile('test/fixtures/prometheus-3.14/rw1/001.bin'), MAX)
  expect(series).toHaveLength(2000)
  expect(series.filter(({ samples }) => samples.length === 0)).toHaveLength(33)
  expect(series.every(({ labels }) => labels[0]?.[0] === '__name__')).toBe(true)
  const times = series.flatMap(({ samples }) => samples.map(({ time }) => time))
  expect(new Date(Math.min(...times)).getUTCFullYear()).toBe(2026)
})

test('a push of metadata alone has no series', async () => {
  expect(readPush(await readFile('test/fixtures/prometheus-3.14/rw1/003.bin'), MAX)).toEqual([])
})

describe('what the sender writes is read back', () => {
  const cases: readonly (readonly [value: number, time: number])[] = [
    [0.1, 1_795_333_196_500],
    [-0, 0],
    [Number.POSITIVE_INFINITY, -1],
    [Number.NaN, 8_640_000_000_000_000],
  ]
  for (const [value, time] of cases) {
    test(`${value} at ${time}`, () => {
      const [series] = readPush(body(writeRequest([{ labels: [['__name__', 'é']], value }], time)), MAX)
      const sample = series?.samples[0]
      expect(series?.labels).toEqual([['__name__', 'é']])
      expect(sample?.time).toBe(time)
      expect(sample && numberOf(sample)).toBe(value)
      expect(sample && isStale(sample)).toBe(false)
    })
  }

  test('a stale marker, bit by bit', () => {
    const [series] = readPush(body(writeRequest([{ labels: [], value: undefined }], 1)), MAX)
    expect(series?.samples).toEqual([{ bits: 0x7ff0_0000_0000_0002n, time: 1 }])
  })
})

test('labels are sorted, and empty ones are none', () => {
  const labels = [
    ['b', '2'],
    ['empty', ''],
    ['a', '1'],
  ] as const
  const [series] = readPush(body(writeRequest([{ labels, value: 1 }], 1)), MAX)
  expect(series?.labels).toEqual([
    ['a', '1'],
    ['b', '2'],
  ])
})

test('a known field with a wrong type is no message', () => {
  expect(() => readPush(body(Uint8Array.of(0x08, 0x01)), MAX)).toThrow('wrong wire type')
})
