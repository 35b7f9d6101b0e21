/**
 * Decides whether a push may come in now. Bytes, not requests, are what ends a process, so both are counted: a push is
 * charged its compressed length before a byte of the body is read, and what the decoded message claims before it is decoded.
 */

export interface GateLimits {
  readonly maxPushes: number
  readonly maxBytes: number
}

/** A refusal is a value: which limit was met, by its key in the configuration. */
export interface GateRefusal {
  readonly admitted: false
  readonly limit: 'concurrency' | 'limits.max_in_flight_bytes'
  readonly message: string
}

export class Gate {
  readonly #limits: GateLimits
  #pushes = 0
  #bytes = 0

  constructor(limits: GateLimits) {
    this.#limits = limits
  }

  get pushes(): number {
    return this.#pushes
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes one place and `bytes`. One push is always admitted when nothing is in flight: otherwise a push larger than the
   * whole budget would be refused for ever, and its sender would never get past it.
   */
  admit(bytes: number): Permit | GateRefusal {
    if (this.#pushes >= this.#limits.maxPushes)
      return this.#refuse('concurrency', 'pushes', this.#limits.maxPushes)
    if (this.#pushes > 0 && this.#bytes + bytes > this.#limits.maxBytes) return this.#full()
    this.#pushes++
    this.#bytes += bytes
    return new Permit(bytes, {
      resize: (from, to) => {
        const alone = this.#pushes === 1
        if (to > from && !alone && this.#bytes - from + to > this.#limits.maxBytes) return this.#full()
        this.#bytes += to - from
        return undefined
      },
      release: held => {
        this.#pushes--
        this.#bytes -= held
      },
    })
  }

  #full(): GateRefusal {
    return this.#refuse('limits.max_in_flight_bytes', 'bytes', this.#limits.maxBytes)
  }

  #refuse(limit: GateRefusal['limit'], unit: string, max: number): GateRefusal {
    const amount = max.toLocaleString('en-US')
    return { admitted: false, limit, message: `too much in flight: ${limit} is ${amount} ${unit}` }
  }
}

interface Account {
  resize(from: number, to: number): GateRefusal | undefined
  release(held: number): void
}

/** A place in flight. Whoever took it releases it, in `finally`; a second release is a bug. */
export class Permit {
  readonly admitted = true
  readonly #account: Account
  #bytes: number
  #released = false

  constructor(bytes: number, account: Account) {
    this.#bytes = bytes
    this.#account = account
  }

  /** Holds `bytes` from now on instead of what it held; a refusal leaves it as it was. */
  resize(bytes: number): GateRefusal | undefined {
    const refusal = this.#account.resize(this.#bytes, bytes)
    if (refusal === undefined) this.#bytes = bytes
    return refusal
  }

  release(): void {
    if (this.#released) throw new Error('BUG: a permit is released twice')
    this.#released = true
    this.#account.release(this.#bytes)
  }
}
