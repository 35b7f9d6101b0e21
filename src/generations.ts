/**
 * All that follows from one configuration: made whole, swapped whole. A push takes a lease of the one in force when its
 * head has arrived and keeps it to its end, so it never sees two. When the last lease of an old one is back, what nobody
 * else holds is given up.
 */
import type { IngressPolicy, Lease } from './ingress/routes.ts'

export interface Generation<U> {
  readonly ingress: IngressPolicy
  /** Held by it, and maybe by others before and after it. */
  readonly upstreams: readonly U[]
}

class Held<U> implements Lease {
  readonly generation: Generation<U>
  readonly #ended: (held: Held<U>) => void
  #leases = 0
  #replaced = false

  constructor(generation: Generation<U>, ended: (held: Held<U>) => void) {
    this.generation = generation
    this.#ended = ended
  }

  get ingress(): IngressPolicy {
    return this.generation.ingress
  }

  take(): this {
    this.#leases++
    return this
  }

  release(): void {
    this.#leases--
    this.#look()
  }

  replace(): void {
    this.#replaced = true
    this.#look()
  }

  #look(): void {
    if (this.#replaced && this.#leases === 0) this.#ended(this)
  }
}

export class Generations<U> {
  readonly #retire: (upstream: U) => void
  /** The current one, and those before it that pushes still hold. */
  readonly #live: Set<Held<U>> = new Set()
  #current: Held<U>

  /** `retire` is told of each upstream, once, when no generation holds it any more. */
  constructor(first: Generation<U>, retire: (upstream: U) => void) {
    this.#retire = retire
    this.#current = this.#hold(first)
  }

  /** Those that some generation holds. */
  get upstreams(): ReadonlySet<U> {
    return new Set([...this.#live].flatMap(({ generation }) => generation.upstreams))
  }

  readonly take = (): Lease => this.#current.take()

  /** From now on this one is leased. */
  replace(next: Generation<U>): void {
    const before = this.#current
    this.#current = this.#hold(next)
    before.replace()
  }

  #hold(generation: Generation<U>): Held<U> {
    const held = new Held(generation, ended => this.#end(ended))
    this.#live.add(held)
    return held
  }

  #end(held: Held<U>): void {
    this.#live.delete(held)
    const { upstreams } = this
    for (const upstream of held.generation.upstreams) if (!upstreams.has(upstream)) this.#retire(upstream)
  }
}
