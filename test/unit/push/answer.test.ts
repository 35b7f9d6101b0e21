import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/errors.ts'
import {
  type AnswerPolicy,
  answerOfError,
  answerOf as answerTo,
  toSluiceError,
} from '../../../src/push/answer.ts'
import type { Delivery } from '../../../src/share/delivery.ts'
import type { Refusal } from '../../../src/share/refusal.ts'
import { localVerdict, verdictOf } from '../../../src/share/verdict.ts'
import type { TenantId } from '../../../src/tenant.ts'

const policy: AnswerPolicy = {
  on429: 'pass',
  onUpstreamRefusal: 'pass',
  acceptAll: false,
  retryAfterMaxMs: 10_000,
  random: () => 0,
}

function delivery(
  status: number,
  options: { tenant?: string; reason?: string; retryAfterMs?: number } = {},
): Delivery {
  const verdict =
    status === 0
      ? localVerdict('connect ECONNREFUSED')
      : verdictOf(status, options.reason ?? '', options.retryAfterMs)
  const tenant = (options.tenant ?? 't') as TenantId
  return {
    share: {
      tenant,
      kind: 'series',
      body: new Uint8Array(),
      decodedBytes: 0,
      alone: false,
      mergeKey: '',
      entries: 3,
    },
    verdict,
    upstream: 'default',
    remembered: false,
  }
}

const refusal = (over: Partial<Refusal> = {}): Refusal => ({
  entries: 2,
  reason: 'missing_tenant',
  dropped: false,
  example: '',
  ...over,
})

/** The answer to a push of series. */
const answerOf = (
  deliveries: readonly Delivery[],
  refusals: readonly Refusal[],
  how: AnswerPolicy,
  attempt = 0,
) => answerTo({ deliveries, refusals, noun: 'series', attempt }, how)

/** The class a status belongs to, and what its delivery alone is answered with. */
const CLASSES = [
  { name: 'delivered', statuses: [200, 202, 204], alone: 204 },
  { name: 'rejected', statuses: [400, 404, 409, 422, 413, 401], alone: 400 },
  { name: 'throttled', statuses: [429], alone: 429 },
  { name: 'unreachable', statuses: [0, 302, 408, 500, 502, 503, 504, 529, 600], alone: 503 },
]

describe('the worst verdict decides', () => {
  const pairs = CLASSES.flatMap((a, i) =>
    CLASSES.flatMap((b, j) =>
      a.statuses.flatMap(x => b.statuses.map(y => [x, y, CLASSES[Math.max(i, j)]?.alone] as const)),
    ),
  )
  test.each(pairs)('%d and %d give %d', (x, y, expected) => {
    expect(answerOf([delivery(x), delivery(y)], [], policy).status).toBe(expected)
  })

  test('an empty push is a success without a body', () => {
    expect(answerOf([], [], policy)).toEqual({
      status: 204,
      code: undefined,
      retryAfterSeconds: undefined,
      body: '',
      headers: {},
    })
  })

  test('refused series make a 400 of a push that was delivered', () => {
    expect(answerOf([delivery(200)], [refusal()], policy)).toMatchObject({
      status: 400,
      code: 'series_refused',
    })
  })

  test('refused series never hide that something should be sent again', () => {
    expect(answerOf([delivery(503)], [refusal()], policy).status).toBe(503)
    expect(answerOf([delivery(429)], [refusal()], policy).status).toBe(429)
  })

  test('dropped series are no failure', () => {
    expect(answerOf([delivery(200)], [refusal({ dropped: true })], policy).status).toBe(204)
  })
})

describe('a policy changes the answer', () => {
  test('on_429: retry makes a 503 of a 429', () => {
    expect(answerOf([delivery(429)], [], { ...policy, on429: 'retry' }).status).toBe(503)
  })
  test.each([401, 403, 404, 405, 415])('on_upstream_refusal: retry makes a 503 of a %d', status => {
    expect(answerOf([delivery(status)], [], { ...policy, onUpstreamRefusal: 'retry' }).status).toBe(503)
    expect(answerOf([delivery(status)], [], policy)).toMatchObject({ status: 400, code: 'upstream_refused' })
  })
  test.each([0, 400, 429, 500])('accept_all makes a 204 of a %d', status => {
    expect(answerOf([delivery(status)], [], { ...policy, acceptAll: true }).status).toBe(204)
  })
  test('accept_all does not cover series that were never sent', () => {
    expect(answerOf([], [refusal()], { ...policy, acceptAll: true }).status).toBe(400)
  })
})

describe('Retry-After', () => {
  test.each([
    [[3000], 0, 3],
    [[3000, 7000], 0, 7],
    [[5000], 1, 6],
    [[3_600_000], 0, 10],
    [[100], 0, 1],
  ])('of stores that asked for %j ms, chance %d, is %d s', (asked, chance, seconds) => {
    const failed = asked.map(ms => delivery(503, ms === undefined ? {} : { retryAfterMs: ms }))
    expect(answerOf(failed, [], { ...policy, random: () => chance }).retryAfterSeconds).toBe(seconds)
  })
  test('where no store asked, is longer with each attempt of the sender, and never shorter than before', () => {
    const waits = [0, 1, 2, 3, 50].map(attempt =>
      [0, 1].map(
        chance =>
          answerOf([delivery(503)], [], { ...policy, random: () => chance }, attempt).retryAfterSeconds,
      ),
    )
    expect(waits).toEqual([
      [1, 2],
      [2, 3],
      [4, 5],
      [5, 5],
      [5, 5],
    ])
  })
  test('goes with a 429 and not with a 400', () => {
    expect(answerOf([delivery(429, { retryAfterMs: 2000 })], [], policy).retryAfterSeconds).toBe(2)
    expect(answerOf([delivery(400)], [], policy).retryAfterSeconds).toBeUndefined()
  })
})

describe('the body', () => {
  test('names tenants, counts and reasons', () => {
    const deliveries = [
      delivery(200, { tenant: 'a' }),
      delivery(400, { tenant: 'b', reason: 'out of order' }),
      delivery(0, { tenant: 'c' }),
    ]
    const refusals = [refusal(), refusal({ reason: 'invalid_tenant', entries: 1, example: 'x|y' })]
    expect(answerOf(deliveries, refusals, policy).body).toBe(
      [
        '3 series refused: 2 without a tenant label, 1 with an invalid tenant ("x|y")',
        'tenant b: 3 series rejected with 400: out of order',
        'tenant c: 3 series unreachable: connect ECONNREFUSED',
        '1 of 3 tenants delivered',
        '',
      ].join('\n'),
    )
  })
  test('names at most five tenants', () => {
    const many = Array.from({ length: 200 }, (_, index) => delivery(500, { tenant: `t${index}` }))
    const lines = answerOf(many, [], policy).body.trimEnd().split('\n')
    expect(lines).toHaveLength(7)
    expect(lines[5]).toBe('and 195 tenants more')
  })
})

test('shares of tenants that no route leads to a store are named, and the rest was delivered', () => {
  const answer = answerOf([delivery(200)], [refusal({ reason: 'no_route', example: 'team-x' })], policy)
  expect(answer).toMatchObject({ status: 400, code: 'series_refused' })
  expect(answer.body).toBe('2 series refused: 2 of tenants that no route leads to a store ("team-x")\n')
})

describe('a tenant with two shares', () => {
  test('is one tenant, delivered only where both are', () => {
    const deliveries = [
      delivery(200, { tenant: 'a' }),
      delivery(415, { tenant: 'a' }),
      delivery(200, { tenant: 'b' }),
    ]
    expect(answerOf(deliveries, [], policy).body).toMatch(/\n1 of 2 tenants delivered\n$/)
  })
})

describe('an error', () => {
  test('is answered by the catalogue, with what to do', () => {
    const answer = answerOfError(
      new SluiceError('overloaded', 'too much in flight: concurrency is 1 pushes'),
      () => 1,
    )
    expect(answer).toMatchObject({ status: 503, code: 'overloaded', retryAfterSeconds: 5 })
    expect(answer.body).toMatch(/^too much in flight: concurrency is 1 pushes\. The sender will retry/)
  })
  test('of unknown kind is a 500 that tells nothing of itself', () => {
    const answer = answerOfError(toSluiceError(new Error('secret detail')))
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('secret')
  })
})
