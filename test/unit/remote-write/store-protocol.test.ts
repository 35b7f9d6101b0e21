import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { WriteReply } from '../../../src/remote-write/counted.ts'
import {
  StoreProtocol,
  type StoreProtocolPolicy,
  type Way,
} from '../../../src/remote-write/store-protocol.ts'
import { Cancellation } from '../../../src/share/cancellation.ts'
import { verdictOf } from '../../../src/share/verdict.ts'

const clock = { now: 0 }
const REPROBE_MS = 1000

function protocolOf(policy: Partial<StoreProtocolPolicy> = {}): StoreProtocol {
  clock.now = 0
  return new StoreProtocol(
    { choice: 'auto', reprobeMs: REPROBE_MS, omitsWritten: false, ...policy },
    () => clock.now,
  )
}

const reply = (status: number, counts?: 'counts'): WriteReply => ({
  verdict: verdictOf(status, '', undefined),
  reported: counts === undefined ? undefined : { samples: 0, histograms: 0, exemplars: 0 },
})

function proven(policy: Partial<StoreProtocolPolicy> = {}): StoreProtocol {
  const protocol = protocolOf(policy)
  protocol.answered(reply(204, 'counts'))
  expect(protocol.known).toBe('2.0')
  return protocol
}

function lacking(policy: Partial<StoreProtocolPolicy> = {}): StoreProtocol {
  const protocol = protocolOf(policy)
  expect(protocol.answered(reply(415))).toBe(true)
  protocol.answeredOne(reply(415), reply(204))
  expect(protocol.known).toBe('1.0')
  return protocol
}

/** What an answer makes of a store: whether it seems to lack 2.0, and what it is known as afterwards. */
const says = (protocol: StoreProtocol, answer: WriteReply) => [protocol.answered(answer), protocol.known]

describe('an unproven store', () => {
  test.each([200, 202, 204, 400, 404, 429, 500, 503])('that counts in a %d is one of 2.0', status => {
    expect(says(protocolOf(), reply(status, 'counts'))).toEqual([false, '2.0'])
  })
  test.each([200, 202, 204, 400, 415])('that answers %d and does not count seems to lack 2.0', status => {
    expect(says(protocolOf(), reply(status))).toEqual([true, undefined])
  })
  test.each([0, 302, 401, 404, 408, 413, 429, 500, 503])('that answers %d says nothing of it', status => {
    expect(says(protocolOf(), reply(status))).toEqual([false, undefined])
  })
  test('lacks 2.0 where it answers 415, whatever it counts', () => {
    expect(says(protocolOf(), reply(415, 'counts'))).toEqual([true, undefined])
  })
  test('is one of 2.0 with a success, where it is configured as one that does not count', () => {
    expect(says(protocolOf({ omitsWritten: true }), reply(204))).toEqual([false, '2.0'])
    expect(says(protocolOf({ omitsWritten: true }), reply(400))).toEqual([true, undefined])
  })
})

describe('a store of 2.0', () => {
  test.each([
    [415, true],
    [400, false],
    [204, true],
    [200, true],
    // An HA replica that is not elected.
    [202, false],
    [503, false],
  ])('that answers %d and does not count seems to lack it now: %s', (status, lacks) => {
    expect(says(proven(), reply(status))).toEqual([lacks, '2.0'])
  })
  test('is one of 1.0 when it takes the same as 1.0', () => {
    const protocol = proven()
    protocol.answered(reply(415))
    protocol.answeredOne(reply(415), reply(204))
    expect([protocol.known, protocol.output]).toEqual(['1.0', '1.0'])
  })
})

describe('the answer to the same as 1.0', () => {
  test.each([415, 400, 204])('holds after a %d, but for a 415', status => {
    for (const one of [204, 400, 429, 503].map(it => reply(it)))
      expect(protocolOf().answeredOne(reply(status), one)).toBe(one)
    const two = reply(status)
    expect(protocolOf().answeredOne(two, reply(415))).toBe(two)
  })
  test.each([400, 415, 429, 503])('proves nothing where it is %d', status => {
    const protocol = protocolOf()
    protocol.answeredOne(reply(415), reply(status))
    expect(protocol.known).toBeUndefined()
  })
  test('that is 415 after a success shows a store of 2.0 that does not count', () => {
    const protocol = protocolOf()
    protocol.answeredOne(reply(204), reply(415))
    expect(protocol.known).toBe('2.0')
    // Else each push would go twice.
    expect(says(protocol, reply(204))).toEqual([false, '2.0'])
  })
})

describe('a store of 1.0', () => {
  test('gets 1.0 until it is time to ask again', () => {
    const protocol = lacking()
    clock.now = REPROBE_MS - 1
    expect([protocol.output, protocol.way()]).toEqual(['1.0', 'as 1.0'])
    clock.now = REPROBE_MS
    expect([protocol.output, protocol.known, protocol.way()]).toEqual(['same', undefined, 'probe'])
    // It still answers 400 to what it does not know.
    expect(protocol.answered(reply(400))).toBe(true)
    protocol.answeredOne(reply(400), reply(204))
    protocol.ended()
    clock.now = 2 * REPROBE_MS - 1
    expect(protocol.known).toBe('1.0')
  })
  test('gets it for ever with egress.protocol_reprobe: 0', () => {
    const protocol = lacking({ reprobeMs: 0 })
    clock.now = Number.MAX_SAFE_INTEGER
    expect(protocol.known).toBe('1.0')
  })
  test('is unproven as soon as it refuses 1.0', () => {
    const protocol = lacking()
    protocol.refusesOne()
    expect(protocol.known).toBeUndefined()
  })
})

test('a store of 2.0 that refuses 1.0 stays what it is', () => {
  const protocol = proven()
  protocol.refusesOne()
  expect(protocol.known).toBe('2.0')
})

describe('where the configuration chooses', () => {
  test.each([
    ['same', undefined, 'as it is'],
    ['1.0', '1.0', 'as 1.0'],
    ['2.0', '2.0', 'as it is'],
  ] as const)('%s, nothing is learned', (choice, known, way) => {
    const protocol = protocolOf({ choice })
    for (const answer of [reply(415), reply(400), reply(204), reply(204, 'counts')])
      expect(protocol.answered(answer)).toBe(false)
    expect([protocol.output, protocol.known, protocol.way()]).toEqual([choice, known, way])
  })
})

describe('turns', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  /** What becomes of several that want to go, as it becomes known. */
  function waiting(protocol: StoreProtocol, count: number, ms = 10_000) {
    const ways: (Way | 'waits' | 'none')[] = Array.from({ length: count }, () => 'waits')
    const cancellations = ways.map(() => new Cancellation())
    for (const [index, cancellation] of cancellations.entries()) {
      void protocol.turn(ms, cancellation).then(way => {
        ways[index] = way ?? 'none'
      })
    }
    return { ways, cancellations }
  }

  test('while it is unproven, one goes and the others wait', async () => {
    const protocol = protocolOf()
    expect([protocol.way(), protocol.way(), protocol.way()]).toEqual(['probe', undefined, undefined])
    const { ways } = waiting(protocol, 2)
    await turn()
    expect([ways, protocol.waiting]).toEqual([['waits', 'waits'], 2])
  })

  test('a probe that proves nothing lets the next one try, in turn, and newcomers none before them', async () => {
    const protocol = protocolOf()
    protocol.way()
    const { ways } = waiting(protocol, 2)
    protocol.ended()
    await turn()
    expect([ways, protocol.way()]).toEqual([['probe', 'waits'], undefined])
    protocol.ended()
    await turn()
    expect([ways, protocol.way()]).toEqual([['probe', 'probe'], undefined])
    protocol.ended()
    expect(protocol.way()).toBe('probe')
  })

  test.each([
    ['2.0', 'as it is'],
    ['1.0', 'as 1.0'],
  ] as const)('a probe that shows %s lets all go %s', async (known, way) => {
    const protocol = protocolOf()
    protocol.way()
    const { ways } = waiting(protocol, 3)
    if (known === '2.0') protocol.answered(reply(204, 'counts'))
    else protocol.answeredOne(reply(415), reply(204))
    protocol.ended()
    await turn()
    expect([ways, protocol.waiting]).toEqual([[way, way, way], 0])
  })

  test('what is cancelled waits no longer, and takes no turn', async () => {
    const protocol = protocolOf()
    protocol.way()
    const { ways, cancellations } = waiting(protocol, 2)
    cancellations[0]?.cancel(new Error('gone'))
    await turn()
    expect([ways, protocol.waiting]).toEqual([['none', 'waits'], 1])
    protocol.ended()
    await turn()
    expect(ways).toEqual(['none', 'probe'])
    const gone = new Cancellation()
    gone.cancel(new Error('gone'))
    expect(await protocol.turn(10_000, gone)).toBeUndefined()
  })

  test('what waits for too long gets none', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const protocol = protocolOf()
    protocol.way()
    const { ways } = waiting(protocol, 1, 100)
    vi.advanceTimersByTime(99)
    await turn()
    expect(ways).toEqual(['waits'])
    vi.advanceTimersByTime(1)
    await turn()
    expect([ways, protocol.waiting]).toEqual([['none'], 0])
  })
})
