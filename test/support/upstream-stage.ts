/** An upstream as the app opens it, in this process, before a store that is a real HTTP server. */
import { loadConfig } from '../../src/config/load.ts'
import { createDeliver, type Delivered } from '../../src/lanes/deliver.ts'
import type { LaneEvent } from '../../src/lanes/lane.ts'
import { type Earlier, Memo } from '../../src/lanes/memo.ts'
import { Quarantine } from '../../src/lanes/quarantine.ts'
import type { PushContext } from '../../src/lanes/shipment.ts'
import type { AttemptReport } from '../../src/lanes/side.ts'
import { convert } from '../../src/remote-write/convert.ts'
import type { DialectEvents } from '../../src/remote-write/courier.ts'
import { WriteDialect } from '../../src/remote-write/dialect.ts'
import { halve } from '../../src/remote-write/halve.ts'
import { splitByReference } from '../../src/remote-write/reference/engine.ts'
import { mergeByReference } from '../../src/remote-write/reference/merge-requests.ts'
import type { Protocol, SplitRules, SplitShare } from '../../src/remote-write/split.ts'
import { openUpstream } from '../../src/upstream/open.ts'
import type { UpstreamConfig } from '../../src/upstream/section.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { series } from './messages.ts'
import { type Receiver, type Respond, startReceiver } from './receiver.ts'
import { decodePush } from './remote-write.ts'
import { splitSeries } from './split.ts'

export interface UpstreamStage extends AsyncDisposable {
  readonly upstream: Upstream<WriteDialect>
  readonly memo: Memo
  readonly store: Receiver
  readonly attempts: AttemptReport[]
  readonly events: (LaneEvent | Parameters<DialectEvents['happened']>[0])[]
  /** Created timestamps that 1.0 can’t carry. */
  readonly lost: number[]
  /** Histograms that 1.0 can’t say. */
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
  readonly sender?: Quarantine
  /** Shares of pushes with different ones never share a request. */
  readonly mergeKey?: string
  readonly headers?: PushContext['headers']
  readonly cancelled?: AbortSignal
  readonly deadlineMs?: number
  readonly earlier?: Earlier
  readonly rules?: Partial<SplitRules>
  /** What the push is a message of; 1.0 where nothing is said. */
  readonly protocol?: Protocol
  /** Shares beside those of the series. */
  readonly beside?: readonly SplitShare[]
}

export interface UpstreamStageOptions {
  /** Further keys, as YAML. */
  readonly yaml?: string
  readonly respond?: Respond
  readonly now?: () => number
}

/** The reference, for what is merged, converted and halved. */
export const REFERENCE = {
  mergeRequests: mergeByReference,
  convert: (share: SplitShare, to: Protocol, maxOutputBytes: number) =>
    convert(splitByReference, share, to, maxOutputBytes),
  halve: (share: SplitShare) => halve({ split: splitByReference, mergeRequests: mergeByReference }, share),
}

export async function startUpstream({
  yaml = '',
  respond,
  now,
}: UpstreamStageOptions = {}): Promise<UpstreamStage> {
  const store = await startReceiver(respond)
  const text = `target: ${store.url}/push\n${yaml}`
  const { config } = loadConfig({ file: { name: 'test.yaml', text }, env: {} })
  const attempts: AttemptReport[] = []
  const events: UpstreamStage['events'] = []
  const lost: number[] = []
  const lostHistograms: number[] = []
  const clock = now ?? (() => performance.now())
  const section = config.upstreams[0] as UpstreamConfig
  const upstream = openUpstream(section, {
    id: 'default',
    dialect: new WriteDialect({
      policy: { ...section, maxOutputBytes: config.limits.maxSplitOutputBytes },
      engine: REFERENCE,
      events: {
        happened: event => events.push(event),
        lost(createdTimestamps, histograms) {
          if (createdTimestamps > 0) lost.push(createdTimestamps)
          if (histograms > 0) lostHistograms.push(histograms)
        },
      },
      now: clock,
    }),
    userAgent: 'Sluice/test',
    shedAfterMs: () => config.shed[0]?.afterMs,
    events: {
      attempted: attempt => attempts.push(attempt),
      happened: event => events.push(event),
      broke: error => {
        throw error
      },
    },
    refused: () => {},
    unauthorized: () => {},
    now: clock,
  })
  const deliver = createDeliver({ now: clock })
  return {
    upstream,
    memo: new Memo(config.memo, clock),
    store,
    attempts,
    events,
    lost,
    lostHistograms,
    push(list, options = {}) {
      const context: PushContext = {
        identity: { quarantine: options.sender ?? new Quarantine(), mergeKey: options.mergeKey ?? '' },
        headers: options.headers ?? {},
        deadline: clock() + (options.deadlineMs ?? 20_000),
      }
      const cancelled = options.cancelled ?? new AbortController().signal
      const { protocol = '1.0', rules, beside = [] } = options
      const shares = [...sharesOf(list, protocol, rules), ...beside]
      const destinations = shares.map(() => upstream)
      return deliver({ shares, destinations }, context, options.earlier, cancelled)
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
      await upstream[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** Shares as the split makes them: `a/x` is a series `x` of tenant `a`. */
function sharesOf(
  list: readonly (string | Readonly<Record<string, string>>)[],
  protocol: Protocol,
  rules: Partial<SplitRules> = {},
): readonly SplitShare[] {
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
