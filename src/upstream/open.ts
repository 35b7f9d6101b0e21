/** A store as its section says, with all that belongs to it. */
import type { LaneEvents } from '../lanes/lane.ts'
import type { LanesOptions } from '../lanes/lanes.ts'
import type { Dialect } from '../protocol.ts'
import type { FollowedFile } from '../schema/followed-file.ts'
import type { TenantId } from '../tenant.ts'
import { BasicCredentials, type EgressCredentials, NO_CREDENTIALS } from './credentials.ts'
import type { TenantCarrier } from './head.ts'
import type { UpstreamConfig } from './section.ts'
import { Store } from './store.ts'
import { Upstream } from './upstream.ts'

export interface OpenOptions<D extends Dialect> {
  readonly id: string
  readonly dialect: D
  /** `Sluice/1.2.3` */
  readonly userAgent: string
  readonly shedAfterMs: (tenant: TenantId) => number | undefined
  readonly events: LaneEvents
  readonly refused: LanesOptions['refused']
  /** The store answered 401: what a file holds may have changed. */
  readonly unauthorized: () => void
  readonly now?: () => number
}

export function openUpstream<D extends Dialect>(
  config: UpstreamConfig,
  { id, dialect, userAgent, shedAfterMs, events, refused, unauthorized, now }: OpenOptions<D>,
): Upstream<D> {
  const { name, target, caFile, lanes, retry, breaker } = config
  const store = new Store({
    origin: target.origin,
    pathParts: target.pathParts,
    carrier: carrierOf(config),
    constant: config.headers.flatMap(header => [header.name, header.value.reveal()]),
    forwarded: new Set(config.forwardHeaders),
    credentials: credentialsOf(config, unauthorized),
    userAgent,
    ca: () => caFile?.text,
    timeoutMs: config.timeoutMs,
    maxConnectionDurationMs: config.maxConnectionDurationMs,
    ipv6: config.enableIpv6,
  })
  return new Upstream({
    name,
    id,
    files: filesOf(config),
    policy: {
      lanes: { ...lanes, maxBatchEntries: lanes.maxBatchSeries },
      retry,
      breaker,
      maxConnections: config.maxConnsPerHost,
      maxConnectionsPercent: lanes.maxConnectionsPercent,
      shedAfterMs,
    },
    store,
    dialect,
    events,
    refused,
    ...(now === undefined ? {} : { now }),
  })
}

function carrierOf({ tenantHeaders }: UpstreamConfig): TenantCarrier {
  const [first, second] = tenantHeaders
  if (first === undefined) return { kind: 'none' }
  return second === undefined
    ? { kind: 'header', name: first }
    : { kind: 'header_pair', account: first, project: second }
}

function credentialsOf({ credentials }: UpstreamConfig, unauthorized: () => void): EgressCredentials {
  const password = credentials?.passwordFile ?? credentials?.password
  return credentials === undefined || password === undefined
    ? NO_CREDENTIALS
    : new BasicCredentials(credentials.username, password, unauthorized)
}

/** Those whose content may change while it is open. */
function filesOf({ credentials, caFile }: UpstreamConfig): readonly FollowedFile[] {
  return [credentials?.passwordFile, caFile].filter(file => file !== undefined)
}
