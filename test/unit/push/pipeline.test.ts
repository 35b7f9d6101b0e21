import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { Identity } from '../../../src/auth/identity.ts'
import { NOBODY } from '../../../src/auth/principal.ts'
import type { Deliver, Delivered } from '../../../src/lanes/deliver.ts'
import { type Earlier, Memo } from '../../../src/lanes/memo.ts'
import { Quarantine } from '../../../src/lanes/quarantine.ts'
import { QueuedShare } from '../../../src/lanes/shipment.ts'
import { Account } from '../../../src/limits/accounts.ts'
import { createPipeline, type PipelineOptions } from '../../../src/push/pipeline.ts'
import { splitCharge } from '../../../src/remote-write/charge.ts'
import { RemoteWrite } from '../../../src/remote-write/codec.ts'
import type { WriteDialect } from '../../../src/remote-write/dialect.ts'
import type { Protocol, Push, SplitRules } from '../../../src/remote-write/split.ts'
import { createSplitter } from '../../../src/remote-write/splitter.ts'
import type { Answer } from '../../../src/share/answer.ts'
import { verdictOf } from '../../../src/share/verdict.ts'
import { message, push, rules, series } from '../../support/messages.ts'
import { PUSH_HEADERS } from '../../support/remote-write.ts'
import { context, NOWHERE } from '../../support/shares.ts'
import { len } from '../../support/wire.ts'

const MIB = 2 ** 20
const NORMAL = message(
  '2.0',
  Array.from({ length: 2000 }, (_, i) => {
    return series({ __name__: `metric_${i % 100}`, instance: `host-${i}`, tenant: `t${i % 10}` })
  }),
)
/** Nothing but symbols of two bytes. */
const SYMBOLS = new Uint8Array(Buffer.concat(Array(MIB).fill(len(4, ''))))
/** In 1.0, a thousand times as long. */
const LONG = message(
  '2.0',
  Array.from({ length: 1000 }, (_, i) => series({ tenant: 'a', i: `${i}`, long: 'l'.repeat(5000) })),
)

const splitter = createSplitter({ threads: 0, engine: 'wasm' })
afterAll(() => splitter.close())

class Stage {
  readonly gate: Account
  /** What the gate had in its account whenever a split began. */
  readonly charges: number[] = []
  /** A delivery that ends when it is told to, with the lengths of its shares, and what was known of it. */
  readonly deliveries: { shareBytes: number; earlier: Earlier | undefined; end: () => void }[] = []
  readonly #options: PipelineOptions
  readonly #answers: Answer[] = []
  #changed = Promise.withResolvers<void>()

  constructor({
    maxBytes = 16 * MIB,
    memo = new Memo({ ttlMs: 1000, maxBytes: MIB }, () => 0),
    status = 204,
  } = {}) {
    this.gate = new Account({ maxPushes: 200, maxBytes })
    const deliver: Deliver = async ({ shares, destinations }, _context, earlier) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const shareBytes = shares.reduce((sum, share) => sum + share.body.length, 0)
      this.deliveries.push({ shareBytes, earlier, end: resolve })
      this.#changed.resolve()
      await promise
      const sent = shares.map((share, i) => {
        const queued = new QueuedShare(share, destinations[i] ?? NOWHERE, context(), () => {})
        queued.settle(verdictOf(i === 0 ? status : 204, '', undefined))
        return queued
      })
      return { deliveries: sent as Delivered['deliveries'], sent }
    }
    this.#options = { account: this.gate, deliver, memo, report: () => {} }
  }

  async arrive(given: Push, changes: Partial<SplitRules> = {}): Promise<Answer> {
    const body = new Uint8Array(given.body)
    const codec = new RemoteWrite({
      splitter: {
        ...splitter,
        split: (push, chosen, begin) => {
          return splitter.split(push, chosen, () => {
            begin?.()
            this.charges.push(this.gate.bytes)
          })
        },
      },
      metadata: { asks: () => 'none', route: (_, { shares }) => ({ shares, settle: undefined }) },
      events: { split: () => {}, lost: () => {} },
    })
    const dialect = { output: changes.output ?? 'same' } as WriteDialect
    const enter = createPipeline(this.#options)({
      codec,
      rules: {
        encodings: ['snappy'],
        split: rules(changes),
        dialects: [dialect],
        storeOf: () => ({ id: 'a', dialect }),
      },
      scope: '',
      policy: {
        on429: 'pass',
        onUpstreamRefusal: 'pass',
        acceptAll: false,
        retryAfterMaxMs: 1000,
        maxBodyBytes: 8 * MIB,
        deadlineMs: 1000,
      },
      destinationOf: () => () => NOWHERE,
    })(PUSH_HEADERS[given.protocol])
    if (enter instanceof Error) throw enter
    const answer = await enter({
      identity: new Identity({
        principal: NOBODY,
        address: '127.0.0.1',
        route: '/push',
        prefix: undefined,
        forwarded: '',
        quarantine: new Quarantine(),
      }),
      contentLength: body.length,
      read: () => nextTurn(body),
      prefix: undefined,
      headers: {},
      cancelled: new AbortController().signal,
    })
    this.#answers.push(answer)
    this.#changed.resolve()
    return answer
  }

  /** Resolves when so many deliveries have begun, and rejects when a push is answered before that. */
  async delivering(count: number): Promise<void> {
    const { length } = this.#answers
    while (this.deliveries.length < count) {
      await this.#changed.promise
      this.#changed = Promise.withResolvers()
      if (this.#answers.length > length) throw new Error(`answered with ${this.#answers.at(-1)?.body}`)
    }
  }

  end(): void {
    for (const { end } of this.deliveries) end()
  }
}

const full = (given: Push, output: Protocol | 'same' = 'same'): number => {
  const { fixedBytes, workBytes } = splitCharge(given, rules({ output }))
  return fixedBytes + workBytes
}

describe('what a push is charged', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })

  test.each(['same', '1.0'] as const)(
    'is what its split may take, then its body and its shares, and in the end nothing (2.0 as %s)',
    async output => {
      const given = push('2.0', NORMAL)
      const answer = stage.arrive(given, { output })
      await stage.delivering(1)
      expect(stage.charges).toEqual([full(given, output)])
      expect(stage.gate.bytes).toBe(given.body.length + stage.deliveries[0]!.shareBytes)
      expect(stage.gate.bytes * 4).toBeLessThan(stage.charges[0] as number)
      stage.end()
      expect((await answer).status).toBe(204)
      expect(stage.gate).toMatchObject({ pushes: 0, bytes: 0 })
    },
  )

  test('is its shares alone where its body is kept for nobody', async () => {
    stage = new Stage({ memo: new Memo({ ttlMs: 1000, maxBytes: 0 }, () => 0) })
    const answer = stage.arrive(push('2.0', NORMAL))
    await stage.delivering(1)
    expect(stage.gate.bytes).toBe(stage.deliveries[0]!.shareBytes)
    stage.end()
    expect((await answer).status).toBe(204)
  })

  test('leaves room for a hundred pushes of 2,000 series that wait for their store, in 16 MiB', async () => {
    const answers = Array.from({ length: 100 }, () => stage.arrive(push('2.0', NORMAL)))
    await stage.delivering(100)
    stage.end()
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([204]))
  })

  test.each([
    ['symbols of two bytes', SYMBOLS, 'same'],
    ['references to long strings, spelt out,', LONG, '1.0'],
  ] as const)('for %s grows with what the split says it needs', async (_, bytes, output) => {
    const given = push('2.0', bytes)
    const answer = stage.arrive(given, { output, maxDecodedBytes: 32 * MIB })
    await stage.delivering(1)
    expect(stage.charges[0]).toBe(full(given, output))
    expect(stage.charges.length).toBeGreaterThan(1)
    expect(stage.charges).toEqual(stage.charges.toSorted((a, b) => a - b))
    expect(stage.charges.at(-1)).toBeGreaterThan(8 * MIB)
    expect(stage.gate.bytes).toBe(given.body.length + stage.deliveries[0]!.shareBytes)
    stage.end()
    expect((await answer).status).toBe(204)
  })

  test.each([
    ['symbols of two bytes', SYMBOLS, 'same'],
    ['references to long strings, spelt out,', LONG, '1.0'],
  ] as const)(
    'for %s is more than there is beside another push: 503, and alone it is taken',
    async (_, bytes, output) => {
      const maxBytes = full(push('2.0', bytes), output) + MIB
      stage = new Stage({ maxBytes })
      const other = stage.arrive(push('2.0', NORMAL))
      await stage.delivering(1)
      const { bytes: before } = stage.gate
      const { status, body } = await stage.arrive(push('2.0', bytes), { output })
      expect(status).toBe(503)
      expect(body).toContain('limits.max_in_flight_bytes')
      expect(stage.charges.every(charge => charge <= maxBytes)).toBe(true)
      expect(stage.gate).toMatchObject({ pushes: 1, bytes: before })
      stage.end()
      await other

      const alone = stage.arrive(push('2.0', bytes), { output })
      await stage.delivering(2)
      stage.end()
      expect((await alone).status).toBe(204)
      expect(stage.charges.at(-1)).toBeGreaterThan(maxBytes)
    },
  )

  test('is given back when the split fails', async () => {
    const broken = push('2.0', NORMAL.subarray(0, -1))
    expect((await stage.arrive(broken)).status).toBe(400)
    expect(stage.charges).toEqual([full(broken)])
    expect(stage.gate).toMatchObject({ pushes: 0, bytes: 0 })
  })
})

describe('what is remembered of a push', () => {
  test('is forgotten where its shares go out in another protocol', async () => {
    const memo = new Memo({ ttlMs: 1000, maxBytes: MIB }, () => 0)
    const known = async (output: Protocol | 'same', status: number) => {
      const stage = new Stage({ memo, status })
      const answer = stage.arrive(push('2.0', NORMAL), { output })
      await stage.delivering(1)
      stage.end()
      await answer
      return stage.deliveries[0]!.earlier?.size
    }
    expect(await known('2.0', 503)).toBeUndefined()
    expect(await known('1.0', 204)).toBeUndefined()
    expect(await known('2.0', 204)).toBe(9)
  })
})
