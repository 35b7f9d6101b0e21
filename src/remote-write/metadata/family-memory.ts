/**
 * Which tenants one sender writes a family for, by the names of its series. What was not seen for a while is forgotten:
 * names are kept in two generations, and one that is seen moves into the younger; the older goes as a whole.
 */
import type { TenantId } from '../../tenant.ts'

export interface FamilyMemoryPolicy {
  /** Nothing is forgotten sooner; at the latest after twice that. */
  readonly rememberMs: number
  /** Most names, each once for each of its tenants. */
  readonly maxFamilies: number
}

/** Series of a family are named like it, or with one of these behind its name. None ends with another one. */
const SUFFIX = /_(?:bucket|sum|count|total|created|info|gsum|gcount)$/

/** The family of a series whose name has such a suffix; undefined for others, and for a name that is nothing else. */
export function familyBehind(name: string): string | undefined {
  const at = name.search(SUFFIX)
  return at > 0 ? name.slice(0, at) : undefined
}

/** Most names have one tenant, and a set takes ten times as much. */
type Tenants = TenantId | Set<TenantId>

class Generation {
  readonly names: Map<string, Tenants> = new Map()
  /** By the names of series without their suffix. */
  readonly families: Map<string, Tenants> = new Map()
  size = 0
}

export class FamilyMemory {
  readonly #policy: FamilyMemoryPolicy
  #young = new Generation()
  #old = new Generation()
  #turnedAt: number

  constructor(policy: FamilyMemoryPolicy, now: number) {
    this.#policy = policy
    this.#turnedAt = now
  }

  /** Names, each once for each of its tenants. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Takes down that this tenant has a series of that name. */
  see(name: string, tenant: TenantId): 'known' | 'new' | 'full' {
    // The common case.
    if (has(this.#young.names.get(name), tenant)) return 'known'
    const isOld = has(this.#old.names.get(name), tenant)
    if (isOld) {
      remove(this.#old.names, name, tenant)
      this.#old.size--
    } else if (this.size >= this.#policy.maxFamilies) return 'full'
    add(this.#young.names, name, tenant)
    const family = familyBehind(name)
    if (family !== undefined) add(this.#young.families, family, tenant)
    this.#young.size++
    return isOld ? 'known' : 'new'
  }

  /** The tenants of a family, by the names of its series. */
  tenantsOf(family: string): ReadonlySet<TenantId> {
    const tenants = new Set<TenantId>()
    for (const { names, families } of [this.#young, this.#old]) {
      for (const found of [names.get(family), families.get(family)]) {
        if (typeof found === 'string') tenants.add(found)
        else for (const tenant of found ?? []) tenants.add(tenant)
      }
    }
    return tenants
  }

  /** Forgets what was not seen for long enough. */
  turn(now: number): void {
    if (now - this.#turnedAt < this.#policy.rememberMs) return
    this.#turnedAt = now
    this.#old = this.#young
    this.#young = new Generation()
  }
}

function has(tenants: Tenants | undefined, tenant: TenantId): boolean {
  return tenants === tenant || (typeof tenants === 'object' && tenants.has(tenant))
}

function add(names: Map<string, Tenants>, name: string, tenant: TenantId): void {
  const tenants = names.get(name)
  if (tenants === undefined) names.set(name, tenant)
  else if (typeof tenants === 'object') tenants.add(tenant)
  else if (tenants !== tenant) names.set(name, new Set([tenants, tenant]))
}

function remove(names: Map<string, Tenants>, name: string, tenant: TenantId): void {
  const tenants = names.get(name)
  if (typeof tenants === 'object') tenants.delete(tenant)
  if (typeof tenants === 'string' || tenants?.size === 0) names.delete(name)
}
