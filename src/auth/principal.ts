/**
 * Who is asking. Nobody is one, too: whoever is not asked for a name has this one, so that all that is kept by sender has
 * one way to be kept.
 */
import type { TenantId } from '../tenant.ts'

export interface Principal {
  readonly name: string
  /** How the name was proved. */
  readonly by: 'nobody'
  readonly grants: Grants
}

/** Asked once per share, not per series, after prefixing and validation. */
interface Grants {
  mayWrite(tenant: TenantId): boolean
}

export const NOBODY: Principal = Object.freeze({
  name: 'nobody',
  by: 'nobody',
  grants: Object.freeze({ mayWrite: () => true }),
})
