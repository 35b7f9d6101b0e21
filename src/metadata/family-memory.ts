/**
 * Which tenants one sender writes a family for, by the names of its series. What was not seen for a while is forgotten:
 * names are kept in two generations, and one that is seen moves into the younger; the older goes as a whole.
 */
import type { TenantId } from '../tenant.ts'

export interface FamilyMemoryPolicy {
  /** Nothing is forgotten sooner; at the latest after twice that. */
  readonly rememberMs: number
  /** Most names, each once for each of its tenants. */
  readonly maxFamilies: number
}

/** Series of a family are named like it, or with one of these behind its name. */
const SUFFIXES = ['', '_bucket', '_sum', '_count', '_total', '_created', '_info', '_gsum', '_gcount'] as const

/** Most names have one tenant, and a set takes ten times as much. */
type Tenants = TenantId | Set<TenantId>

export class FamilyMemory {
  readonly #policy: FamilyMemoryPolicy
  #young: Map<string, Tenants> = new Map()
  #old: Map<string, Tenants> = new Map()
  #youngSize = 0
  #oldSize = 0
  #turnedAt: number

  constructor(policy: FamilyMemoryPolicy, now: number) {
    this.#policy = policy
    this.#turnedAt = now
  }

  /** Names, each once for each of its tenants. */
  get size(): number {
    return this.#youngSize + this.#oldSize
  }

  /** Takes down that this tenant has a series of that name. */
  see(name: string, tenant: TenantId): 'known' | 'new' | 'full' {
    // The common case.
    if (has(this.#young.get(name), tenant)) return 'known'
    const isOld = has(this.#old.get(name), tenant)
    if (isOld) {
      remove(this.#old, name, tenant)
      this.#oldSize--
    } else if (this.size >= this.#policy.maxFamilies) return 'full'
    add(this.#young, name, tenant)
    this.#youngSize++
    return isOld ? 'known' : 'new'
  }

  /** The tenants of a family, by the names of its series. */
  tenantsOf(family: string): ReadonlySet<TenantId> {
    const tenants = new Set<TenantId>()
    for (const suffix of SUFFIXES) {
      const name = family + suffix
      for (const found of [this.#young.get(name), this.#old.get(name)]) {
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
    this.#oldSize = this.#youngSize
    this.#young = new Map()
    this.#youngSize = 0
  }
}

function has(tenants: Tenants | undefined, tenant: TenantId): boolean {
  return tenants === tenant || (typeof tenants === 'object' && tenants.has(tenant))
}

function add(names: Map<string, Tenants>, name: string, tenant: TenantId): void {
  const tenants = names.get(name)
  if (tenants === undefined) names.set(name, tenant)
  else if (typeof tenants === 'string') names.set(name, new Set([tenants, tenant]))
  else tenants.add(tenant)
}

function remove(names: Map<string, Tenants>, name: string, tenant: TenantId): void {
  const tenants = names.get(name)
  if (typeof tenants === 'object') tenants.delete(tenant)
  if (typeof tenants === 'string' || tenants?.size === 0) names.delete(name)
}
