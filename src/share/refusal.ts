/** Why entries of a push were left out of its shares. */
export type RefusalReason =
  | 'missing_tenant'
  | 'invalid_tenant'
  | 'repeated_tenant_label'
  | 'too_many_tenants'
  /** Remote write 2.0: a reference beyond the symbol table, or an odd number of label references. */
  | 'bad_reference'
  /** No route leads from here to a store for this tenant. */
  | 'no_route'

/** Entries left out for one reason. `dropped` ones are so by configuration, and the sender hears nothing of them. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly dropped: boolean
  readonly entries: number
  /**
   * The first offending tenant as its label or the configuration spells it, without prefix; escaped to printable ASCII
   * (the backslash and all else as `\xff`) and cut to 64 bytes. Where no route leads on it is the tenant's whole name, since
   * routes go by that. Empty where there is none.
   */
  readonly example: string
}
