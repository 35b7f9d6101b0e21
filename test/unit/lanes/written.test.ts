import { afterEach, describe, expect, test } from 'vitest'
import type { Delivered } from '../../../src/lanes/deliver.ts'
import { nameOf } from '../../../src/lanes/memo.ts'
import { Quarantine } from '../../../src/lanes/quarantine.ts'
import type { QueuedShare } from '../../../src/lanes/shipment.ts'
import { writtenBy } from '../../../src/remote-write/written.ts'
import { message, series } from '../../support/messages.ts'
import { answerWith, type Respond } from '../../support/receiver.ts'
import { decodePush } from '../../support/remote-write.ts'
import { share } from '../../support/shares.ts'
import { startUpstream, type UpstreamStage } from '../../support/upstream-stage.ts'

let stage: UpstreamStage
afterEach(() => stage[Symbol.asyncDispose]())

const SAMPLES = 'x-prometheus-remote-write-samples-written'
/** Says that it wrote so many samples. */
const wrote = (samples: number, status = 204): Respond =>
  answerWith(status, '', { [SAMPLES]: String(samples) })
const samples = ({ deliveries }: Delivered) => writtenBy(deliveries).samples
const verdicts = ({ deliveries }: Delivered) => deliveries.map(({ verdict }) => verdict.kind)
const attempts = () => stage.store.received.map(({ headers }) => headers['retry-attempt'])

describe('what was written of a push', () => {
  test('of 1.0 is what was sent, whatever the headers of the answer say', async () => {
    stage = await startUpstream({ respond: wrote(1) })
    expect(samples(await stage.push(['a/1', 'a/2', 'b/3']))).toBe(3)
  })

  test('of 2.0 is what the store says, summed over tenants', async () => {
    stage = await startUpstream({ respond: wrote(1) })
    expect(samples(await stage.push(['a/1', 'a/2', 'b/3'], { protocol: '2.0' }))).toBe(2)
  })

  test('is a part where the store rejects the rest', async () => {
    stage = await startUpstream({ respond: wrote(2, 400) })
    const delivered = await stage.push(['a/1', 'a/2', 'a/3'], { protocol: '2.0' })
    expect([verdicts(delivered), samples(delivered)]).toEqual([['rejected'], 2])
  })

  test.each([
    ['expected', 0],
    ['omitted', 2],
  ])('by a store that says nothing is with egress.written_headers: %s %d', async (headers, written) => {
    stage = await startUpstream({
      respond: answerWith(204),
      yaml: `egress: { protocol: same, written_headers: ${headers} }`,
    })
    const delivered = await stage.push(['a/1', 'a/2'], { protocol: '2.0' })
    expect([verdicts(delivered), samples(delivered)]).toEqual([['delivered'], written])
  })

  test.each<[string, number, number, string[]]>([
    ['all of its halves', 99, 5, ['delivered']],
    ['what each half had', 1, 3, ['delivered']],
  ])('in halves is %s', async (_, says, written, kinds) => {
    const respond: Respond = (received, response) => {
      const tooLarge = decodePush(received.body, '2.0').length > 2
      response.writeHead(tooLarge ? 413 : 204, tooLarge ? {} : { [SAMPLES]: String(says) }).end()
    }
    stage = await startUpstream({ respond })
    const delivered = await stage.push(['a/1', 'a/2', 'a/3', 'a/4', 'a/5'], { protocol: '2.0' })
    // 1 2 and 3, then 4 5.
    expect([verdicts(delivered), samples(delivered)]).toEqual([kinds, written])
  })

  test('in halves counts the half that was stored when the other was not', async () => {
    const respond: Respond = (received, response) => {
      const names = decodePush(received.body, '1.0').map(({ labels }) => labels[0]?.[1])
      response.writeHead(names.length > 2 ? 413 : names.includes('bad') ? 400 : 204).end()
    }
    stage = await startUpstream({ respond })
    const delivered = await stage.push(['a/1', 'a/2', 'a/bad'])
    expect([verdicts(delivered), samples(delivered)]).toEqual([['rejected'], 2])
  })
})

describe('Retry-Attempt', () => {
  const failing = (failures: number): Respond => {
    let left = failures
    return (...args) => answerWith(left-- > 0 ? 503 : 204)(...args)
  }
  const yaml = 'retry: { min_backoff: 1ms, max_attempts: 5 }'

  test('counts our own retries, and is not there on a first attempt', async () => {
    stage = await startUpstream({ respond: failing(2), yaml })
    await stage.push(['a/1'])
    expect(attempts()).toEqual([undefined, '1', '2'])
  })

  test('adds ours to the sender’s, where a connection breaks', async () => {
    let left = 2
    const respond: Respond = (received, response, request) =>
      left-- > 0 ? request.socket.destroy() : answerWith(204)(received, response, request)
    stage = await startUpstream({ respond, yaml })
    await stage.push(['a/1'], { headers: { 'retry-attempt': '3', 'user-agent': 'x' } })
    expect(attempts()).toEqual(['3', '4', '5'])
    expect(stage.store.received.map(({ headers }) => headers['user-agent'])).toEqual(['x', 'x', 'x'])
  })

  test('of all who share a request leaves it to them to send again what the store has answered', async () => {
    stage = await startUpstream({ respond: failing(2), yaml })
    const again = { headers: { 'retry-attempt': '1' } }
    expect(verdicts(await stage.push(['a/1'], again))).toEqual(['unreachable'])
    expect(attempts()).toEqual(['1'])
  })
})

describe('what goes beside a tenant’s series as 1.0', () => {
  const aside = (tenant: string) =>
    share(tenant, message('1.0', [series({ __name__: 'exemplar' })]), {
      kind: 'aside',
      samples: 0,
      exemplars: 1,
    })
  const only20: Respond = (received, response) => {
    const two = received.headers['content-type']?.includes('v2.Request')
    response.writeHead(two ? 204 : 415, two ? { [SAMPLES]: '1' } : {}).end()
  }

  test('goes as 1.0, behind the series, and is counted with them', async () => {
    stage = await startUpstream({ respond: wrote(1) })
    const { deliveries } = await stage.push(['a/1'], { protocol: '2.0', beside: [aside('a')] })
    expect(stage.stored()).toEqual(['a: 1', 'a: exemplar'])
    expect(stage.store.received.map(({ headers }) => headers['x-prometheus-remote-write-version'])).toEqual([
      '2.0.0',
      '0.1.0',
    ])
    expect(writtenBy(deliveries)).toEqual({ samples: 1, histograms: 0, exemplars: 1 })
  })

  test('is rejected data where the store takes no 1.0, which no configuration would cure', async () => {
    stage = await startUpstream({ respond: only20 })
    const sender = new Quarantine()
    const { deliveries, sent } = await stage.push(['a/1'], {
      protocol: '2.0',
      sender,
      beside: [aside('a')],
    })
    expect(deliveries.map(({ verdict }) => verdict)).toMatchObject([
      { kind: 'delivered' },
      { kind: 'rejected', status: 415, refusal: false },
    ])
    expect(writtenBy(deliveries)).toEqual({ samples: 1, histograms: 0, exemplars: 0 })
    // Nothing that its series did: they do not travel alone for it.
    expect(sender.travelsAlone(sent[0]?.share.tenant as never, () => performance.now())).toBe(false)
  })

  test('is remembered apart from them', async () => {
    let first = true
    const respond: Respond = (...args) => {
      wrote(1, first ? 204 : 500)(...args)
      first = false
    }
    stage = await startUpstream({ respond })
    const body = new Uint8Array([1])
    const options = { protocol: '2.0', beside: [aside('a')] } as const
    const { sent } = await stage.push(['a/1'], options)
    stage.memo.remember(body, '', sent, undefined)
    const earlier = stage.memo.recall(body, '')
    expect([...(earlier?.keys() ?? [])]).toEqual([nameOf(sent[0] as QueuedShare)])

    stage.store.received.length = 0
    stage.store.respond = answerWith(204)
    const again = await stage.push(['a/1'], { ...options, ...(earlier === undefined ? {} : { earlier }) })
    expect(stage.stored()).toEqual(['a: exemplar'])
    expect(again.deliveries.map(({ remembered }) => remembered)).toEqual([true, false])
    expect(writtenBy(again.deliveries)).toEqual({ samples: 1, histograms: 0, exemplars: 1 })
  })
})
