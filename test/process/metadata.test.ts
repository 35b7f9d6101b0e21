/** Metadata of real senders: recorded pushes of a Prometheus that scrapes several targets, with a tenant label at most of them. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeMessage, unsnappy } from '../support/decode.ts'
import { eventually } from '../support/eventually.ts'
import { entriesOf, metadataOf } from '../support/metadata.ts'
import { answerWith } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import { seriesBySchema } from '../support/schema.ts'
import { type Stage, startStage } from '../support/stage.ts'

const fixture = (name: string) => {
  return new Uint8Array(readFileSync(new URL(`../fixtures/prometheus-3.14/rw1/${name}.bin`, import.meta.url)))
}
const METADATA = fixture('003')
const SERIES = [fixture('001'), fixture('009')]
const SUFFIX = /_(bucket|sum|count|total|created|info|gsum|gcount)$/

/** Tenant → the names of its series in these pushes. */
function namesIn(pushes: readonly Uint8Array[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>()
  for (const body of pushes) {
    for (const { labels } of decodeMessage('1.0', unsnappy(body)).series) {
      const of = (wanted: string) => labels.find(([name]) => name === wanted)?.[1] ?? ''
      if (of('tenant') === '') continue
      names.set(of('tenant'), (names.get(of('tenant')) ?? new Set()).add(of('__name__')))
    }
  }
  return names
}

const ENTRIES = metadataOf({ body: METADATA })
const familyOf = (entry: string) => entry.split(' ', 1)[0] as string
/** Targets that differ in their version describe a family differently, and of such entries the last waits. */
const LAST = ENTRIES.filter(
  (entry, at) => !ENTRIES.slice(at + 1).some(it => familyOf(it) === familyOf(entry)),
)

/** Tenant → the entries that belong to its series, sorted. */
function expectedAfter(pushes: readonly Uint8Array[], entries = ENTRIES): Record<string, string[]> {
  const owners = [...namesIn(pushes)].map(([tenant, names]): [string, string[]] => {
    const families = new Set([...names].flatMap(name => [name, name.replace(SUFFIX, '')]))
    return [tenant, entries.filter(entry => families.has(familyOf(entry))).sort()]
  })
  return Object.fromEntries(owners.filter(([, entries]) => entries.length > 0).sort())
}

/** Tenant → the metadata that the store got since it was last asked, sorted. */
function stored(stage: Stage): Record<string, string[]> {
  const lists: Record<string, string[]> = {}
  for (const { headers, body } of stage.store.received.splice(0)) {
    const tenant = String(headers['x-scope-orgid'])
    lists[tenant] = [...(lists[tenant] ?? []), ...metadataOf({ body })]
  }
  const found = Object.entries(lists).filter(([, entries]) => entries.length > 0)
  return Object.fromEntries(
    found.map(([tenant, entries]): [string, string[]] => [tenant, entries.sort()]).sort(),
  )
}

const learned = (more: Readonly<Record<string, unknown>> = {}) =>
  startStage({
    config: { tenant: { label: 'tenant', missing: 'drop' }, metadata: { route: 'learned', ...more } },
  })

describe('the metadata of a recorded Prometheus, learned', () => {
  test('reaches the tenants that have these families, and no others', async () => {
    await using stage = await learned()
    for (const body of SERIES) expect((await stage.send(body)).status).toBe(204)
    expect(stored(stage)).toEqual({})
    expect((await stage.send(METADATA)).status).toBe(204)
    const expected = expectedAfter(SERIES)
    expect(Object.keys(expected)).toEqual(['team-a', 'team-b', 'team-c'])
    expect(expected['team-a']?.length).toBeLessThan(expected['team-c']?.length as number)
    expect(stored(stage)).toEqual(expected)
    const routed = Object.values(expected).flat().length
    expect(await stage.metric('sluice_metadata_total{verdict="delivered"}')).toBe(routed)
    const known = new Set(Object.values(expected).flat().map(familyOf))
    const waiting = LAST.filter(entry => !known.has(familyOf(entry)))
    expect(await stage.metric('sluice_metadata_waiting')).toBe(waiting.length)
  })

  test('waits until the families are seen, and goes with the series then', async () => {
    await using stage = await learned()
    expect((await stage.send(METADATA)).status).toBe(204)
    expect(stage.store.received).toEqual([])
    expect(await stage.metric('sluice_metadata_waiting')).toBe(LAST.length)
    const [first, second] = SERIES as [Uint8Array, Uint8Array]
    expect((await stage.send(second)).status).toBe(204)
    expect(stored(stage)).toEqual(expectedAfter([second], LAST))
    // What has gone out does not go again; the next minute’s entry will find more tenants.
    expect((await stage.send(first)).status).toBe(204)
    const again = Object.values(stored(stage)).flat()
    const before = new Set(Object.values(expectedAfter([second], LAST)).flat())
    expect(again.filter(entry => before.has(entry))).toEqual([])
  })

  test('leaves with the series of its tenant in one request, and the push’s answer speaks for both', async () => {
    await using stage = await learned()
    await stage.send(METADATA)
    const [first] = SERIES as [Uint8Array, Uint8Array]
    stage.store.respond = answerWith(503)
    expect((await stage.send(first)).status).toBe(503)
    stage.store.received.splice(0)
    stage.store.respond = answerWith(204)
    expect((await stage.send(first)).status).toBe(204)
    const requests = stage.store.received.map(({ body }) => {
      const { series, metadata } = decodeMessage('1.0', unsnappy(body))
      return series.length > 0 && metadata.length > 0
    })
    expect(requests).toEqual([true, true, true])
    expect(stored(stage)).toEqual(expectedAfter([first], LAST))
  })

  test('is dropped and counted where its families never come', async () => {
    await using stage = await learned({ wait: '1s' })
    await stage.send(METADATA)
    const unknown = 'sluice_metadata_dropped_total{reason="unknown"}'
    await eventually(async () => (await stage.metric(unknown)) === LAST.length)
    expect(await stage.metric('sluice_metadata_waiting')).toBe(0)
  }, 30_000)
})

test('with route all, it reaches every tenant of its sender', async () => {
  const config = { tenant: { label: 'tenant', missing: 'drop' }, metadata: { route: 'all' } }
  await using stage = await startStage({ config })
  await stage.send(SERIES[0] as Uint8Array)
  await stage.send(METADATA)
  const entries = ENTRIES.toSorted()
  expect(stored(stage)).toEqual({ 'team-a': entries, 'team-b': entries, 'team-c': entries })
})

test('by default it is dropped, and counted as such', async () => {
  await using stage = await startStage()
  expect((await stage.send(METADATA)).status).toBe(204)
  expect(stage.store.received).toEqual([])
  expect(await stage.metric('sluice_metadata_dropped_total{reason="route"}')).toBe(ENTRIES.length)
})

describe('the metadata of a recorded Prometheus that sends 2.0, for a store of 1.0', () => {
  const PUSHES = ['001', '002'].map(name => {
    return new Uint8Array(
      readFileSync(new URL(`../fixtures/prometheus-3.5/rw2/${name}.bin`, import.meta.url)),
    )
  })
  const send = (stage: Stage, body: Uint8Array) => stage.send(body, { headers: PUSH_HEADERS['2.0'] })

  interface Described {
    readonly labels: readonly (readonly [string, string])[]
    readonly metadata?: { readonly type?: number; readonly help?: string; readonly unit?: string }
  }

  const STRIPPED: Readonly<Record<number, RegExp>> = {
    3: /_(bucket|sum|count)$/,
    4: /_(bucket|gsum|gcount)$/,
    5: /_(sum|count)$/,
  }

  /** `tenant type family unit help`, of all series with a tenant. */
  const EXPECTED = new Set(
    PUSHES.flatMap(body => seriesBySchema('2.0', unsnappy(body)) as unknown as Described[]).flatMap(
      ({ labels, metadata: { type = 0, help = '', unit = '' } = {} }) => {
        const { tenant, __name__: name = '' } = Object.fromEntries(labels)
        if (tenant === undefined || (type === 0 && help === '' && unit === '')) return []
        return [[tenant, type, name.replace(STRIPPED[type] ?? /$^/, ''), unit, help].join(' ')]
      },
    ),
  )

  /** What the store got since it was last asked, each as often as it came. */
  function described(stage: Stage): string[] {
    return stage.store.received.splice(0).flatMap(({ headers, body }) => {
      const tenant = String(headers['x-scope-orgid'])
      return entriesOf({ body }).map(({ type, metricFamilyName, unit, help }) => {
        return [tenant, type, metricFamilyName, unit, help].join(' ')
      })
    })
  }

  const start = (metadata: Readonly<Record<string, unknown>>) =>
    startStage({
      config: { tenant: { label: 'tenant', missing: 'drop' }, egress: { protocol: '1.0' }, metadata },
    })

  test('reaches the tenants whose series say it, once within the interval', async () => {
    await using stage = await start({ interval: '1h' })
    expect(EXPECTED.size).toBeGreaterThan(3)
    for (const body of [...PUSHES, ...PUSHES]) expect((await send(stage, body)).status).toBe(204)
    expect(described(stage).sort()).toEqual([...EXPECTED].sort())
    expect(await stage.metric('sluice_metadata_sent')).toBe(EXPECTED.size)
    expect(await stage.metric('sluice_metadata_total{verdict="delivered"}')).toBe(EXPECTED.size)
  })

  test('goes again with the sender’s retry where it was not stored', async () => {
    await using stage = await start({ interval: '1h' })
    stage.store.respond = answerWith(500)
    expect((await send(stage, PUSHES[0] as Uint8Array)).status).toBe(503)
    expect(await stage.metric('sluice_metadata_sent')).toBe(0)
    described(stage)
    stage.store.respond = answerWith(204)
    for (const body of PUSHES) await eventually(async () => (await send(stage, body)).status === 204)
    expect(described(stage).sort()).toEqual([...EXPECTED].sort())
  })

  test('goes again when the interval is over', async () => {
    await using stage = await start({ interval: '1s' })
    for (const body of PUSHES) await send(stage, body)
    expect(described(stage)).toHaveLength(EXPECTED.size)
    const again = await eventually(async () => {
      for (const body of PUSHES) await send(stage, body)
      const entries = described(stage)
      return entries.length > 0 && entries
    })
    expect(again.filter(entry => !EXPECTED.has(entry))).toEqual([])
  })
})
