import { afterAll, expect, test } from 'vitest'
import { SluiceError } from '../../../src/errors.ts'
import { RemoteWrite, type WriteStore } from '../../../src/remote-write/codec.ts'
import type { WriteDialect } from '../../../src/remote-write/dialect.ts'
import { opened } from '../../../src/remote-write/envelope.ts'
import type { SplitRules } from '../../../src/remote-write/split.ts'
import { createSplitter } from '../../../src/remote-write/splitter.ts'
import { message, push, rules, type SeriesText, series } from '../../support/messages.ts'

const splitter = createSplitter({ threads: 0, engine: 'wasm' })
afterAll(() => splitter.close())

const storeOf = (id: string, output: SplitRules['output']): WriteStore => ({
  id,
  dialect: { output } as WriteDialect,
})
const one = storeOf('one', '1.0')
const two = storeOf('two', '2.0')

/** Splits a push of 2.0, where tenants that begin with `n` are for a store of 2.0 and all others for one of 1.0. */
async function split(
  list: readonly SeriesText[],
  changes: Partial<SplitRules> = {},
  hold: (bytes: number) => void = () => {},
) {
  const codec = new RemoteWrite({
    splitter,
    metadata: { asks: () => 'none', route: (_, { shares }) => ({ shares, settle: undefined }) },
    events: { split: () => {}, lost: () => {} },
  })
  const { body } = push('2.0', message('2.0', list))
  const outcome = await codec.split(
    {
      head: { protocol: '2.0', encoding: 'snappy' },
      body: new Uint8Array(body),
      prefix: undefined,
      from: { principal: { name: 'nobody' }, metadataKey: '' },
    },
    {
      encodings: ['snappy'],
      split: rules(changes),
      dialects: [one.dialect, two.dialect],
      storeOf: (_, tenant) => (tenant.startsWith('n') ? two : one),
    },
    hold,
  )
  return outcome.shares.map(share => ({ tenant: share.tenant, protocol: opened(share).protocol }))
}

/** What 1.0 spells out in each series stands once in 2.0. */
const wordy = (tenant: string, count: number, length: number) =>
  Array.from({ length: count }, (_, i) => series({ tenant, i: `${i}`, long: 'l'.repeat(length) }))

test('a push for stores of different protocols is split into what each of them takes', async () => {
  expect(await split([...wordy('a', 2, 10), ...wordy('n', 2, 10)])).toEqual([
    { tenant: 'a', protocol: '1.0' },
    { tenant: 'n', protocol: '2.0' },
  ])
})

test('its shares together get no longer than those of any push', async () => {
  const tenants = ['a', 'b', 'c', 'd', 'n']
  const list = tenants.flatMap(tenant => wordy(tenant, 10, 1000))
  const maxOutputBytes = 45_000
  expect(await split(list, { maxOutputBytes })).toHaveLength(5)
  // Each of them alone would have room.
  const refusal = split([...list, ...wordy('e', 10, 1000)], { maxOutputBytes })
  await expect(refusal).rejects.toThrow(SluiceError)
  await expect(refusal).rejects.toMatchObject({ code: 'split_output_too_large' })
})

test('what is converted is charged before it is made, and stays charged until the push is through', async () => {
  const held: number[] = []
  const tenants = ['a', 'b', 'c', 'n']
  await split(
    tenants.flatMap(tenant => wordy(tenant, 100, 10)),
    {},
    bytes => held.push(bytes),
  )
  // The body, the split, and the three that are converted, each on top of those before it.
  expect(held).toHaveLength(5)
  const conversions = held.slice(2)
  expect(conversions).toEqual([...new Set(conversions)].sort((a, b) => a - b))

  const list = wordy('a', 1000, 100)
  let calls = 0
  const full = split([...list, ...wordy('n', 1, 1)], {}, () => {
    calls++
    if (calls === 3) throw new SluiceError('overloaded', 'no room')
  })
  await expect(full).rejects.toMatchObject({ code: 'overloaded' })
})
