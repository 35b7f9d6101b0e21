/** Makes a SplitResult of what the kernel has reported in its memory. */
import * as abi from '../../../workers/kernel/abi.ts'
import { parseTenantId, type TenantId } from '../../tenant.ts'
import { escaped } from '../reference/tally.ts'
import type { Counts, Refusal, RefusalReason, Share, SplitResult, SplitRules } from '../split.ts'
import type { Memory } from './memory.ts'

export interface Report {
  readonly rules: SplitRules
  readonly names: TenantNames
  readonly decodedBytes: number
}

/** `bodyOf` gives the body of a share that stands at this place of the output. */
export function readReport(
  memory: Memory,
  { rules, names, decodedBytes }: Report,
  bodyOf: (at: number, length: number) => Uint8Array,
): SplitResult {
  const hasOptions = memory.word(abi.HAS_OPTIONS) === 1
  const replicas = new Replicas(memory, rules.haLabels.length)
  const shares: Share[] = []
  const received = { ...NOTHING }
  for (let k = 0; k < memory.word(abi.TENANT_COUNT); k++) {
    const row = memory.word(abi.TENANTS) + k * abi.TENANT_BYTES
    const counts = {
      series: memory.word(row + abi.TENANT_SERIES),
      samples: memory.word(row + abi.TENANT_SAMPLES),
      histograms: memory.word(row + abi.TENANT_HISTOGRAMS),
      exemplars: memory.word(row + abi.TENANT_EXEMPLARS),
      metadata: memory.word(row + abi.TENANT_METADATA),
    }
    const key = bytesAt(memory, row + abi.TENANT_KEY)
    const ha = replicas.of(k, counts.series)
    add(received, counts)
    shares.push({
      tenant: names.of(key, rules),
      body: bodyOf(memory.word(row + abi.TENANT_OUT), memory.word(row + abi.TENANT_OUT_LENGTH)),
      decodedBytes: memory.word(row + abi.TENANT_SIZE),
      ha: ha.values,
      alone: hasOptions || memory.word(row + abi.TENANT_ALONE) === 1 || !ha.areText,
      ...counts,
    })
  }
  const refusals = readRefusals(memory)
  for (const refusal of refusals) add(received, refusal)
  received.metadata += memory.word(abi.METADATA_DROPPED)
  return { ok: true, shares, refusals, received, decodedBytes, disagreements: memory.word(abi.DISAGREEMENTS) }
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
function readRefusals(memory: Memory): Refusal[] {
  const found: { order: number; refusal: Refusal }[] = []
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

/** The bytes whose place and length stand at `at`. A view. */
function bytesAt(memory: Memory, at: number): Buffer {
  const from = memory.word(at)
  return Buffer.from(memory.bytes.buffer, from, memory.word(at + 4))
}

/** Values of the HA labels in the first series of each share. */
class Replicas {
  readonly #memory: Memory
  readonly #labels: number
  readonly #none: { readonly values: readonly string[]; readonly areText: boolean }

  constructor(memory: Memory, labels: number) {
    this.#memory = memory
    this.#labels = labels
    this.#none = { values: new Array<string>(labels).fill(''), areText: true }
  }

  /** `areText`: whether the values can be told by their text. Different bytes that are not UTF-8 look the same as strings. */
  of(tenant: number, series: number): { readonly values: readonly string[]; readonly areText: boolean } {
    if (series === 0 || this.#labels === 0) return this.#none
    const row = this.#memory.word(abi.REPLICAS) + tenant * this.#labels * 8
    const values: string[] = []
    let areText = true
    let length = 0
    for (let k = 0; k < this.#labels; k++) {
      const bytes = bytesAt(this.#memory, row + 8 * k)
      length += bytes.length
      const value = bytes.length === 0 ? '' : bytes.toString()
      if (bytes.length > 0 && !Buffer.from(value).equals(bytes)) areText = false
      values.push(value)
    }
    return length === 0 ? this.#none : { values, areText }
  }
}

/**
 * Tenants by their key. The kernel has validated them; that they pass `parseTenantId` once more is the door that every
 * tenant goes through, and costs nothing for those seen before.
 */
export class TenantNames {
  readonly #known = new Map<string, TenantId>()

  of(key: Buffer, rules: SplitRules): TenantId {
    const text = key.toString('latin1')
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const prefix = rules.format === 'victoriametrics' ? '' : rules.prefix
    const tenant = parseTenantId(Buffer.from(prefix + text, 'latin1'), rules.format)
    if (tenant === undefined) throw new Error('BUG: the kernel took a value for a tenant that is none')
    // What senders write must not fill the memory.
    if (this.#known.size >= MOST_NAMES) this.#known.clear()
    this.#known.set(text, tenant)
    return tenant
  }

  forget(): void {
    this.#known.clear()
  }
}

const MOST_NAMES = 10_000
