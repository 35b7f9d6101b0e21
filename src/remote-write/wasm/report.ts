/** Makes a SplitResult of what the kernel has reported in its memory. */
import * as abi from '../../../workers/kernel/abi.ts'
import type { RefusalReason } from '../../share/refusal.ts'
import { parseTenantId, type TenantId } from '../../tenant.ts'
import { escaped } from '../escaped.ts'
import { haTextOf } from '../ha-value.ts'
import { mergeKeyOf } from '../merge.ts'
import type { Counts, Protocol, SplitRefusal, SplitResult, SplitRules, SplitShare } from '../split.ts'
import { bytesAt, type Memory } from './memory.ts'
import { type MetricNames, readReported } from './reported.ts'

export interface Report {
  readonly rules: SplitRules
  readonly names: TenantNames
  readonly metricNames: MetricNames
  readonly decodedBytes: number
  /** Of the shares. */
  readonly protocol: Protocol
}

/** `bodyOf` gives the body of a share that stands at this place of the output. */
export function readReport(
  memory: Memory,
  { rules, names, metricNames, decodedBytes, protocol }: Report,
  bodyOf: (at: number, length: number) => Uint8Array,
): SplitResult {
  const hasOptions = memory.word(abi.HAS_OPTIONS) === 1
  const replicas = new Replicas(memory, rules.haLabels.length)
  const ids: TenantId[] = []
  const shares: SplitShare[] = []
  const received = { ...NOTHING }
  const tenants = memory.word(abi.TENANT_COUNT)
  for (let k = 0, row = memory.word(abi.TENANTS); k < tenants; k++, row += abi.TENANT_BYTES) {
    const series = memory.word(row + abi.TENANT_SERIES)
    const aside = memory.word(row + abi.TENANT_ASIDE)
    const goesAside = aside !== 0 && memory.word(aside + abi.ASIDE_HEAD) !== 0
    const asideSeries = goesAside ? memory.word(aside + abi.ASIDE_SERIES) : 0
    const ha = replicas.of(k, series + asideSeries)
    const tenant = names.of(memory, row, rules)
    ids.push(tenant)
    const mixed = memory.word(row + abi.TENANT_ALONE) === 1 || !ha.areText
    if (memory.word(row + abi.TENANT_HEAD) !== 0) {
      shares.push({
        tenant,
        kind: 'series',
        protocol,
        body: bodyOf(memory.word(row + abi.TENANT_OUT), memory.word(row + abi.TENANT_OUT_LENGTH)),
        decodedBytes: memory.word(row + abi.TENANT_SIZE),
        mergeKey: protocol === '1.0' ? ha.key1 : ha.key2,
        ha: ha.values,
        alone: hasOptions || mixed,
        entries: series,
        series,
        samples: memory.word(row + abi.TENANT_SAMPLES),
        histograms: memory.word(row + abi.TENANT_HISTOGRAMS),
        exemplars: memory.word(row + abi.TENANT_EXEMPLARS),
        metadata: memory.word(row + abi.TENANT_METADATA),
      })
    }
    if (!goesAside) continue
    shares.push({
      tenant,
      kind: 'aside',
      protocol: '1.0',
      body: bodyOf(memory.word(aside + abi.ASIDE_OUT), memory.word(aside + abi.ASIDE_OUT_LENGTH)),
      decodedBytes: memory.word(aside + abi.ASIDE_SIZE),
      mergeKey: ha.key1,
      ha: ha.values,
      alone: mixed,
      entries: asideSeries,
      series: asideSeries,
      samples: 0,
      histograms: 0,
      exemplars: memory.word(aside + abi.ASIDE_EXEMPLARS),
      metadata: memory.word(aside + abi.ASIDE_METADATA),
    })
  }
  for (const share of shares) add(received, share)
  const refusals = readRefusals(memory)
  for (const refusal of refusals) add(received, refusal)
  received.metadata += memory.word(abi.METADATA_DROPPED)
  const histogramsLost = memory.word(abi.HISTOGRAMS_LOST)
  received.histograms += histogramsLost
  received.series += memory.word(abi.SERIES_LOST)
  return {
    ok: true,
    shares,
    refusals,
    received,
    decodedBytes,
    disagreements: memory.word(abi.DISAGREEMENTS),
    createdTimestampsLost: memory.word(abi.TIMES_LOST),
    histogramsLost,
    reported: readReported(memory, rules, metricNames, ids),
  }
}

const NOTHING: Counts = { series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 0 }

function add(sum: { -readonly [K in keyof Counts]: Counts[K] }, counts: Counts): void {
  sum.series += counts.series
  sum.samples += counts.samples
  sum.histograms += counts.histograms
  sum.exemplars += counts.exemplars
  sum.metadata += counts.metadata
}

/** By the kernel's numbers. */
const REASONS: readonly RefusalReason[] = [
  'missing_tenant',
  'invalid_tenant',
  'repeated_tenant_label',
  'too_many_tenants',
  'bad_reference',
]

/** In order of the first of each. */
function readRefusals(memory: Memory): SplitRefusal[] {
  const found: { order: number; refusal: SplitRefusal }[] = []
  for (let k = 0; k < 2 * REASONS.length; k++) {
    const row = abi.REFUSALS + k * abi.REFUSAL_BYTES
    const order = memory.word(row + abi.REFUSAL_ORDER)
    if (order === 0) continue
    const refusal = {
      reason: REASONS[k % REASONS.length] as RefusalReason,
      dropped: k >= REASONS.length,
      example: escaped(bytesAt(memory, row + abi.REFUSAL_EXAMPLE)),
      series: memory.word(row + abi.REFUSAL_SERIES),
      samples: memory.word(row + abi.REFUSAL_SAMPLES),
      histograms: memory.word(row + abi.REFUSAL_HISTOGRAMS),
      exemplars: memory.word(row + abi.REFUSAL_EXEMPLARS),
      metadata: memory.word(row + abi.REFUSAL_METADATA),
    }
    found.push({ order, refusal })
  }
  return found.sort((a, b) => a.order - b.order).map(it => it.refusal)
}

interface Replica {
  readonly values: readonly string[]
  /** What shares of it merge by, in each protocol. */
  readonly key1: string
  readonly key2: string
  /** Whether the values can be told by their text; see ha-value.ts. */
  readonly areText: boolean
}

/** Values of the HA labels in the first series of each share. */
class Replicas {
  readonly #memory: Memory
  readonly #labels: number
  readonly #none: Replica
  /** The last one, and where its values stand: most pushes come from one replica. */
  #last: Replica
  #lastRow = 0

  constructor(memory: Memory, labels: number) {
    this.#memory = memory
    this.#labels = labels
    this.#none = replicaOf(new Array<string>(labels).fill(''), true)
    this.#last = this.#none
  }

  of(tenant: number, series: number): Replica {
    if (series === 0 || this.#labels === 0) return this.#none
    const row = this.#memory.word(abi.REPLICAS) + tenant * this.#labels * 8
    if (this.#lastRow === 0 || !this.#isLast(row)) {
      this.#last = this.#read(row)
      this.#lastRow = row
    }
    return this.#last
  }

  #isLast(row: number): boolean {
    const { bytes } = this.#memory
    for (let k = 0; k < 8 * this.#labels; k += 8) {
      const length = this.#memory.word(row + k + 4)
      if (length !== this.#memory.word(this.#lastRow + k + 4)) return false
      // They have the same text, which is none.
      if (length > abi.MAX_HA_BYTES) continue
      const one = this.#memory.word(row + k)
      const other = this.#memory.word(this.#lastRow + k)
      for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false
    }
    return true
  }

  #read(row: number): Replica {
    const values: string[] = []
    let areText = true
    for (let k = 0; k < 8 * this.#labels; k += 8) {
      const { text, isExact } = haTextOf(bytesAt(this.#memory, row + k))
      if (!isExact) areText = false
      values.push(text)
    }
    return replicaOf(values, areText)
  }
}

function replicaOf(ha: readonly string[], areText: boolean): Replica {
  const [key1, key2] = [mergeKeyOf({ protocol: '1.0', ha }), mergeKeyOf({ protocol: '2.0', ha })]
  return { values: ha, key1, key2, areText }
}

/**
 * Tenants by their key. The kernel has validated them; that they pass `parseTenantId` once more is the door that every
 * tenant goes through, and costs nothing for those seen before. The bet: a tenant of this push was in a push before.
 */
export class TenantNames {
  /** By the kernel's hash; a newer tenant takes the place of an older one, so what senders write can't fill the memory. */
  readonly #known = new Array<Known | undefined>(SLOTS).fill(undefined)
  #rules = 0

  /** `row` is the tenant's, in the kernel's memory. */
  of(memory: Memory, row: number, rules: SplitRules): TenantId {
    const slot = memory.word(row + abi.TENANT_HASH) % SLOTS
    const at = memory.word(row + abi.TENANT_KEY)
    const length = memory.word(row + abi.TENANT_KEY_LENGTH)
    const known = this.#known[slot]
    const { bytes } = memory
    if (known !== undefined && known.rules === this.#rules && known.key.length === length) {
      const { key } = known
      let i = 0
      while (i < length && key[i] === bytes[at + i]) i++
      if (i === length) return known.tenant
    }
    const key = bytes.slice(at, at + length)
    // Only an account stands in the kernel with its prefix.
    const prefix = rules.format === 'victoriametrics' ? '' : rules.prefix
    const tenant = parseTenantId(Buffer.concat([Buffer.from(prefix), key]), rules.format)
    if (tenant === undefined) throw new Error('BUG: the kernel took a value for a tenant that is none')
    this.#known[slot] = { key, tenant, rules: this.#rules }
    return tenant
  }

  /** Forgets all, because the rules are others now. */
  forget(): void {
    this.#rules++
  }
}

interface Known {
  readonly key: Uint8Array
  readonly tenant: TenantId
  /** Which rules it was made by. */
  readonly rules: number
}

/** So many that a thousand tenants rarely share one. */
const SLOTS = 32_768
