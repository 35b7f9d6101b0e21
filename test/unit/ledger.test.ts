import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Book, hashLabels } from '../ledger/book.ts'
import { balance, complaints } from '../ledger/check.ts'
import { type Entry, Journal, readJournal } from '../ledger/journal.ts'
import { FIRST, Whereabouts } from '../ledger/layout.ts'
import type { PushOutcome } from '../ledger/sender.ts'

const book = new Book({ senders: 4, tenants: 5, series: 8 })
const ACKNOWLEDGED: PushOutcome = { end: 'acknowledged', attempts: 1 }
const SENT_AGAIN: PushOutcome = { end: 'acknowledged', attempts: 2 }

/** What a store without fault holds of one push: one request per tenant. */
function stored(sender: number, push: number, request = 1): Entry[] {
  const tenants = new Map<string, Entry['samples'][number][]>()
  book.push(sender, push).forEach(({ labels, value, timestamp }, index) => {
    const tenant = book.tenant({ sender, index })
    const labelsHash = hashLabels(labels.filter(([name]) => name !== 'tenant'))
    tenants.set(tenant, [...(tenants.get(tenant) ?? []), { value, timestamp, labelsHash }])
  })
  return [...tenants].map(([tenant, samples]) => ({ request, store: '', tenant, samples }))
}

/** The books of senders that pushed `outcomes`, with nothing answered whole unless told. */
const check = (outcomes: PushOutcome[][], entries: Entry[], answered = (_: number) => false) =>
  balance({ book, outcomes, entries, answered })

describe('the ledger', () => {
  test('knows whose each value is', () => {
    book.push(3, 70_000).forEach(({ value }, index) => {
      expect(book.origin(value)).toEqual({ sender: 3, push: 70_000, index })
    })
    for (const value of [0, -1, 0.5, Number.NaN, 2 ** 52]) expect(book.origin(value)).toBeUndefined()
  })

  test('never gives two samples one value', () => {
    const values = [0, 1, 2, 3].flatMap(sender => [0, 1].flatMap(push => book.push(sender, push)))
    expect(new Set(values.map(({ value }) => value)).size).toBe(4 * 2 * 8)
  })

  test('closes where all that was acknowledged is stored', () => {
    const found = check([[ACKNOWLEDGED, ACKNOWLEDGED]], [...stored(0, 0), ...stored(0, 1)])
    expect(complaints(found)).toEqual([])
    expect(found).toMatchObject({ samplesSent: 16, samplesAcknowledged: 16, samplesStored: 16, copies: 0 })
  })

  test('finds what was acknowledged and is not stored', () => {
    const [, ...rest] = stored(1, 0)
    expect(check([[], [ACKNOWLEDGED]], rest).lost).toBe(3)
  })

  test('finds what is at a store that was not its tenant’s then', () => {
    const places = new Whereabouts()
    places.change({ upstreams: { b: { store: 'b', timeout: '1s' } }, routes: { 'tenant-0': 'b' } }, 10, 20)
    places.change(FIRST, 30, 40)
    const at = (store: string, begun: number, ended: number) => {
      const outcome: PushOutcome = { ...ACKNOWLEDGED, span: [begun, ended] }
      const entries = stored(0, 0).map(entry => ({ ...entry, store }))
      const mayHold = places.mayHold.bind(places)
      return balance({ book, outcomes: [[outcome]], entries, answered: () => false, mayHold }).misplaced
    }
    // While the one takes the place of the other, both may be.
    const pushes = [
      [0, 9],
      [0, 10],
      [15, 16],
      [21, 25],
      [21, 31],
      [41, 50],
    ] as const
    expect(pushes.map(([begun, ended]) => at('', begun, ended))).toEqual([0, 0, 0, 8, 0, 0])
    expect(pushes.map(([begun, ended]) => at('b', begun, ended))).toEqual([8, 0, 0, 0, 0, 8])
  })

  test('calls nothing lost that was not acknowledged', () => {
    const found = check(
      [
        [
          { end: 'refused', attempts: 1 },
          { end: 'open', attempts: 3 },
        ],
      ],
      [],
    )
    expect(complaints(found)).toEqual([])
    expect(found).toMatchObject({ samplesSent: 16, samplesAcknowledged: 0 })
  })

  test('finds what a 2.0 answer called written and is not stored', () => {
    const [first, ...rest] = stored(1, 0)
    const all = { largest: 8, total: 8 }
    const lacking = 8 - first!.samples.length
    expect(check([[], [{ end: 'refused', attempts: 1, claimed: all }]], [first!]).overclaimed).toBe(lacking)
    expect(check([[], [{ ...ACKNOWLEDGED, claimed: all }]], [first!, ...rest])).toMatchObject({
      overclaimed: 0,
      underclaimed: 0,
    })
  })

  test('finds what was acknowledged and no 2.0 answer called written, over all attempts', () => {
    const claimed = (largest: number, total: number) => [[{ ...SENT_AGAIN, claimed: { largest, total } }]]
    expect(complaints(check(claimed(5, 7), stored(0, 0)))).toEqual(['underclaimed: 1'])
    expect(complaints(check(claimed(5, 8), stored(0, 0)))).toEqual([])
    expect(complaints(check(claimed(8, 13), stored(0, 0)))).toEqual([])
  })

  test('finds a share under another tenant, which then also lacks under its own', () => {
    const [first, ...rest] = stored(0, 0)
    const found = check([[ACKNOWLEDGED]], [{ ...first!, tenant: 'tenant-4' }, ...rest])
    expect(found).toMatchObject({ leaked: 8, lost: 8 })
  })

  test.each([
    ['labels', { labelsHash: 1 }],
    ['a time', { timestamp: 1 }],
    ['a value', { value: 0.5 }],
  ])('finds %s that nobody sent', (_, change) => {
    const entries = stored(0, 0)
    const samples = entries[0]!.samples.map((sample, n) => (n === 2 ? { ...sample, ...change } : sample))
    expect(check([[ACKNOWLEDGED]], [{ ...entries[0]!, samples }]).damaged).toBe(1)
  })

  test('excuses a copy after an answer that was lost, and none after one that arrived', () => {
    const twice = [...stored(0, 0, 1), ...stored(0, 0, 2)]
    expect(check([[ACKNOWLEDGED]], twice)).toMatchObject({ copies: 8, needlessCopies: 0 })
    expect(check([[ACKNOWLEDGED]], twice, request => request === 1)).toMatchObject({ needlessCopies: 8 })
    expect(check([[SENT_AGAIN]], twice, request => request === 1)).toMatchObject({
      copies: 8,
      needlessCopies: 0,
      copiesAfterDelivery: 8,
    })
  })

  test('finds samples that came after newer ones, and tells late copies from late firsts', () => {
    expect(check([[ACKNOWLEDGED, ACKNOWLEDGED]], [...stored(0, 1), ...stored(0, 0)]).outOfOrder).toBe(8)
    const late = check([[SENT_AGAIN, ACKNOWLEDGED]], [...stored(0, 0), ...stored(0, 1), ...stored(0, 0)])
    expect(late).toMatchObject({ outOfOrder: 0, lateCopies: 8 })
  })

  test('finds a request that holds series of two HA replicas', () => {
    const [one, other] = [stored(1, 0), stored(2, 0)]
    const shared = one.find(({ tenant }) => other.some(entry => entry.tenant === tenant))!
    const merged = other.find(({ tenant }) => tenant === shared.tenant)!
    const both = { ...shared, samples: [...shared.samples, ...merged.samples] }
    expect(check([[], [ACKNOWLEDGED], [ACKNOWLEDGED]], [both]).mixedReplicas).toBe(1)
    expect(check([[], [ACKNOWLEDGED], [ACKNOWLEDGED]], [shared, merged]).mixedReplicas).toBe(0)
  })
})

describe('the journal', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'journal-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  test('reads back as it was written', () => {
    const path = join(dir, 'journal')
    const journal = new Journal(path)
    const entries = [
      ...stored(0, 0, 7),
      ...stored(3, 5, 8),
      { request: 9, store: 'second', tenant: '', samples: [] },
    ]
    for (const entry of entries) journal.append(entry)
    expect([...readJournal(path)]).toEqual(entries)
  })

  test('leaves out a record that a kill has cut', () => {
    const path = join(dir, 'journal')
    new Journal(path).append(stored(0, 0)[0]!)
    const whole = readFileSync(path)
    for (const cut of [1, 4, 9, whole.length - 1]) {
      writeFileSync(path, whole)
      appendFileSync(path, whole.subarray(0, cut))
      expect([...readJournal(path)]).toEqual([stored(0, 0)[0]])
    }
  })
})
