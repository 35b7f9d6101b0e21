/**
 * The configuration as the code uses it: typed, in base units, frozen. `schema.ts` says how text becomes this, with each
 * key's default and sentence; keys there are those of the YAML file.
 */
import type { EngineName } from '../remote-write/engine.ts'
import type { Compression, Encoding, Protocol, SplitRules } from '../remote-write/split.ts'
import type { TenantFormat } from '../tenant.ts'
import type { FollowedFile } from './followed-file.ts'
import type { Secret } from './secret.ts'

export interface Address {
  /** Empty for all interfaces, of IPv6 too where the machine has it. */
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
}

/** `http://vminsert:8480/insert/{tenant}/write` in parts: only `{tenant}` in the path is ever replaced. */
export interface Target {
  /** Scheme, host and port, as `new URL().origin` spells them. */
  readonly origin: string
  /** The path (and query) split at each `{tenant}`; one part means that there is none. */
  readonly pathParts: readonly string[]
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface Config {
  readonly listen: Address
  /** As written; only warned about. */
  readonly listenPprof: string
  readonly listenMetrics: Address
  readonly metrics: {
    readonly includeTenant: boolean
    /** Tenants that get a label of their own; the others share `__other__`. */
    readonly maxTenants: number
    readonly compatibility: 'none' | 'cortex_tenant'
  }
  readonly target: Target
  /** As written; only warned about. */
  readonly targetLoki: string
  readonly enableIpv6: boolean
  readonly log: {
    readonly level: LogLevel
    readonly format: 'auto' | 'json' | 'pretty'
    /** Whether a push that failed by the store's own answer (not by a broken connection) is logged as an error. */
    readonly responseErrors: boolean
  }
  readonly timeoutMs: number
  readonly idleTimeoutMs: number
  readonly timeoutShutdownMs: number
  readonly drainTimeoutMs: number
  /** Pushes in flight. */
  readonly concurrency: number
  readonly auth: {
    readonly egress: {
      readonly username: string
      /** A file's may change; see following.ts. */
      readonly password: Secret | FollowedFile | undefined
      readonly caBundleFile: string
    }
    readonly ingress: { readonly certFile: string; readonly keyFile: string } | undefined
  }
  readonly tenant: {
    readonly labels: readonly string[]
    readonly precedence: SplitRules['precedence']
    readonly prefix: string
    readonly prefixPreferSource: boolean
    readonly strip: boolean
    /** Name of the header that carries the tenant; empty where the path does. */
    readonly header: string
    readonly defaultTenant: string
    readonly acceptAll: boolean
    readonly missing: SplitRules['missing']
    readonly invalid: SplitRules['invalid']
    readonly format: TenantFormat
  }
  readonly metadata: {
    readonly route: 'drop' | 'default' | 'all' | 'learned'
    /** How long a tenant or a family is remembered after it was last seen, at least. */
    readonly rememberMs: number
    readonly maxSenders: number
    /** For one sender, each family once for each tenant that has it. */
    readonly maxFamilies: number
    /** Entries of all senders that wait for their family. */
    readonly maxWaiting: number
    readonly maxWaitingBytes: number
    readonly waitMs: number
    /** 0 sends none of the metadata of 2.0 to a store of 1.0. */
    readonly intervalMs: number
    /** Families of all tenants that are known to have been sent within the interval. */
    readonly maxSent: number
  }
  readonly engine: EngineName
  readonly split: {
    /** Worker threads; 0 splits on the main thread. */
    readonly threads: number
  }
  readonly egress: {
    readonly compression: Compression
    readonly maxConnsPerHost: number
    /** 0 keeps connections for ever. */
    readonly maxConnectionDurationMs: number
    /** Names, in lower case, of inbound headers that go to the store as they are. */
    readonly forwardHeaders: readonly string[]
    readonly protocol: 'auto' | 'same' | Protocol
    /** 0 is never. */
    readonly protocolReprobeMs: number
    /** Whether a store of 2.0 is one that says nothing of what it wrote. */
    readonly writtenHeaders: 'expected' | 'omitted'
  }
  readonly limits: {
    readonly maxBodyBytes: number
    readonly maxDecodedBytes: number
    readonly maxSplitOutputBytes: number
    readonly maxSeries: number
    readonly maxTenantsPerPush: number
    readonly maxInFlightBytes: number
  }
  readonly lanes: {
    /** Requests in flight for one tenant, while full batches wait. */
    readonly concurrency: number
    readonly max: number
    readonly maxNewPerSecond: number
    readonly maxBatchBytes: number
    readonly maxBatchSeries: number
    readonly maxQueuedBytes: number
    readonly lingerMs: number
    readonly idleMs: number
    /** Of `max_conns_per_host`, for one tenant. */
    readonly maxConnectionsPercent: number
    readonly haLabels: readonly string[]
  }
  readonly retry: {
    readonly maxAttempts: number
    readonly minBackoffMs: number
    readonly maxBackoffMs: number
  }
  readonly breaker: { readonly failures: number; readonly cooldownMs: number }
  readonly pushDeadlineMs: number
  readonly memo: { readonly ttlMs: number; readonly maxBytes: number }
  /** The first rule that matches a tenant holds. */
  readonly shed: readonly ShedRule[]
  readonly admission: {
    /** Of the memory that the process may use; 0 switches it off. */
    readonly maxMemoryPercent: number
    /** 0 switches it off. */
    readonly maxEventLoopDelayMs: number
  }
  readonly ingress: {
    readonly encodings: readonly Encoding[]
    readonly maxConnections: number
    /** 0 keeps connections as long as their senders do. */
    readonly maxConnectionAgeMs: number
  }
  readonly on429: 'pass' | 'retry'
  readonly onUpstreamRefusal: 'pass' | 'retry'
  /** Longest Retry-After that is passed on: a Prometheus obeys any value, on the whole shard. */
  readonly retryAfterMaxMs: number
  readonly compatibilityHeaders: boolean
}

/** Shares of tenants that match are given up when the store has failed for them for so long. */
export interface ShedRule {
  readonly pattern: string
  readonly afterMs: number
}

/** What the schema noticed and does not refuse: a key that has no effect, a choice that may surprise. */
export interface ConfigWarning {
  /** The key as in the YAML file, or the name of a variable that is none. */
  readonly key: string
  readonly message: string
}
