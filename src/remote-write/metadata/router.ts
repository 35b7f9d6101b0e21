/**
 * Gives metadata to its tenants. An entry of 1.0 has no labels, so what the sender's series say decides: it goes to all
 * tenants of its sender, or to those that have series of its family. What series of 2.0 say of their family goes to a store
 * of 1.0 as such entries. `docs/metadata.md` tells it from outside.
 */
import type { Gauge } from '../../gauge.ts'
import type { Verdict } from '../../share/verdict.ts'
import type { TenantId } from '../../tenant.ts'
import type { Family, MetadataEntry, Protocol, SplitDone, SplitRules, SplitShare } from '../split.ts'
import { familyBehind } from './family-memory.ts'
import { type MetadataSender, Senders, type SendersPolicy } from './senders.ts'
import { Sent, type SentPolicy } from './sent.ts'
import { bodyOf, type MetadataBody, recordOf, shareOf } from './share.ts'
import { type WaitEnd, type WaitingEntry, type WaitingPolicy, WaitingRoom } from './waiting.ts'

/**
 * Why an entry was dropped. `name`: it has none that can be read · `unknown`: no series of its family came in time, or its
 * sender was forgotten · `full`: no room to wait, or none in this push's shares · `replaced`: a newer one of its family waits.
 */
export type MetadataDrop = 'name' | WaitEnd

interface MetadataEvents {
  dropped(reason: MetadataDrop): void
  /** A bound was met, by its key. */
  limited(limit: 'metadata.max_families'): void
}

export interface MetadataPolicy extends SendersPolicy, WaitingPolicy, SentPolicy {
  readonly route: 'drop' | 'default' | 'all' | 'learned'
}

type MetadataRules = Pick<SplitRules, 'haLabels' | 'compression' | 'maxOutputBytes'>

export interface MetadataRouterOptions {
  readonly policy: MetadataPolicy
  readonly rules: MetadataRules
  readonly events: MetadataEvents
  /** Makes a shorter block of one of literals, fresh; borrows it. */
  readonly compress: (block: Uint8Array) => Uint8Array
  readonly now: () => number
}

/** How one of its shares came out. */
export interface Settled {
  readonly share: SplitShare
  readonly verdict: Verdict
  readonly remembered: boolean
}

/** A push with its metadata in place. */
export interface Routed {
  /** Those of the split, and the metadata of each tenant behind its others. */
  readonly shares: readonly SplitShare[]
  /** To be told, once, how they came out; those that were never sent may be missing. Undefined where nobody asks. */
  readonly settle: ((deliveries: readonly Settled[]) => void) | undefined
}

/** What a share of metadata holds that has to be looked after. */
interface Cargo {
  /** The tenant at its store. */
  readonly place: string
  readonly waited: readonly WaitingEntry[]
  readonly families: readonly Family[]
}

/**
 * Bytes of a push that are compressed here, on the main thread: some 20 ms. It is the exception that there is more, and
 * that goes as it is.
 */
const MOST_COMPRESSED = 1024 * 1024

/** Entries that one push gives to tenants, each counted for each of these: that is done on the main thread, too. */
const MOST_PLACED = 500_000

/** In place of names where families do not matter: all that a sender is asked for is its tenants. */
const ANY_FAMILY = ['']

export class MetadataRouter {
  readonly #options: MetadataRouterOptions
  readonly #room: WaitingRoom
  readonly #senders: Senders
  readonly #sent: Sent
  /** Its numbers may change; all parts look at this one. */
  readonly #policy: MetadataPolicy
  #rules: MetadataRules

  constructor(options: MetadataRouterOptions) {
    const { policy, events, rules } = options
    this.#options = options
    this.#policy = { ...policy }
    this.#rules = rules
    this.#room = new WaitingRoom(this.#policy, reason => events.dropped(reason))
    this.#senders = new Senders(this.#policy, this.#room)
    this.#sent = new Sent(this.#policy)
  }

  /** Other rules, from the next push on; what is remembered stays. */
  configure(policy: MetadataPolicy, rules: MetadataRules): void {
    Object.assign(this.#policy, policy)
    this.#rules = rules
  }

  get senders(): number {
    return this.#senders.size
  }

  get families(): number {
    return this.#senders.families
  }

  get waiting(): number {
    return this.#room.entries
  }

  get waitingBytes(): number {
    return this.#room.bytes
  }

  get sent(): number {
    return this.#sent.size
  }

  /** What a split has to report of a push of this protocol whose shares go out in that one. */
  asks(protocol: Protocol, output: Protocol): SplitRules['families'] {
    const { route, intervalMs } = this.#policy
    if (protocol === '1.0') return route === 'learned' ? 'names' : 'none'
    return output === '1.0' && intervalMs > 0 ? 'metadata' : 'none'
  }

  /** `storeOf`: which store a tenant is at, by what tells it from all others; undefined where there is none for it. */
  route(
    by: { readonly metadataKey: string },
    split: SplitDone,
    storeOf: (tenant: TenantId) => string | undefined,
  ): Routed {
    const now = this.#options.now()
    const { route } = this.#policy
    const { entries, families } = split.reported
    const learns = route === 'all' || route === 'learned'
    if (!learns && families.length === 0) return { shares: split.shares, settle: undefined }
    const from = by.metadataKey
    const plan = new Plan(this.#rules.maxOutputBytes)
    let sender: MetadataSender | undefined
    if (learns && (split.shares.length > 0 || entries.length > 0)) {
      sender = this.#senders.seen(from, now)
      const news = this.#learn(sender, split, storeOf)
      for (const entry of entries) this.#place(entry, sender, plan, now)
      this.#release(sender, news, plan)
    }
    for (const { tenant, families: described } of families) {
      const place = `${storeOf(tenant)} ${tenant}`
      for (const family of described) {
        if (this.#sent.isDue(place, family, now)) plan.addFamily(tenant, family)
      }
    }
    if (plan.isEmpty) return { shares: split.shares, settle: undefined }

    const { shares, cargo } = this.#load(plan, split.shares, storeOf)
    return { shares, settle: deliveries => this.#settle(deliveries, cargo, from, sender, now) }
  }

  get gauges(): readonly Gauge[] {
    const policy = this.#policy
    return [
      {
        name: 'metadata_senders',
        help: 'Senders whose tenants and families are remembered.',
        read: () => this.senders,
        limit: { key: 'metadata.max_senders', read: () => policy.maxSenders },
      },
      {
        name: 'metadata_families',
        help: 'Families remembered, each once for each sender and tenant.',
        read: () => this.families,
        limit: {
          name: 'metadata_families_per_sender_limit',
          key: 'metadata.max_families',
          read: () => policy.maxFamilies,
        },
      },
      {
        name: 'metadata_waiting',
        help: 'Metadata entries that wait for a series of their family.',
        read: () => this.waiting,
        limit: { key: 'metadata.max_waiting', read: () => policy.maxWaiting },
      },
      {
        name: 'metadata_waiting_bytes',
        help: 'Bytes of these.',
        read: () => this.waitingBytes,
        limit: { key: 'metadata.max_waiting_bytes', read: () => policy.maxWaitingBytes },
      },
      {
        name: 'metadata_sent',
        help: 'Families of tenants known to have been sent to a store of 1.0 within metadata.interval.',
        read: () => this.sent,
        limit: { key: 'metadata.max_sent', read: () => policy.maxSent },
      },
    ]
  }

  /** Forgets what is too old. */
  sweep(): void {
    const now = this.#options.now()
    this.#senders.sweep(now)
    this.#sent.sweep(now)
  }

  /** Returns the names that were not known, each once for each of its tenants. */
  #learn(
    { families }: MetadataSender,
    { shares, reported }: SplitDone,
    storeOf: (tenant: TenantId) => string | undefined,
  ): readonly string[] {
    const { events } = this.#options
    const policy = this.#policy
    const seen =
      policy.route === 'learned'
        ? reported.names
        : shares.flatMap(({ tenant, series }) => (series > 0 ? [{ tenant, names: ANY_FAMILY }] : []))
    const news: string[] = []
    let isFull = false
    for (const { tenant, names } of seen) {
      if (storeOf(tenant) === undefined) continue
      for (const name of names) {
        const what = families.see(name, tenant)
        if (what === 'new') news.push(name)
        else if (what === 'full') isFull = true
      }
    }
    if (isFull) events.limited('metadata.max_families')
    return news
  }

  #tenantsOf(family: string, { families }: MetadataSender): ReadonlySet<TenantId> {
    return families.tenantsOf(this.#policy.route === 'learned' ? family : '')
  }

  #place(entry: MetadataEntry, sender: MetadataSender, plan: Plan, now: number): void {
    if (entry.family === '') {
      this.#options.events.dropped('name')
      return
    }
    // Before its tenants are looked for: a push may have a quarter of a million entries, and a sender many tenants.
    if (plan.isFull) {
      this.#options.events.dropped('full')
      return
    }
    const tenants = this.#tenantsOf(entry.family, sender)
    if (tenants.size === 0) {
      sender.waiting.add(entry, now)
      return
    }
    // Put back, and now there is a newer one.
    if (sender.waiting.take(entry.family) !== undefined) this.#room.dropped('replaced')
    for (const tenant of tenants) plan.addEntry(tenant, entry)
  }

  /** Waiting entries whose family is known by now. Never looks through all of them: their number is the sender's choice. */
  #release(sender: MetadataSender, news: readonly string[], plan: Plan): void {
    if (sender.waiting.size === 0) return
    const isLearned = this.#policy.route === 'learned'
    const awaited = isLearned
      ? news.flatMap(name => [name, familyBehind(name) ?? name])
      : news.length > 0
        ? sender.waiting.families()
        : []
    const kept: string[] = []
    for (const family of [...sender.returned, ...awaited]) {
      if (plan.isFull) {
        if (sender.waiting.has(family)) kept.push(family)
        continue
      }
      const tenants = this.#tenantsOf(family, sender)
      const entry = tenants.size > 0 ? sender.waiting.take(family) : undefined
      if (entry !== undefined) for (const tenant of tenants) plan.addWaited(tenant, entry)
    }
    sender.returned.clear()
    for (const family of kept) sender.returned.add(family)
  }

  /** Puts the metadata behind the other shares of its tenant. */
  #load(
    plan: Plan,
    shares: readonly SplitShare[],
    storeOf: (tenant: TenantId) => string | undefined,
  ): { shares: readonly SplitShare[]; cargo: ReadonlyMap<SplitShare, Cargo> } {
    const { compression, maxOutputBytes, haLabels } = this.#rules
    const noReplica = haLabels.map(() => '')
    const { compress } = this.#options
    const cargo = new Map<SplitShare, Cargo>()
    const made = new Map<TenantId, SplitShare>()
    const bodies = new Map<string, MetadataBody>()
    const replicas = new Map(shares.map(({ tenant, ha }) => [tenant, ha]))
    let left = maxOutputBytes
    let toCompress = MOST_COMPRESSED
    for (const [tenant, load] of plan.loads) {
      const store = storeOf(tenant)
      // Its series are refused, or a route led here when it was learned: nobody waits for it.
      if (store === undefined) continue
      // Tenants with the same families, which are most where one application has many tenants, share the bytes.
      const key = load.key.join()
      const body =
        bodies.get(key) ??
        bodyOf(load.records, toCompress > 0 && compression !== 'none' ? compress : undefined)
      if (!bodies.has(key)) toCompress -= body.decodedBytes
      bodies.set(key, body)
      left -= body.decodedBytes
      if (left < 0) {
        for (const _ of load.records) this.#options.events.dropped('full')
        continue
      }
      const share = shareOf(tenant, body, replicas.get(tenant) ?? noReplica)
      made.set(tenant, share)
      cargo.set(share, { place: `${store} ${tenant}`, waited: load.waited, families: load.families })
    }
    const ordered: SplitShare[] = []
    for (const [at, share] of shares.entries()) {
      ordered.push(share)
      const own = made.get(share.tenant)
      // A tenant's shares stand one behind the other.
      if (own === undefined || shares[at + 1]?.tenant === share.tenant) continue
      ordered.push(own)
      made.delete(share.tenant)
    }
    return { shares: [...ordered, ...made.values()], cargo }
  }

  /** Notes what was stored; what was not, and can't be had from the sender again, waits on. */
  #settle(
    deliveries: readonly Settled[],
    cargo: ReadonlyMap<SplitShare, Cargo>,
    from: string,
    sender: MetadataSender | undefined,
    sentAt: number,
  ): void {
    const open = new Map(cargo)
    for (const { share, verdict, remembered } of deliveries) {
      // What an earlier push of the same bytes brought need not have held the same entries; and what the store refuses,
      // whatever for, must not come back with every push.
      if (remembered || (verdict.kind !== 'delivered' && verdict.kind !== 'rejected')) continue
      const own = open.get(share)
      open.delete(share)
      if (verdict.kind !== 'delivered') continue
      if (own !== undefined) for (const family of own.families) this.#sent.note(own.place, family, sentAt)
    }
    const returned = new Set([...open.values()].flatMap(({ waited }) => waited))
    if (returned.size === 0 || sender === undefined) return
    if (!this.#senders.knows(from, sender)) {
      for (const _ of returned) this.#room.dropped('unknown')
      return
    }
    for (const entry of returned) {
      sender.waiting.putBack(entry)
      sender.returned.add(entry.family)
    }
  }
}

/** What goes to one tenant. */
interface Load {
  readonly records: Uint8Array[]
  /** Tells which records these are. */
  readonly key: number[]
  readonly waited: WaitingEntry[]
  readonly families: Family[]
}

/** What of a push's metadata goes where. */
class Plan {
  readonly loads: Map<TenantId, Load> = new Map()
  readonly #numbers: Map<object, number> = new Map()
  #leftBytes: number
  #leftPlaces = MOST_PLACED

  constructor(mostBytes: number) {
    this.#leftBytes = mostBytes
  }

  /** Whether no more entries find a place; those of the last one may have gone beyond. */
  get isFull(): boolean {
    return this.#leftBytes < 0 || this.#leftPlaces < 0
  }

  get isEmpty(): boolean {
    return this.loads.size === 0
  }

  addEntry(tenant: TenantId, entry: MetadataEntry): void {
    this.#add(tenant, entry, entry.record)
  }

  addWaited(tenant: TenantId, entry: WaitingEntry): void {
    this.#add(tenant, entry, entry.record).waited.push(entry)
  }

  addFamily(tenant: TenantId, family: Family): void {
    this.#add(tenant, family, recordOf(family)).families.push(family)
  }

  #add(tenant: TenantId, what: object, record: Uint8Array): Load {
    const load = this.loads.get(tenant) ?? { records: [], key: [], waited: [], families: [] }
    this.loads.set(tenant, load)
    this.#leftBytes -= record.length
    this.#leftPlaces--
    const number = this.#numbers.get(what) ?? this.#numbers.size
    this.#numbers.set(what, number)
    load.records.push(record)
    load.key.push(number)
    return load
  }
}
