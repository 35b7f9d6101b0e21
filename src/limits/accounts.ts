/**
 * Decides whether a push may come in now. Bytes, not requests, are what ends a process, so both are counted: a push is
 * charged its compressed length before a byte of the body is read, what its split takes before that begins, and from then
 * on what it holds.
 *
 * Accounts form a tree, and what is charged to one is charged to all above it: the process, the principals in it.
 */
import type { PressureLimit } from './pressure.ts'

/** Numbers of the configuration; they may change while pushes are in flight. */
export interface AccountLimits {
  readonly maxPushes: number
  readonly maxBytes: number
}

export interface AccountOptions extends AccountLimits {
  /** Names a limit of the process itself that is exceeded, or nothing; see pressure.ts. */
  readonly pressure?: () => PressureLimit | undefined
  /** Told of each refusal, for the metrics. */
  readonly refused?: (limit: AccountRefusal['limit']) => void
}

/** A refusal is a value: which limit was met, by its key in the configuration. */
export interface AccountRefusal {
  readonly admitted: false
  readonly limit: 'concurrency' | 'limits.max_in_flight_bytes' | PressureLimit
  readonly message: string
}

export class Account {
  readonly #pressure: () => PressureLimit | undefined
  readonly #refused: (limit: AccountRefusal['limit']) => void
  readonly #parent: Account | undefined
  readonly #children: Map<string, Account> = new Map()
  #limits: AccountLimits
  #pushes = 0
  #bytes = 0

  constructor({ pressure = nothing, refused = nothing, ...limits }: AccountOptions, parent?: Account) {
    this.#limits = limits
    this.#pressure = pressure
    this.#refused = refused
    this.#parent = parent
  }

  get pushes(): number {
    return this.#pushes
  }

  get bytes(): number {
    return this.#bytes
  }

  get limits(): AccountLimits {
    return this.#limits
  }

  /** Other numbers, from the next push on. */
  limit(limits: AccountLimits): void {
    this.#limits = limits
  }

  /** The account of that name below this one, which has no limits of its own. There are as many as the configuration names. */
  child(name: string): Account {
    let child = this.#children.get(name)
    if (child === undefined) {
      child = new Account({ maxPushes: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }, this)
      this.#children.set(name, child)
    }
    return child
  }

  /**
   * Takes one place and `bytes`. One push is always admitted when nothing is in flight: otherwise a push larger than the
   * whole budget would be refused for ever, and its sender would never get past it.
   */
  admit(bytes: number): Permit | AccountRefusal {
    for (let account: Account | undefined = this; account !== undefined; account = account.#parent) {
      const refusal = account.#refusal(bytes)
      if (refusal !== undefined) return refusal
    }
    this.#add(1, bytes)
    return new Permit(bytes, {
      resize: (from, to) => {
        const refusal = to > from ? this.#noRoom(to - from) : undefined
        if (refusal === undefined) this.#add(0, to - from)
        return refusal
      },
      release: held => this.#add(-1, -held),
    })
  }

  #refusal(bytes: number): AccountRefusal | undefined {
    const { maxPushes, maxBytes } = this.#limits
    if (this.#pushes >= maxPushes) return this.#full('concurrency', 'pushes', maxPushes)
    if (this.#pushes === 0) return undefined
    if (this.#bytes + bytes > maxBytes) return this.#full('limits.max_in_flight_bytes', 'bytes', maxBytes)
    const limit = this.#pressure()
    return limit && this.#refuse(limit, `this process is overloaded: ${limit} is exceeded`)
  }

  /** For a push that is in already. */
  #noRoom(more: number): AccountRefusal | undefined {
    const { maxBytes } = this.#limits
    if (this.#pushes > 1 && this.#bytes + more > maxBytes) {
      return this.#full('limits.max_in_flight_bytes', 'bytes', maxBytes)
    }
    const parent = this.#parent
    return parent === undefined ? undefined : parent.#noRoom(more)
  }

  #add(pushes: number, bytes: number): void {
    this.#pushes += pushes
    this.#bytes += bytes
    const parent = this.#parent
    if (parent !== undefined) parent.#add(pushes, bytes)
  }

  #full(limit: AccountRefusal['limit'], unit: string, max: number): AccountRefusal {
    return this.#refuse(limit, `too much in flight: ${limit} is ${max.toLocaleString('en-US')} ${unit}`)
  }

  #refuse(limit: AccountRefusal['limit'], message: string): AccountRefusal {
    this.#refused(limit)
    return { admitted: false, limit, message }
  }
}

const nothing = (): undefined => undefined

interface Charge {
  resize(from: number, to: number): AccountRefusal | undefined
  release(held: number): void
}

/** A place in flight. Whoever took it releases it, in `finally`; a second release is a bug. */
export class Permit {
  readonly admitted = true
  readonly #charge: Charge
  #bytes: number
  #released = false

  constructor(bytes: number, charge: Charge) {
    this.#charge = charge
    this.#bytes = bytes
  }

  /** Holds `bytes` from now on instead of what it held; a refusal leaves it as it was. */
  resize(bytes: number): AccountRefusal | undefined {
    const refusal = this.#charge.resize(this.#bytes, bytes)
    if (refusal === undefined) this.#bytes = bytes
    return refusal
  }

  release(): void {
    if (this.#released) throw new Error('BUG: a permit is released twice')
    this.#released = true
    this.#charge.release(this.#bytes)
  }
}
