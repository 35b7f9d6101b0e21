/** The configuration as the code uses it: typed, in base units, frozen. Its type follows from the schema. */
import { resolveTls } from '../ingress/section.ts'
import { resolveMemo } from '../lanes/section.ts'
import { resolveMetadata, resolveTenant } from '../remote-write/section.ts'
import { catchAll, type RouteConfig } from '../routes/section.ts'
import type { Frozen } from '../schema/frozen.ts'
import {
  DEFAULT_UPSTREAM,
  lowerNames,
  type OpenFile,
  resolveUpstreams,
  tenantInPath,
  type UpstreamConfig,
} from '../upstream/section.ts'
import type { ConfigValues } from './schema.ts'

export type { RouteConfig, UpstreamConfig }

export type Config = Frozen<ReturnType<typeof resolveConfig>>

export interface Resolving {
  /** Whether a key has a text of its own. */
  readonly written: (path: string) => boolean
  readonly cores: number
  readonly open: OpenFile
}

/**
 * What follows from the values, each part by the one who owns it. The keys about stores are what `upstreams` took where a
 * store has no value of its own.
 */
export function resolveConfig(values: ConfigValues, { written, cores, open }: Resolving) {
  const { auth, target } = values
  const header = { name: values.tenant.header, written: written('tenant.header') }
  const upstreams = resolveUpstreams(values, header, open)
  const inPath = upstreams.some(upstream => tenantInPath(upstream.target))
  const pathAlone = tenantInPath(target) && !header.written
  return {
    ...values,
    upstreams,
    routes: target === undefined ? values.routes : [...values.routes, catchAll(DEFAULT_UPSTREAM)],
    // What of it is for stores, they have.
    auth: { ingress: resolveTls(auth.ingress, open) },
    tenant: resolveTenant(values.tenant, { inPath, header: pathAlone ? '' : header.name }),
    metadata: resolveMetadata(values.metadata, values.tenant.defaultTenant),
    memo: resolveMemo(values.memo),
    split: { threads: values.split.threads ?? Math.max(1, cores - 1) },
    egress: {
      ...values.egress,
      forwardHeaders: lowerNames(values.egress.forwardHeaders),
    },
    lanes: { ...values.lanes, haLabels: [...new Set(values.lanes.haLabels)] },
    ingress: { ...values.ingress, encodings: [...new Set(values.ingress.encodings)] },
  }
}

/** What the schema noticed and does not refuse: a key that has no effect, a choice that may surprise. */
export interface ConfigWarning {
  /** The key as in the YAML file, or the name of a variable that is none. */
  readonly key: string
  readonly message: string
}
