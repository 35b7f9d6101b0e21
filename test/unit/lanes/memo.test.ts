import { describe, expect, test } from 'vitest'
import { type Earlier, isFinal, Memo, type MemoPolicy, nameOf } from '../../../src/lanes/memo.ts'
import type { QueuedShare } from '../../../src/lanes/shipment.ts'
import {
  cancelledVerdict,
  localVerdict,
  NOTHING,
  type Verdict,
  verdictOf,
} from '../../../src/share/verdict.ts'
import { queued as queuedOf } from '../../support/shares.ts'

const body = (text: string) => new TextEncoder().encode(text)
const DELIVERED = verdictOf(204, '', undefined)
const UNREACHABLE = verdictOf(503, '', undefined)

const SHED: Verdict = { kind: 'rejected', status: 0, reason: 'shed', refusal: false, written: NOTHING }

function ended(tenant: string, verdict: Verdict): QueuedShare {
  const queued = queuedOf(tenant)
  queued.settle(verdict)
  return queued
}

/** One whose push was called off while it travelled with others. */
function travelling(tenant: string): QueuedShare {
  const queued = queuedOf(tenant)
  queued.carrier = { leave: () => true }
  queued.callOff(cancelledVerdict('gone'))
  return queued
}

function memoOf(policy: Partial<MemoPolicy> = {}) {
  const clock = { now: 0 }
  return { clock, memo: new Memo({ ttlMs: 1000, maxBytes: 100_000, ...policy }, () => clock.now) }
}

const known = (earlier: Earlier | undefined) =>
  earlier === undefined
    ? undefined
    : Object.fromEntries([...earlier].map(([name, verdict]) => [tenantIn(name), verdict]))

/** Of the share of that name. */
const tenantIn = (name: string) => name.split(' ')[1]

describe('the memo', () => {
  test('knows nothing of a push that it was not told of', () => {
    const { memo } = memoOf()
    expect(memo.recall(body('one'), '')).toBeUndefined()
    memo.remember(body('one'), '', [ended('a', DELIVERED)], undefined)
    expect(memo.recall(body('two'), '')).toBeUndefined()
    expect(memo.recall(body('three'), '')).toBeUndefined()
  })

  test('knows how each share of a failed push ended, but for those that go again', () => {
    const { memo } = memoOf()
    const rejected = verdictOf(400, 'out of order', undefined)
    const shares = [ended('a', DELIVERED), ended('b', UNREACHABLE), ended('c', rejected)]
    memo.remember(body('push'), '', shares, undefined)
    expect(known(memo.recall(body('push'), ''))).toEqual({ a: DELIVERED, c: rejected })
  })

  test.each<[string, Verdict, boolean]>([
    ['200', verdictOf(200, '', undefined), true],
    ['400', verdictOf(400, '', undefined), true],
    ['413', verdictOf(413, '', undefined), true],
    ['429', verdictOf(429, '', undefined), false],
    ['401, which is our configuration', verdictOf(401, '', undefined), false],
    ['503', verdictOf(503, '', undefined), false],
    ['a queue that is full', localVerdict('full'), false],
    ['a push that was called off', cancelledVerdict('gone'), false],
    ['a share that was shed', SHED, false],
  ])('keeps %s: %o, %s', (_, verdict, kept) => {
    const { memo } = memoOf()
    memo.remember(body('push'), '', [ended('a', verdict)], undefined)
    expect([isFinal(verdict), memo.recall(body('push'), '') !== undefined, memo.size]).toEqual([
      kept,
      kept,
      kept ? 1 : 0,
    ])
  })

  test.each([
    ['encodings', '1.0\0snappy\0\0', '1.0\0zstd\0\0'],
    ['protocols', '1.0\0snappy\0\0', '2.0\0snappy\0\0'],
    ['prefixes', '1.0\0snappy\0one-\0', '1.0\0snappy\0two-\0'],
    ['forwarded credentials', '1.0\0snappy\0\0Basic x\n', '1.0\0snappy\0\0Basic y\n'],
  ])('tells the same bytes of different %s apart', (_, one, other) => {
    const { memo } = memoOf()
    memo.remember(body('push'), one, [ended('a', DELIVERED)], undefined)
    expect(memo.recall(body('push'), other)).toBeUndefined()
    expect(known(memo.recall(body('push'), one))).toEqual({ a: DELIVERED })
  })

  test('adds what the retry brought to what was known', () => {
    const { memo } = memoOf()
    memo.remember(body('push'), '', [ended('a', DELIVERED), ended('b', UNREACHABLE)], undefined)
    const earlier = memo.recall(body('push'), '')
    memo.remember(body('push'), '', [ended('b', DELIVERED), ended('c', UNREACHABLE)], earlier)
    expect(known(memo.recall(body('push'), ''))).toEqual({ a: DELIVERED, b: DELIVERED })
    expect(memo.size).toBe(1)
  })

  test('forgets after its time, which begins anew with each hit', () => {
    const { memo, clock } = memoOf()
    memo.remember(body('push'), '', [ended('a', DELIVERED)], undefined)
    clock.now = 900
    expect(memo.recall(body('push'), '')).toBeDefined()
    clock.now = 1800
    expect(memo.recall(body('push'), '')).toBeDefined()
    clock.now = 2800
    expect(memo.recall(body('push'), '')).toBeUndefined()
    expect([memo.size, memo.bytes]).toEqual([0, 0])
  })

  test('sweeps out what is too old and nothing else', () => {
    const { memo, clock } = memoOf()
    memo.remember(body('old'), '', [ended('a', DELIVERED)], undefined)
    clock.now = 500
    memo.remember(body('new'), '', [ended('a', DELIVERED)], undefined)
    clock.now = 1000
    memo.sweep()
    expect(memo.size).toBe(1)
    expect(memo.recall(body('new'), '')).toBeDefined()
  })

  test('stays within its bytes: what was least recently asked for goes first', () => {
    const { memo } = memoOf({ maxBytes: 2500 })
    for (let i = 0; i < 4; i++) memo.remember(body(`push ${i}`), '', [ended('a', DELIVERED)], undefined)
    expect(memo.size).toBe(4)
    expect(memo.recall(body('push 0'), '')).toBeDefined()
    memo.remember(body('push 4'), '', [ended('a', DELIVERED)], undefined)
    expect(memo.bytes).toBeLessThanOrEqual(2500)
    const left = [0, 1, 2, 3, 4].filter(i => memo.recall(body(`push ${i}`), '') !== undefined)
    expect(left).toEqual([0, 2, 3, 4])
  })

  test('does not keep one push that is larger than all its bytes', () => {
    const { memo } = memoOf({ maxBytes: 2500 })
    const many = Array.from({ length: 50 }, (_, i) => ended(`t${i}`, DELIVERED))
    memo.remember(body('push'), '', many, undefined)
    expect([memo.size, memo.bytes]).toEqual([0, 0])
  })

  test('remembers nothing where it has no bytes', () => {
    const { memo } = memoOf({ maxBytes: 0 })
    memo.remember(body('push'), '', [ended('a', DELIVERED)], undefined)
    expect(memo.size).toBe(0)
  })

  test.each<[string, Verdict, boolean]>([
    ['is kept as it ends', DELIVERED, true],
    ['goes again where it came to nothing', UNREACHABLE, false],
  ])('promises the end of a share that still travels; it %s', async (_, end, kept) => {
    const { memo } = memoOf()
    const queued = travelling('a')
    memo.remember(body('push'), '', [queued], undefined)
    const promised = memo.recall(body('push'), '')?.get(nameOf(queued))
    expect(promised).toBeInstanceOf(Promise)
    queued.settle(end)
    expect(await promised).toEqual(end)
    expect(known(memo.recall(body('push'), ''))).toEqual(kept ? { a: end } : {})
  })

  test('takes the end of an older journey for no answer to a newer one', async () => {
    const { memo } = memoOf()
    const older = travelling('a')
    memo.remember(body('push'), '', [older], undefined)
    memo.remember(body('push'), '', [ended('a', DELIVERED)], memo.recall(body('push'), ''))
    older.settle(UNREACHABLE)
    await older.late
    expect(known(memo.recall(body('push'), ''))).toEqual({ a: DELIVERED })
  })
})
