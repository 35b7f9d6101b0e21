/**
 * The contract of the split: the bytes of one push in, one share per tenant out. Every engine keeps it (the reference
 * and the WASM kernel, inline or on a thread), and one suite of cases runs on all of them.
 *
 * All of it is plain values, so that a result crosses a thread border as it is. Expected outcomes, a corrupt body
 * included, are values; an exception here is a bug.
 */
import type { RefusalReason } from '../share/refusal.ts'
import type { Share } from '../share/share.ts'
import type { TenantFormat, TenantId } from '../tenant.ts'
import type { FaultCode } from '../wire/fault.ts'

/** `1.0` is prometheus.WriteRequest, `2.0` is io.prometheus.write.v2.Request. */
export type Protocol = '1.0' | '2.0'
export type Encoding = 'snappy' | 'zstd'
/** `none` writes literal-only snappy: larger, and almost free to make. */
export type Compression = 'fast' | 'none'

/** The bytes of one push as they arrived. An engine borrows `body` and keeps nothing of it. */
export interface Push {
  readonly body: Uint8Array
  readonly encoding: Encoding
  readonly protocol: Protocol
  /**
   * Most bytes that may be taken beside body and decoded message, for tables and shares; a push that takes more than is
   * usual is told so, as `needs_more`, and may be split again with more. Undefined: as much as the rules allow. The
   * reference, which makes objects, does not look at it.
   */
  readonly workBytes?: number
}

/** How to find the tenant of a series, and what may come out. An argument of each call, because a prefix can come from the request. */
export interface SplitRules {
  /** Names of the tenant labels, in configured order. Where there are none, every series misses its tenant. */
  readonly labels: readonly string[]
  /**
   * Which label wins when a series has several of them. `config`: the first configured one with a value that is not
   * empty. `series_first`, `series_last`: the first or last in the series' own order; an empty value there counts as
   * missing, without a look at the others (cortex-tenant 2.x and 1.x).
   */
  readonly precedence: 'config' | 'series_first' | 'series_last'
  /** Whether the winning label is removed from its series. */
  readonly strip: boolean
  /** Stands before every tenant, the default one included, before validation. */
  readonly prefix: string
  /** Without prefix; empty where there is none. */
  readonly defaultTenant: string
  /** What becomes of a series without a tenant. A series that goes to the default tenant keeps all its labels. */
  readonly missing: 'reject' | 'drop' | 'default'
  /** What becomes of a series whose tenant is not valid, or that has one tenant label twice. */
  readonly invalid: 'reject' | 'drop' | 'default'
  readonly format: TenantFormat
  /**
   * What the upstream takes: shares are written in this protocol, whatever the push came in; `same` keeps the push's own.
   */
  readonly output: Protocol | 'same'
  /**
   * Where entries of `WriteRequest.metadata` (1.0) go: they have no labels, so no tenant. `default` without a default
   * tenant drops them, too; where shares are of 2.0, they go into its `aside` share. `report` places none of them and hands them out, for whoever knows more.
   */
  readonly metadata: 'drop' | 'default' | 'report'
  /**
   * What is reported of the series in each tenant's shares. `names`: the values of their label `__name__`, of a 1.0 push ·
   * `metadata`: the families that their metadata describes, of a 2.0 push. A push of the other protocol reports nothing.
   */
  readonly families: 'none' | 'names' | 'metadata'
  /** Labels that name an HA replica. A store deduplicates a whole request by its first series, so shares carry these. */
  readonly haLabels: readonly string[]
  /**
   * `late` is `fast`, but that shares of 2.0 with few series may be left as literals: they are written anew when they merge
   * with others, and compressed then. Whoever sends one alone compresses it (`mergeRequests`).
   */
  readonly compression: Compression | 'late'
  /** Largest decoded body in bytes. */
  readonly maxDecodedBytes: number
  /** Most bytes that all shares together may take before compression. */
  readonly maxOutputBytes: number
  /** Most tenants in one push; series of further ones are refused as `too_many_tenants`. */
  readonly maxTenants: number
  /** Most entries (series and metadata) in one push. */
  readonly maxSeries: number
}

/** How much of each kind. A native histogram is not a sample. */
export type Counts = {
  readonly series: number
  readonly samples: number
  readonly histograms: number
  readonly exemplars: number
  /** Entries of `WriteRequest.metadata`; in 2.0, metadata is a part of its series and not counted. */
  readonly metadata: number
}

/**
 * `series`: all that the tenant has in a push, mostly · `aside`: what of it the protocol of that share can't carry and 1.0
 * can, which goes beside it: an exemplar without a series to fold it into (stores of 2.0 refuse a series without samples),
 * and metadata entries of a 1.0 push that goes out as 2.0 · `metadata`: entries of `WriteRequest.metadata` that found
 * their tenant by the name of their family.
 */
export type ShareKind = 'series' | 'aside' | 'metadata'

/** One tenant's part of a push, as all who carry it know it. A push has at most one of each kind for a tenant. */
export interface SplitShare extends Share, Counts {
  readonly kind: ShareKind
  /** What `body` is a message of, which is complete and a snappy block. An `aside` or `metadata` share is always 1.0. */
  readonly protocol: Protocol
  /** Series. */
  readonly entries: number
  /**
   * Value of each of `haLabels` in the tenant's first series, empty where it has none, or a longer one than is compared
   * (ha-value.ts); of a label that is repeated the last. Shares merge only where these are equal, which `mergeKey` tells
   * with the protocol (merge.ts). (Where series differ, so that the share is `alone`, the first may be one that was folded
   * into a later one.) Both shares of a tenant speak for all that it has in the push: its `aside` share has the values and
   * the difference of the one beside it.
   */
  readonly ha: readonly string[]
  /**
   * Also where its series differ in an HA label, a value in `ha` is not UTF-8 or too long (so that its text does not tell
   * it from others), or the message carries fields beside its entries, which would then speak for other senders' series too.
   */
  readonly alone: boolean
}

/** What a push says of metric families, as far as `rules.metadata` and `rules.families` ask; each list empty otherwise. */
export interface Reported {
  /** Entries of `WriteRequest.metadata`, in their order. */
  readonly entries: readonly MetadataEntry[]
  /** In order of the shares; a tenant without any is left out. */
  readonly names: readonly { readonly tenant: TenantId; readonly names: readonly string[] }[]
  /** The same. */
  readonly families: readonly { readonly tenant: TenantId; readonly families: readonly Family[] }[]
}

/** An entry of `WriteRequest.metadata`. */
export interface MetadataEntry {
  /** Empty where the entry has no name that can be one: see `familyOf`. */
  readonly family: string
  /**
   * The whole record of the WriteRequest, tag and length included. Whoever receives the result owns it; it may be a view of
   * the memory of all, so who keeps it copies it.
   */
  readonly record: Uint8Array
}

/**
 * What series of 2.0 say of the family they belong to; `type` is a number of MetricType, which both protocols share. What
 * is too long is left out (family.ts), and so is what goes beyond `maxOutputBytes` with those before it: any number of
 * families may have one text.
 */
export interface Family {
  readonly name: string
  readonly type: number
  readonly help: string
  readonly unit: string
}

/** Series left out for one reason. `dropped` ones are so by configuration, and the sender hears nothing of them. */
export interface SplitRefusal extends Counts {
  readonly reason: RefusalReason
  readonly dropped: boolean
  /**
   * The first offending tenant as its label or the configuration spells it, without prefix; escaped to printable ASCII
   * (the backslash and all else as `\xff`) and cut to 64 bytes. Empty where there is none.
   */
  readonly example: string
}

export type SplitResult =
  | {
      readonly ok: true
      /** In order of each tenant's first entry; empty where the push holds nothing to forward. */
      readonly shares: readonly SplitShare[]
      /** One entry per reason and `dropped`. */
      readonly refusals: readonly SplitRefusal[]
      /** All that the push held; equals shares plus refusals, but for metadata that the rules drop or report, and what 1.0 can't say. */
      readonly received: Counts
      readonly decodedBytes: number
      /**
       * Series in which two configured labels have values, and different ones: in their length, or in as many bytes as a
       * tenant may have.
       */
      readonly disagreements: number
      /** 2.0 that goes out as 1.0: created and start timestamps, of series, samples and histograms, that are left out. */
      readonly createdTimestampsLost: number
      /**
       * The same: native histograms with custom buckets, which 1.0 can't say, so that they are left out, and their series where
       * it has nothing else: neither samples nor other histograms nor exemplars. No time of these is counted as lost.
       */
      readonly histogramsLost: number
      readonly reported: Reported
    }
  | {
      readonly ok: false
      readonly code: FaultCode
      /**
       * Position in bytes: in the body for `*_corrupt` and `decoded_too_large`, else in the decoded message. 0 for
       * `split_output_too_large`, which is the push's as a whole. The reference says what each position points at
       * (wire/snappy.ts, wire/protobuf.ts) and which of several faults is found.
       */
      readonly at: number
      /** What was found there: short, constant text without bytes of the body. */
      readonly detail: string
    }
  | {
      /** Nothing is wrong with the push: with `workBytes` of that much it gets further. */
      readonly ok: false
      readonly code: 'needs_more'
      readonly at: 0
      readonly detail: string
      readonly workBytes: number
    }

export type SplitDone = Extract<SplitResult, { ok: true }>

/** An engine: pure, synchronous, no clock and no socket. */
export type Split = (push: Push, rules: SplitRules) => SplitResult
