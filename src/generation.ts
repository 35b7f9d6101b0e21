/** All that follows from one configuration, made whole: what each path means, by which rules, and for which stores. */
import type { Config } from './config/config.ts'
import type { Generation } from './generations.ts'
import type { Pipeline, PushPolicy } from './push/pipeline.ts'
import type { RemoteWrite, WriteRules } from './remote-write/codec.ts'
import type { WriteDialect } from './remote-write/dialect.ts'
import type { SplitRules } from './remote-write/split.ts'
import { PUSH_PATHS } from './routes/paths.ts'
import { RouteTable } from './routes/table.ts'
import { fingerprintOf } from './schema/fingerprint.ts'
import type { UpstreamConfig } from './upstream/section.ts'
import type { Upstream } from './upstream/upstream.ts'

export type WriteUpstream = Upstream<WriteDialect>

export interface Making {
  readonly codec: RemoteWrite
  readonly pipeline: Pipeline
  /** Those that are held already; one whose section is the same keeps connections, queues and knowledge. */
  readonly live: Iterable<WriteUpstream>
  readonly open: (section: UpstreamConfig, id: string) => WriteUpstream
  /** Undoes it. */
  readonly close: (upstream: WriteUpstream) => void
  /** `Sluice/1.2.3` */
  readonly userAgent: string
}

/** Where it throws, the stores that were opened for it are closed again. */
export function makeGeneration(config: Config, making: Making): Generation<WriteUpstream> {
  const { codec, pipeline, userAgent } = making
  using opened = new DisposableStack()
  const upstreams = upstreamsOf(config, making, opened)
  const table = new RouteTable(config.routes, upstreams)
  const split = splitRulesOf(config)
  const scope = fingerprintOf(split)
  const policy = pushPolicyOf(config)
  const doors = [...PUSH_PATHS, ...table.paths].map(path => {
    const rules: WriteRules = {
      encodings: config.ingress.encodings,
      split,
      dialects: table.upstreamsAt(path).map(({ dialect }) => dialect),
      storeOf: (principal, tenant) => table.choiceOf(path, principal)(tenant),
    }
    const door = pipeline({
      codec,
      rules,
      scope,
      policy,
      destinationOf: ({ principal }) => table.choiceOf(path, principal.name),
    })
    return [path, door] as const
  })
  // Nothing fails any more.
  opened.move()
  return {
    upstreams: [...upstreams.values()],
    ingress: {
      maxBodyBytes: policy.maxBodyBytes,
      timeoutMs: config.timeoutMs,
      prefixHeader: config.tenant.prefixPreferSource ? config.tenant.header.toLowerCase() : undefined,
      passOn: {
        userAgent,
        forwardHeaders: [...new Set(config.upstreams.flatMap(({ forwardHeaders }) => forwardHeaders))],
        compatibilityHeaders: config.compatibilityHeaders,
      },
      doors: new Map(doors),
    },
  }
}

/** By name. */
function upstreamsOf(
  config: Config,
  { live, open, close }: Making,
  opened: DisposableStack,
): ReadonlyMap<string, WriteUpstream> {
  const known = new Map([...live].map(upstream => [upstream.id, upstream]))
  // All that a store is made of, beside its own section.
  const beside = fingerprintOf({ shed: config.shed, maxOutputBytes: config.limits.maxSplitOutputBytes })
  const upstreams = config.upstreams.map(section => {
    const id = `${section.name}/${section.fingerprint}/${beside}`
    const before = known.get(id)
    if (before !== undefined) return [section.name, before] as const
    const upstream = open(section, id)
    opened.defer(() => close(upstream))
    return [section.name, upstream] as const
  })
  return new Map(upstreams)
}

export function splitRulesOf({ tenant, limits, metadata, lanes, egress }: Config): SplitRules {
  const { route } = metadata
  return {
    labels: tenant.labels,
    precedence: tenant.precedence,
    strip: tenant.strip,
    prefix: tenant.prefix,
    defaultTenant: tenant.defaultTenant,
    missing: tenant.missing,
    invalid: tenant.invalid,
    format: tenant.format,
    output: 'same',
    metadata: route === 'drop' || route === 'default' ? route : 'report',
    families: 'none',
    haLabels: lanes.haLabels,
    compression: egress.compression,
    maxDecodedBytes: limits.maxDecodedBytes,
    maxOutputBytes: limits.maxSplitOutputBytes,
    maxTenants: limits.maxTenantsPerPush,
    maxSeries: limits.maxSeries,
  }
}

function pushPolicyOf(config: Config): PushPolicy {
  return {
    on429: config.on429,
    onUpstreamRefusal: config.onUpstreamRefusal,
    acceptAll: config.tenant.acceptAll,
    retryAfterMaxMs: config.retryAfterMaxMs,
    maxBodyBytes: config.limits.maxBodyBytes,
    deadlineMs: config.pushDeadlineMs,
  }
}
