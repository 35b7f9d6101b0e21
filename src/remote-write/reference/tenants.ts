/**
 * Which tenant a series belongs to. Names and values are compared as bytes; a value becomes a string only by passing
 * `parseTenantId`, prefix included.
 */

import type { RefusalReason } from '../../share/refusal.ts'
import { MAX_TENANT_BYTES, parseTenantId, type TenantId } from '../../tenant.ts'
import { sameBytes } from '../../wire/protobuf.ts'
import type { SplitRules } from '../split.ts'
import type { Label } from './message.ts'

export type Placement =
  | {
      readonly tenant: TenantId
      /** What named the tenant: the label's value, or the default tenant; without prefix. */
      readonly value: Uint8Array
      /** Index of the label to remove. Never set for the default tenant, whose series keep all labels. */
      readonly strip: number | undefined
    }
  | {
      readonly tenant: undefined
      readonly reason: RefusalReason
      readonly dropped: boolean
      readonly value: Uint8Array
    }

interface Named {
  /** Index in the series. */
  readonly label: number
  /** Index in the configured list. */
  readonly rank: number
  readonly value: Uint8Array
}

const NO_VALUE = new Uint8Array(0)

export class TenantChoice {
  readonly #rules: SplitRules
  readonly #names: readonly Uint8Array[]
  readonly #default: Uint8Array

  constructor(rules: SplitRules) {
    this.#rules = rules
    this.#names = rules.labels.map(name => Buffer.from(name))
    this.#default = Buffer.from(rules.defaultTenant)
  }

  /** `disagrees`: two configured labels have values, and different ones. A series that repeats one of them is never counted so. */
  place(labels: Iterable<Label>): { placement: Placement; disagrees: boolean } {
    const named: Named[] = []
    let index = 0
    for (const { name, value } of labels) {
      const rank = this.#names.findIndex(configured => sameBytes(configured, name))
      if (named.some(before => before.rank === rank)) {
        return { placement: this.#invalid('repeated_tenant_label', value), disagrees: false }
      }
      if (rank >= 0) named.push({ label: index, rank, value })
      index++
    }
    const values = named.map(it => it.value).filter(value => value.length > 0)
    const disagrees = values.some(value => differs(value, values[0] as Uint8Array))
    return { placement: this.#placeBy(this.#winner(named)), disagrees }
  }

  /** Where a series without tenant goes by `missing: default`, and metadata by `metadata: default`. */
  placeInDefault(): Placement {
    const tenant = this.#parse(this.#default)
    if (tenant !== undefined) return { tenant, value: this.#default, strip: undefined }
    const dropped = this.#rules.invalid === 'drop'
    return { tenant: undefined, reason: 'invalid_tenant', dropped, value: this.#default }
  }

  #winner(named: readonly Named[]): Named | undefined {
    switch (this.#rules.precedence) {
      case 'series_first':
        return named[0]
      case 'series_last':
        return named.at(-1)
      case 'config':
        return named.filter(it => it.value.length > 0).sort((a, b) => a.rank - b.rank)[0]
    }
  }

  #placeBy(winner: Named | undefined): Placement {
    if (winner === undefined || winner.value.length === 0) return this.#missing()
    const tenant = this.#parse(winner.value)
    if (tenant === undefined) return this.#invalid('invalid_tenant', winner.value)
    return { tenant, value: winner.value, strip: this.#rules.strip ? winner.label : undefined }
  }

  #missing(): Placement {
    if (this.#rules.missing === 'default' && this.#hasDefault()) return this.placeInDefault()
    const dropped = this.#rules.missing === 'drop'
    return { tenant: undefined, reason: 'missing_tenant', dropped, value: NO_VALUE }
  }

  #invalid(reason: RefusalReason, value: Uint8Array): Placement {
    if (this.#rules.invalid === 'default' && this.#hasDefault()) return this.placeInDefault()
    return { tenant: undefined, reason, dropped: this.#rules.invalid === 'drop', value }
  }

  #hasDefault(): boolean {
    return this.#default.length > 0
  }

  #parse(value: Uint8Array): TenantId | undefined {
    // Not copied: any number of series of 2.0 may refer to one value of megabytes.
    if (value.length > MAX_TENANT_BYTES) return undefined
    return parseTenantId(Buffer.concat([Buffer.from(this.#rules.prefix), value]), this.#rules.format)
  }
}

/** What is too long for a tenant is not compared to its end: any number of series of 2.0 may refer to it. */
function differs(one: Uint8Array, other: Uint8Array): boolean {
  const [begins, asOther] = [one, other].map(it => it.subarray(0, MAX_TENANT_BYTES)) as [
    Uint8Array,
    Uint8Array,
  ]
  return one.length !== other.length || !sameBytes(begins, asOther)
}
