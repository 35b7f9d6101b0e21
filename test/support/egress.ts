/** The egress as the app joins it, in this process, before a store that is a real HTTP server. */
import { loadConfig } from '../../src/config/load.ts'
import type { AttemptReport } from '../../src/lanes/attempt.ts'
import type { Delivered } from '../../src/lanes/deliver.ts'
import type { LaneEvent } from '../../src/lanes/lane.ts'
import type { Earlier } from '../../src/lanes/memo.ts'
import { Sender } from '../../src/lanes/quarantine.ts'
import type { PushContext } from '../../src/lanes/shipment.ts'
import { convert } from '../../src/remote-write/convert.ts'
import { halve } from '../../src/remote-write/halve.ts'
import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import { mergeByReference } from '../../src/remote-write/reference/merge-requests.ts'
import type { Protocol, Share, SplitRules } from '../../src/remote-write/split.ts'
import { createEgress, type Egress } from '../../src/upstream/egress.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { series } from './messages.ts'
import { type Receiver, type Respond, startReceiver } from './receiver.ts'
import { decodePush } from './remote-write.ts'
import { splitSeries } from './split.ts'

export interface EgressStage extends AsyncDisposable {
  readonly egress: Egress
  readonly store: Receiver
  readonly attempts: AttemptReport[]
  readonly events: LaneEvent[]
  /** Created timestamps that 1.0 can’t carry. */
  readonly lost: number[]
  /** The same of histograms. */
  readonly lostHistograms: number[]
  /** Delivers one push with these series, each `tenant/name` or a set of labels; see PushOptions. */
  push(
    list: readonly (string | Readonly<Record<string, string>>)[],
    options?: PushOptions,
  ): Promise<Delivered>
  /** What the store got so far, a request each: `tenant: name name`. */
  stored(): string[]
}

interface PushOptions {
  readonly sender?: Sender
  readonly context?: Partial<PushContext>
  readonly cancelled?: AbortSignal
  readonly deadlineMs?: number
  readonly earlier?: Earlier
  readonly rules?: Partial<SplitRules>
  /** What the push is a message of; 1.0 where nothing is said. */
  readonly protocol?: Protocol
  /** Shares beside those of the series. */
  readonly beside?: readonly Share[]
}

export interface EgressStageOptions {
  /** Further keys, as YAML. */
  readonly yaml?: string
  readonly respond?: Respond
  readonly now?: () => number
}

export async function startEgress({
  yaml = '',
  respond,
  now,
}: EgressStageOptions = {}): Promise<EgressStage> {
  const store = await startReceiver(respond)
  const text = `target: ${store.url}/push\n${yaml}`
  const { config } = loadConfig({ file: { name: 'test.yaml', text }, env: {} })
  const attempts: AttemptReport[] = []
  const events: LaneEvent[] = []
  const lost: number[] = []
  const lostHistograms: number[] = []
  const upstream = new Upstream({
    target: config.target,
    tenantHeader: config.tenant.header,
    username: '',
    password: undefined,
    ca: undefined,
    timeoutMs: config.timeoutMs,
    maxConnectionDurationMs: 0,
    ipv6: false,
    userAgent: 'Sluice/test',
  })
  const egress = createEgress({
    config,
    upstream,
    events: {
      attempted: attempt => attempts.push(attempt),
      happened: event => events.push(event),
      lost(createdTimestamps, histograms) {
        if (createdTimestamps > 0) lost.push(createdTimestamps)
        if (histograms > 0) lostHistograms.push(histograms)
      },
      broke: error => {
        throw error
      },
    },
    refused: () => {},
    mergeRequests: mergeByReference,
    halve: share => halve({ split: splitByReference, mergeRequests: mergeByReference }, share),
    convert: (share, to, maxOutputBytes) => convert(splitByReference, share, to, maxOutputBytes),
    ...(now === undefined ? {} : { now }),
  })
  const clock = now ?? (() => performance.now())
  return {
    egress,
    store,
    attempts,
    events,
    lost,
    lostHistograms,
    push(list, options = {}) {
      const context: PushContext = {
        sender: options.sender ?? new Sender(),
        headers: {},
        forwarded: '',
        deadline: clock() + (options.deadlineMs ?? 20_000),
        ...options.context,
      }
      const cancelled = options.cancelled ?? new AbortController().signal
      const { protocol = '1.0', rules, beside = [] } = options
      const shares = [...sharesOf(list, protocol, rules), ...beside]
      return egress.deliver(shares, context, options.earlier, cancelled)
    },
    stored: () =>
      store.received.map(({ headers, body }) => {
        const protocol = headers['content-type']?.includes('v2.Request') ? '2.0' : '1.0'
        const names = decodePush(body, protocol).map(
          ({ labels }) => labels.find(([name]) => name === '__name__')?.[1],
        )
        return `${headers['x-scope-orgid']}: ${names.join(' ')}`
      }),
    async [Symbol.asyncDispose]() {
      egress.stop()
      await upstream.destroy()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** Shares as the split makes them: `a/x` is a series `x` of tenant `a`. */
function sharesOf(
  list: readonly (string | Readonly<Record<string, string>>)[],
  protocol: Protocol,
  rules: Partial<SplitRules> = {},
): readonly Share[] {
  const texts = list.map(text => {
    if (typeof text !== 'string') return series(text)
    const [tenant = '', name = ''] = text.split('/')
    return series({ __name__: name, tenant })
  })
  return splitSeries(splitByReference, protocol, texts, {
    labels: ['tenant'],
    haLabels: ['cluster', '__replica__'],
    ...rules,
  }).shares
}
