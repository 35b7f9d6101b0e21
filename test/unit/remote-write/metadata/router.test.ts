import { beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../../src/config/load.ts'
import {
  type MetadataDrop,
  MetadataRouter,
  type Routed,
  type Settled,
} from '../../../../src/remote-write/metadata/router.ts'
import { mergeByReference } from '../../../../src/remote-write/reference/merge-requests.ts'
import type { Protocol, SplitRules, SplitShare } from '../../../../src/remote-write/split.ts'
import { localVerdict, verdictOf } from '../../../../src/share/verdict.ts'
import { freshKernel } from '../../../support/kernel.ts'
import { message, metadata, push, rules, type SeriesText, series } from '../../../support/messages.ts'
import { metadataOf } from '../../../support/metadata.ts'
import { done } from '../../../support/split.ts'
import { concat } from '../../../support/wire.ts'

const split = freshKernel()

let clock = 0
let dropped: MetadataDrop[] = []
let limits: string[] = []
beforeEach(() => {
  clock = 1000
  dropped = []
  limits = []
})

/** A router, and what a push of these series and metadata entries comes to for a sender. */
function start(policy: Readonly<Record<string, string | number>>, changes: Partial<SplitRules> = {}) {
  const text = `target: http://x\nmetadata: ${JSON.stringify(policy)}`
  const config = loadConfig({ file: { name: 'f', text }, env: {} }).config.metadata
  const report = config.route === 'all' || config.route === 'learned'
  const base = rules({ strip: true, metadata: report ? 'report' : 'drop', ...changes })
  const router = new MetadataRouter({
    policy: config,
    rules: base,
    events: { dropped: reason => dropped.push(reason), limited: limit => limits.push(limit) },
    compress: block => mergeByReference([block], 'fast'),
    now: () => clock,
  })
  const routed = (
    bytes: Uint8Array,
    from = 'sender',
    protocol: Protocol = '1.0',
    output = protocol,
    storeOf: (tenant: string) => string | undefined = () => 'store',
  ) => {
    const asked = { ...base, output, families: router.asks(protocol, output) }
    return router.route({ metadataKey: from }, done(split(push(protocol, bytes), asked)), storeOf)
  }
  /** Everything is stored. Answers tenant → families, as entries `family help`. */
  const send = (list: readonly SeriesText[], entries: readonly Uint8Array[] = [], from = 'sender') => {
    const it = routed(concat(message('1.0', list), ...entries), from)
    it.settle?.(ended(it, () => verdictOf(204, '', undefined)))
    return seen(it)
  }
  return { router, routed, send }
}

function ended(
  routed: Routed,
  verdictFor: (share: SplitShare) => Settled['verdict'],
  remembered = false,
): Settled[] {
  return routed.shares.map(share => ({ share, verdict: verdictFor(share), remembered }))
}

function seen({ shares }: Routed): Record<string, string[]> {
  const lists: Record<string, string[]> = {}
  for (const share of shares) if (share.kind === 'metadata') lists[share.tenant] = metadataOf(share)
  return lists
}

const stored = () => verdictOf(204, '', undefined)
const unreachable = () => localVerdict('down')
const named = (tenant: string, name: string) => series({ tenant, __name__: name })

describe('all', () => {
  test('gives an entry to each tenant that its sender writes, and to no other’s', () => {
    const { send } = start({ route: 'all' })
    expect(send([named('a', 'up'), named('b', 'up')])).toEqual({})
    expect(send([named('c', 'up')], [], 'other')).toEqual({})
    expect(send([], [metadata('m', 'help')])).toEqual({ a: ['m help'], b: ['m help'] })
    expect(send([], [metadata('m', 'help')], 'other')).toEqual({ c: ['m help'] })
    expect(dropped).toEqual([])
  })

  test('learns no tenant that has no store, and gives nothing to one that has lost its own', () => {
    const { routed } = start({ route: 'all' })
    const onlyA = (tenant: string) => (tenant === 'a' ? 'store' : undefined)
    const send = (list: readonly SeriesText[], entries: Uint8Array[], storeOf = onlyA) =>
      seen(routed(concat(message('1.0', list), ...entries), 'sender', '1.0', '1.0', storeOf))
    send([named('a', 'up'), named('b', 'up')], [])
    expect(send([], [metadata('m', 'help')], () => 'store')).toEqual({ a: ['m help'] })
    send([named('c', 'up')], [], () => 'store')
    expect(send([], [metadata('m', 'help')])).toEqual({ a: ['m help'] })
  })

  test('lets entries of a sender without tenants wait for the first', () => {
    const { router, send } = start({ route: 'all' })
    expect(send([], [metadata('m', 'help')])).toEqual({})
    expect(router.waiting).toBe(1)
    expect(send([named('a', 'up')])).toEqual({ a: ['m help'] })
    expect(router.waiting).toBe(0)
    expect(send([named('a', 'up')])).toEqual({})
  })

  test('forgets a tenant that its sender writes no more', () => {
    const { send } = start({ route: 'all', remember: '1m' })
    send([named('a', 'up')])
    for (let i = 0; i < 3; i++) {
      clock += 60_000
      send([named('b', 'up')])
    }
    expect(send([], [metadata('m', 'help')])).toEqual({ b: ['m help'] })
  })
})

describe('a push with more entries than its tenants can be given', () => {
  const tenants = Array.from({ length: 1000 }, (_, i) => named(`t${i}`, 'up'))
  const up = metadata('up', 'h')

  test.each(['all', 'learned'])('leaves out those that are beyond, with %s', route => {
    const { send } = start({ route })
    send(tenants)
    const got = send([], Array(20_000).fill(up))
    expect(Object.keys(got)).toHaveLength(1000)
    expect(got.t999).toHaveLength(501)
    expect(dropped).toEqual(Array(19_499).fill('full'))
  })

  test('lets those that waited wait on, and gives them with the next push', () => {
    const { router, send } = start({ route: 'all' })
    const entries = Array.from({ length: 600 }, (_, i) => metadata(`m${i}`, 'h'))
    expect(send([], entries)).toEqual({})
    expect(send(tenants).t999).toHaveLength(501)
    expect(router.waiting).toBe(99)
    expect(send([]).t999).toBeUndefined()
    expect(send([named('t0', 'up')]).t999).toHaveLength(99)
    expect([router.waiting, dropped]).toEqual([0, []])
  })
})

describe('learned', () => {
  test('gives an entry to the tenants that have series of its family, and to no others', () => {
    const { send } = start({ route: 'learned' })
    send([named('a', 'm'), named('b', 'm'), named('c', 'n')])
    send([named('d', 'm')], [], 'other')
    expect(send([], [metadata('m', 'help'), metadata('n', 'more')])).toEqual({
      a: ['m help'],
      b: ['m help'],
      c: ['n more'],
    })
  })

  test.each(['', '_bucket', '_sum', '_count', '_total', '_created', '_info', '_gsum', '_gcount'])(
    'knows a family by a series whose name has %j behind it',
    suffix => {
      const { send } = start({ route: 'learned' })
      expect(send([named('a', `m${suffix}`)], [metadata('m', 'help')])).toEqual({ a: ['m help'] })
    },
  )

  test('does not know a family by other suffixes, or by a part of its name', () => {
    const { send } = start({ route: 'learned' })
    expect(send([named('a', 'm_max'), named('a', 'mm'), named('a', 'x_m')], [metadata('m', 'help')])).toEqual(
      {},
    )
  })

  test('keeps the series and the metadata of a push', () => {
    const { routed } = start({ route: 'learned' })
    const bytes = concat(metadata('m', 'help'), message('1.0', [named('a', 'm'), named('b', 'n')]))
    const { shares } = routed(bytes)
    expect(shares.map(({ tenant, kind, series, metadata }) => [tenant, kind, series, metadata])).toEqual([
      ['a', 'series', 1, 0],
      ['a', 'metadata', 0, 1],
      ['b', 'series', 1, 0],
    ])
  })

  test('lets entries of unknown families wait, and sends them with the first push that has a series of theirs', () => {
    const { router, send } = start({ route: 'learned' })
    expect(send([named('a', 'x')], [metadata('m', 'help'), metadata('n', 'more')])).toEqual({})
    expect([router.waiting, router.waitingBytes]).toEqual([2, 2 * metadata('m', 'help').length])
    expect(send([named('a', 'm_total')], [], 'other')).toEqual({})
    expect(send([named('b', 'm_total'), named('c', 'm_total')])).toEqual({ b: ['m help'], c: ['m help'] })
    expect(send([named('b', 'm_total')])).toEqual({})
    expect([router.waiting, dropped]).toEqual([1, []])
  })

  test('drops what waited for too long, however often it is sent again', () => {
    const { router, send } = start({ route: 'learned', wait: '2m' })
    send([], [metadata('m', 'old')])
    clock += 60_000
    send([], [metadata('m', 'new')])
    expect(dropped).toEqual(['replaced'])
    clock += 59_999
    router.sweep()
    expect(router.waiting).toBe(1)
    clock += 1
    router.sweep()
    expect([router.waiting, router.waitingBytes, dropped]).toEqual([0, 0, ['replaced', 'unknown']])
    expect(send([named('a', 'm')])).toEqual({})
  })

  test('of different entries of a family, the newest waits', () => {
    const { send } = start({ route: 'learned' })
    send([], [metadata('m', 'one'), metadata('m', 'two')])
    expect(send([named('a', 'm')])).toEqual({ a: ['m two'] })
  })

  test('drops an entry without a name that can be read', () => {
    const { send } = start({ route: 'learned' })
    expect(send([named('a', 'm')], [metadata('', 'help')])).toEqual({})
    expect(dropped).toEqual(['name'])
  })

  test('keeps no more entries waiting than there is room for, in number and in bytes', () => {
    const entries = ['m1', 'm2', 'm3'].map(name => metadata(name, 'help'))
    const few = start({ route: 'learned', max_waiting: 2 })
    few.send([], entries)
    expect([few.router.waiting, dropped]).toEqual([2, ['full']])
    const small = start({ route: 'learned', max_waiting_bytes: 2 * (entries[0]?.length ?? 0) })
    small.send([], entries)
    expect([small.router.waiting, dropped]).toEqual([2, ['full', 'full']])
    expect(small.send([named('a', 'm1')])).toEqual({ a: ['m1 help'] })
    small.send([], entries.slice(2))
    expect(small.router.waiting).toBe(2)
  })

  test('learns no more families than it may, and says so', () => {
    const { router, send } = start({ route: 'learned', max_families: 2 })
    send([named('a', 'm'), named('b', 'm'), named('c', 'm')])
    expect([router.families, limits]).toEqual([2, ['metadata.max_families']])
    expect(send([], [metadata('m', 'help')])).toEqual({ a: ['m help'], b: ['m help'] })
  })

  test('forgets a family that is seen no more, and not one that is', () => {
    const { router, send } = start({ route: 'learned', remember: '1m' })
    send([named('a', 'm'), named('b', 'm'), named('a', 'n')])
    for (let i = 0; i < 5; i++) {
      clock += 30_000
      send([named('b', 'm')])
    }
    expect(router.families).toBe(1)
    expect(send([], [metadata('m', 'help'), metadata('n', 'help')])).toEqual({ b: ['m help'] })
  })

  test('forgets the sender that was silent the longest where there are too many, with what waits of it', () => {
    const { router, send } = start({ route: 'learned', max_senders: 2 })
    send([named('a', 'm')], [metadata('n', 'help')], 'first')
    send([named('a', 'm')], [], 'second')
    send([named('a', 'm')], [], 'first')
    send([named('a', 'm')], [], 'third')
    expect(router.senders).toBe(2)
    expect(send([], [metadata('m', 'help')], 'first')).toEqual({ a: ['m help'] })
    send([named('b', 'm')], [], 'second')
    send([named('b', 'm')], [], 'third')
    expect([router.senders, router.waiting, dropped]).toEqual([2, 0, ['unknown']])
  })

  test('forgets a silent sender', () => {
    const { router, send } = start({ route: 'learned', remember: '1m' })
    send([named('a', 'm')], [metadata('n', 'help')])
    clock += 60_000
    router.sweep()
    expect([router.senders, router.families, router.waiting, dropped]).toEqual([0, 0, 0, ['unknown']])
  })

  test('sends what waited again where it was not stored', () => {
    const { router, send, routed } = start({ route: 'learned' })
    const waited = () => {
      send([], [metadata('m', 'help')])
      const it = routed(message('1.0', [named('a', 'm')]))
      expect(seen(it)).toEqual({ a: ['m help'] })
      return it
    }
    const down = waited()
    down.settle?.(ended(down, unreachable))
    expect(router.waiting).toBe(1)
    // The sender’s retry: the families are known by now.
    expect(send([named('a', 'm')])).toEqual({ a: ['m help'] })
    expect([router.waiting, dropped]).toEqual([0, []])
    expect(send([named('a', 'm')])).toEqual({})
  })

  test('does not take what an earlier push of the same bytes brought for what waited since, nor sends again what was rejected', () => {
    const { router, send, routed } = start({ route: 'learned' })
    send([], [metadata('m', 'help')])
    const again = routed(message('1.0', [named('a', 'm')]))
    again.settle?.(ended(again, stored, true))
    expect(router.waiting).toBe(1)
    const rejected = routed(message('1.0', [named('b', 'x')]))
    expect(seen(rejected)).toEqual({ a: ['m help'] })
    rejected.settle?.(ended(rejected, () => verdictOf(400, 'no', undefined)))
    expect([router.waiting, dropped]).toEqual([0, []])
  })

  test('an entry that comes back finds a newer one of its family in its place', () => {
    const { router, send, routed } = start({ route: 'learned' })
    send([], [metadata('m', 'old')])
    const down = routed(message('1.0', [named('a', 'm')]))
    down.settle?.([])
    expect(send([], [metadata('m', 'new')])).toEqual({ a: ['m new'] })
    expect([router.waiting, dropped]).toEqual([0, ['replaced']])
    expect(send([named('a', 'm')])).toEqual({})
  })

  test('what comes back to a sender that was forgotten is dropped', () => {
    const { router, send, routed } = start({ route: 'learned', max_senders: 1 })
    send([], [metadata('m', 'help')])
    const down = routed(message('1.0', [named('a', 'm')]))
    send([named('a', 'm')], [], 'other')
    down.settle?.(ended(down, unreachable))
    expect([router.waiting, dropped]).toEqual([0, ['unknown']])
  })

  test('metadata goes with the replica of its tenant’s series, and otherwise with none', () => {
    const { routed } = start({ route: 'learned' })
    const list = [series({ tenant: 'a', __name__: 'm', cluster: 'c', __replica__: 'r' })]
    const beside = routed(concat(message('1.0', list), metadata('m', 'help')))
    expect(beside.shares.map(({ ha, alone }) => [ha, alone])).toEqual([
      [['c', 'r'], false],
      [['c', 'r'], false],
    ])
    expect(routed(metadata('m', 'help')).shares.map(({ ha }) => ha)).toEqual([['', '']])
  })

  test('tenants with the same entries share the bytes, and together they stay within limits.max_split_output', () => {
    const entry = metadata('m', 'help '.repeat(50))
    const { routed } = start({ route: 'learned' }, { maxOutputBytes: 2 * entry.length })
    for (const tenant of ['a', 'b', 'c']) routed(message('1.0', [named(tenant, 'm')])).settle?.([])
    const made = routed(entry).shares
    expect(made.map(({ tenant }) => tenant)).toEqual(['a', 'b'])
    expect(made[0]?.body).toBe(made[1]?.body)
    expect(dropped).toEqual(['full'])
  })

  test('a mebibyte of metadata is compressed, and what is more in a push goes as it is', () => {
    const { routed } = start({ route: 'learned' })
    const names = ['m1', 'm2', 'm3']
    routed(
      message(
        '1.0',
        names.map(name => named(name, name)),
      ),
    ).settle?.([])
    const entries = names.map(name => metadata(name, 'help '.repeat(120_000)))
    const { shares } = routed(concat(...entries))
    const ratios = shares.map(({ body, decodedBytes }) => body.length / decodedBytes)
    expect(ratios.map(ratio => ratio > 0.5)).toEqual([false, false, true])
    expect(shares.flatMap(metadataOf).map(entry => entry.length)).toEqual([600_003, 600_003, 600_003])
  })

  test('a name that is nothing but a suffix has no family behind it', () => {
    const { send } = start({ route: 'learned' })
    expect(send([named('a', '_sum')], [metadata('_sum', 'help')])).toEqual({ a: ['_sum help'] })
  })
})

describe('metadata of 2.0 for a store of 1.0', () => {
  const described = (tenant: string, name: string, type: number, help: string) =>
    series({ tenant, __name__: name }, { metadata: { type, help, unit: 's' } })

  function startBridge(policy: Readonly<Record<string, string | number>> = {}) {
    const { router, routed } = start(policy)
    const sent = (list: readonly SeriesText[]) => routed(message('2.0', list), 'sender', '2.0', '1.0')
    const send = (list: readonly SeriesText[]) => {
      const it = sent(list)
      it.settle?.(ended(it, stored))
      return seen(it)
    }
    return { router, sent, send, routed }
  }

  test('goes once for each tenant and family within the interval', () => {
    const { router, send } = startBridge({ interval: '1m' })
    const list = [
      described('a', 'h_bucket', 3, 'help'),
      described('a', 'h_count', 3, 'help'),
      described('b', 'h_sum', 3, 'help'),
      described('b', 'c_total', 1, 'count'),
    ]
    const all = { a: ['h help 3 s'], b: ['h help 3 s', 'c_total count 1 s'] }
    expect(send(list)).toEqual(all)
    clock += 59_999
    expect(send(list)).toEqual({})
    expect(router.sent).toBe(3)
    clock += 1
    expect(send(list)).toEqual(all)
  })

  test('goes at once when it changes', () => {
    const { send } = startBridge()
    send([described('a', 'm', 1, 'old')])
    expect(send([described('a', 'm', 1, 'new')])).toEqual({ a: ['m new 1 s'] })
    expect(send([described('a', 'm', 2, 'new')])).toEqual({ a: ['m new 2 s'] })
  })

  test('goes once in each wording, where senders disagree', () => {
    const { router, send } = startBridge()
    const wordings = Array.from({ length: 10 }, (_, i) => described('a', 'm', 1, `wording ${i}`))
    expect(send(wordings).a).toHaveLength(10)
    expect(router.sent).toBe(8)
    expect(send(wordings.slice(2))).toEqual({})
    expect(send(wordings.slice(0, 2)).a).toHaveLength(2)
  })

  test('goes again where it was not stored', () => {
    const { sent, send } = startBridge()
    const list = [described('a', 'm', 1, 'x'.repeat(2000))]
    const down = sent(list)
    down.settle?.(ended(down, unreachable))
    expect(Object.keys(send(list))).toEqual(['a'])
    expect(send(list)).toEqual({})
  })

  test('goes to each store that a tenant is at', () => {
    const { routed } = startBridge()
    const bytes = message('2.0', [described('a', 'm', 1, 'help')])
    const send = (store: string) => {
      const it = routed(bytes, 'sender', '2.0', '1.0', () => store)
      it.settle?.(ended(it, stored))
      return seen(it)
    }
    expect([send('one'), send('two'), send('one')]).toEqual([
      { a: ['m help 1 s'] },
      { a: ['m help 1 s'] },
      {},
    ])
  })

  test('stands behind the series of its tenant', () => {
    const { sent } = startBridge()
    const list = [described('a', 'm', 1, ''), described('b', 'm', 1, '')]
    expect(sent(list).shares.map(({ tenant, kind, protocol }) => `${tenant} ${kind} ${protocol}`)).toEqual([
      'a series 1.0',
      'a metadata 1.0',
      'b series 1.0',
      'b metadata 1.0',
    ])
  })

  test('is not asked for where it stays in its series, or the interval is 0', () => {
    const on = startBridge().router
    expect([on.asks('2.0', '1.0'), on.asks('2.0', '2.0'), on.asks('1.0', '1.0')]).toEqual([
      'metadata',
      'none',
      'none',
    ])
    expect(startBridge({ interval: 0 }).router.asks('2.0', '1.0')).toBe('none')
    expect(start({ route: 'learned' }).router.asks('1.0', '2.0')).toBe('names')
  })

  test('is remembered within bounds, and forgotten when it is due anyway', () => {
    const { router, send } = startBridge({ max_sent: 2, interval: '1m' })
    const list = ['m1', 'm2', 'm3'].map(name => described('a', name, 1, ''))
    send(list)
    expect(router.sent).toBe(2)
    expect(send(list)).toEqual({ a: ['m3  1 s'] })
    clock += 60_000
    router.sweep()
    expect(router.sent).toBe(0)
  })
})
