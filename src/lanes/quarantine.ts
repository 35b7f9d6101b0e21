import type { TenantId } from '../tenant.ts'

/**
 * What is held against one sender. Whose share was rejected by itself travels alone for a while: merged, it would make
 * every batch go out twice.
 */
export class Quarantine {
  /** Until when its shares of a tenant travel alone; undefined in the common case, in which nothing was rejected. */
  #aloneUntil: Map<TenantId, number> | undefined

  travelsAlone(tenant: TenantId, now: () => number): boolean {
    if (this.#aloneUntil === undefined) return false
    const until = this.#aloneUntil.get(tenant)
    if (until === undefined) return false
    if (until > now()) return true
    this.#aloneUntil.delete(tenant)
    return false
  }

  /** Its memory is bounded: beyond `MAX_TENANTS`, the one that was rejected first travels with others again. */
  rejected(tenant: TenantId, until: number): void {
    this.#aloneUntil ??= new Map()
    this.#aloneUntil.delete(tenant)
    this.#aloneUntil.set(tenant, until)
    if (this.#aloneUntil.size > MAX_TENANTS) {
      const [oldest] = this.#aloneUntil.keys()
      this.#aloneUntil.delete(oldest as TenantId)
    }
  }
}

const MAX_TENANTS = 1000
