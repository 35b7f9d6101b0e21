/** Senders of 2.0 before stores that know it, lack it, or only say so; and the counts that the senders get. */
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { held } from '../support/held.ts'
import { message, metadata, type SeriesText, series } from '../support/messages.ts'
import { type StoreKind, storeThat } from '../support/protocol-stores.ts'
import { answerWith } from '../support/receiver.ts'
import { PUSH_HEADERS } from '../support/remote-write.ts'
import type { Answer } from '../support/request.ts'
import { bodyOf, compressed, type Stage, type StageOptions, startStage } from '../support/stage.ts'
import { concat, double, varintField } from '../support/wire.ts'

const TWO = { headers: PUSH_HEADERS['2.0'] }

const of = (tenant: string, name: string, more: Partial<SeriesText> = {}) =>
  series({ __name__: name, tenant }, more)
const exemplars = [{ labels: [['trace_id', 'x'] as const], rest: concat(double(2, 1), varintField(3, 1000)) }]
/** Two samples and an exemplar of a, a native histogram of b. */
const PUSH = compressed(
  message('2.0', [
    of('a', 'one', { exemplars }),
    of('a', 'two', { more: [varintField(6, 1000)] }),
    of('b', 'three', { samples: [], histograms: [varintField(15, 1000)] }),
  ]),
)

const HEADERS = ['samples', 'histograms', 'exemplars'].map(
  kind => `x-prometheus-remote-write-${kind}-written`,
)
/** Samples, histograms and exemplars that the answer counts; undefined without any. */
function written({ headers }: Answer): number[] | undefined {
  const counts = HEADERS.map(name => headers[name])
  if (counts.every(count => count === undefined)) return undefined
  return counts.map(count => Number(count))
}

async function startBefore(kind: StoreKind, options: StageOptions = {}) {
  const stage = await startStage({ config: options.config ?? {} })
  const kept = storeThat(kind)
  stage.store.respond = kept.respond
  return { stage, kept }
}

const event = (stage: Stage, name: string) =>
  stage.metric(`sluice_lane_events_total{event="${name}",upstream="default"}`)

describe('a push of 2.0', () => {
  test('goes as 2.0 to a store that knows it, whose counts are the answer', async () => {
    const { stage, kept } = await startBefore('knows 2.0')
    await using _ = stage
    for (const round of [1, 2]) {
      const answer = await stage.send(PUSH, TWO)
      expect([answer.status, answer.body, written(answer)]).toEqual([204, '', [2, 1, 1]])
      expect(kept.stored.sort().slice(-2 * round)).toContain('2.0 b: three')
    }
    expect(kept.asked).toEqual(['2.0', '2.0', '2.0', '2.0'])
    expect(await stage.metric('sluice_upstream_protocol{upstream="default"}')).toBe(2)
    expect(await event(stage, 'fell_back')).toBe(0)
  })

  test.each<StoreKind>(['answers 415', 'ignores the type', 'answers 400'])(
    'goes as 1.0 to a store that %s, and is counted as what was sent',
    async kind => {
      const { stage, kept } = await startBefore(kind)
      await using _ = stage
      for (const _round of [1, 2]) {
        const answer = await stage.send(PUSH, TWO)
        expect([answer.status, answer.body, written(answer)]).toEqual([204, '', [2, 1, 1]])
        expect(kept.stored.splice(0).sort()).toEqual(['1.0 a: one two', '1.0 b: three'])
      }
      expect(kept.asked.filter(protocol => protocol === '2.0')).toHaveLength(1)
      expect(await stage.metric('sluice_upstream_protocol{upstream="default"}')).toBe(1)
      expect(await event(stage, 'fell_back')).toBe(1)
      // Both shares of the first push, where they left; the second was split into 1.0.
      expect(await event(stage, 'converted')).toBe(2)
      expect(await stage.metric('sluice_created_timestamps_lost_total')).toBe(2)
    },
  )

  test('of many tenants, sent by many at once, asks a store that lacks 2.0 once', async () => {
    const { stage, kept } = await startBefore('answers 415')
    await using _ = stage
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`)
    const body = compressed(
      message(
        '2.0',
        names.map(tenant => of(tenant, 'up')),
      ),
    )
    const answers = await Promise.all([1, 2, 3, 4].map(() => stage.send(body, TWO)))
    expect(answers.map(answer => [answer.status, written(answer)])).toEqual(Array(4).fill([204, [20, 0, 0]]))
    expect(kept.asked.filter(protocol => protocol === '2.0')).toHaveLength(1)
    const series = kept.stored.flatMap(it => it.split(': ')[1]?.split(' ') ?? [])
    expect(series).toHaveLength(80)
    expect(await stage.metric('sluice_upstream_turns_waiting{upstream="default"}')).toBe(0)
  })

  test.each([
    ['same', 'answers 415', '2.0', 503, [0, 0, 0]],
    ['1.0', 'knows 2.0', '1.0', 204, [2, 1, 1]],
    ['2.0', 'knows 2.0', '2.0', 204, [2, 1, 1]],
  ] as const)(
    'with egress.protocol: %s, before a store that %s, goes as %s',
    async (protocol, kind, sent, status, counts) => {
      const { stage, kept } = await startBefore(kind, { config: { egress: { protocol } } })
      await using _ = stage
      const answer = await stage.send(PUSH, TWO)
      expect([answer.status, written(answer)]).toEqual([status, counts])
      expect(new Set(kept.asked)).toEqual(new Set([sent]))
    },
  )
})

test.each<StoreKind>(['answers 415', 'ignores the type', 'answers 400'])(
  'a native histogram with custom buckets reaches no store that %s, and nobody is told that it did',
  async kind => {
    const { stage, kept } = await startBefore(kind)
    await using _ = stage
    // Schema -53, three custom values, one series of tenant t1.
    const custom = compressed(
      Buffer.from(
        '220022085f5f6e616d655f5f220168220674656e616e74220274312a3a0a04010203041a32080619000000000000' +
          '044020695a040800100362030400007880cc95f0a1348201109a9999999999b93f000000000000e03f',
        'hex',
      ),
    )
    for (const known of [0, 1]) {
      const answer = await stage.send(custom, TWO)
      expect([answer.status, written(answer)]).toEqual([204, [0, 0, 0]])
      expect(await stage.metric('sluice_upstream_protocol{upstream="default"}')).toBe(known)
      expect(await stage.metric('sluice_histograms_lost_total')).toBe(known + 1)
      // From here on, pushes are split into 1.0.
      if (known === 0) expect((await stage.send(PUSH, TWO)).status).toBe(204)
    }
    expect(kept.stored.sort()).toEqual(['1.0 a: one two', '1.0 b: three'])
  },
)

test('a push of 1.0 goes as 2.0 with egress.protocol: "2.0", and its answer counts nothing', async () => {
  const { stage, kept } = await startBefore('knows only 2.0', { config: { egress: { protocol: '2.0' } } })
  await using _ = stage
  const answer = await stage.push([{ __name__: 'up', tenant: 'a' }])
  expect([answer.status, written(answer)]).toEqual([204, undefined])
  expect(kept.stored).toEqual(['2.0 a: up'])
})

test.each(['all', 'default'])(
  'what can only go as 1.0 (metadata.route: %s) is rejected data where the store takes 2.0 alone, and is not to be sent for ever',
  async route => {
    const config = {
      tenant: { label: 'tenant', default: 'a' },
      egress: { protocol: '2.0' },
      metadata: { route },
    }
    const { stage, kept } = await startBefore('knows only 2.0', { config })
    await using _ = stage
    const answer = await stage.send(
      compressed(concat(message('1.0', [of('a', 'up')]), metadata('up', 'help'))),
    )
    expect([answer.status, kept.stored]).toEqual([400, ['2.0 a: up']])
    expect(kept.asked.sort()).toEqual(['1.0', '2.0'])
    expect(answer.body).toContain('rejected with 415: only 2.0')
  },
)

describe('the counts of an answer', () => {
  test('are not there where the push is 1.0, whatever the store says', async () => {
    const { stage } = await startBefore('knows 2.0')
    await using _ = stage
    stage.store.respond = answerWith(204, '', Object.fromEntries(HEADERS.map(name => [name, '7'])))
    expect(written(await stage.push([{ __name__: 'up', tenant: 'a' }]))).toBeUndefined()
    stage.store.respond = answerWith(400)
    expect(written(await stage.push([{ __name__: 'up', tenant: 'a' }]))).toBeUndefined()
  })

  test('are those of the tenants that were served, where others were not', async () => {
    const { stage, kept } = await startBefore('knows 2.0')
    await using _ = stage
    await stage.send(PUSH, TWO)
    stage.store.respond = (received, ...rest) =>
      (received.headers['x-scope-orgid'] === 'b' ? answerWith(500) : kept.respond)(received, ...rest)
    const failed = await stage.send(PUSH, TWO)
    expect([failed.status, written(failed)]).toEqual([503, [2, 0, 1]])
    // What the retry need not send again counts all the same.
    stage.store.respond = kept.respond
    kept.asked.length = 0
    const again = await stage.send(PUSH, TWO)
    expect([again.status, written(again), kept.asked]).toEqual([204, [2, 1, 1], ['2.0']])
  })

  test('leave out series that were refused', async () => {
    const { stage } = await startBefore('knows 2.0')
    await using _ = stage
    const body = compressed(message('2.0', [of('a', 'one'), series({ __name__: 'lost' })]))
    const answer = await stage.send(body, TWO)
    expect([answer.status, written(answer)]).toEqual([400, [1, 0, 0]])
  })

  test('are the truth where tenant.accept_all is not', async () => {
    const { stage } = await startBefore('knows 2.0', {
      config: { tenant: { label: 'tenant', accept_all: true } },
    })
    await using _ = stage
    stage.store.respond = answerWith(500)
    const answer = await stage.send(PUSH, TWO)
    expect([answer.status, written(answer)]).toEqual([204, [0, 0, 0]])
  })

  test('are zeros where nothing was stored: a corrupt body, one of the other protocol, one that is too large', async () => {
    const { stage } = await startBefore('knows 2.0', { config: { limits: { max_body: '1KiB' } } })
    await using _ = stage
    for (const [body, status] of [
      [Buffer.from('no snappy'), 400],
      [bodyOf([{ __name__: 'up', tenant: 'a' }]), 400],
      [new Uint8Array(2000), 413],
    ] as const) {
      const answer = await stage.send(body, TWO)
      expect([answer.status, written(answer)]).toEqual([status, [0, 0, 0]])
    }
  })

  test('are zeros where the gate refuses', async () => {
    const { stage } = await startBefore('knows 2.0', { config: { concurrency: 1 } })
    await using _ = stage
    const { respond, release, waiting } = held()
    stage.store.respond = respond
    const taken = stage.send(PUSH, TWO)
    await eventually(() => waiting.length > 0)
    const refused = await stage.send(PUSH, TWO)
    expect(refused.body).toContain('concurrency')
    expect([refused.status, written(refused)]).toEqual([503, [0, 0, 0]])
    stage.store.respond = answerWith(500)
    release()
    await taken
  })

  test('are zeros when the deadline is over', async () => {
    const { stage } = await startBefore('knows 2.0', { config: { push_deadline: '300ms' } })
    await using _ = stage
    stage.store.respond = () => {}
    const late = await stage.send(PUSH, TWO)
    expect([late.status, written(late)]).toEqual([503, [0, 0, 0]])
  })

  test('are not there before it is known what the push is', async () => {
    const { stage } = await startBefore('knows 2.0')
    await using _ = stage
    const headers = { ...PUSH_HEADERS['2.0'], 'content-encoding': 'gzip' }
    const answer = await stage.send(PUSH, { headers })
    expect([answer.status, written(answer)]).toEqual([415, undefined])
  })
})
