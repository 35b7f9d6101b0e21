/**
 * Decides whether a push may come in now. Bytes, not requests, are what ends a process, so both are counted: a push is
 * charged its compressed length before a byte of the body is read, what its split takes before that begins, and from then
 * on what it holds.
 */

import type { PressureLimit } from './pressure.ts'

export interface GateOptions {
  readonly maxPushes: number
  readonly maxBytes: number
  /** Names a limit of the process itself that is exceeded, or nothing; see pressure.ts. */
  readonly pressure?: () => PressureLimit | undefined
  /** Told of each refusal, for the metrics. */
  readonly refused?: (limit: GateRefusal['limit']) => void
}

/** A refusal is a value: which limit was met, by its key in the configuration. */
export interface GateRefusal {
  readonly admitted: false
  readonly limit: 'concurrency' | 'limits.max_in_flight_bytes' | PressureLimit
  readonly message: string
}

export class Gate {
  readonly #options: GateOptions
  #pushes = 0
  #bytes = 0

  constructor(options: GateOptions) {
    this.#options = options
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
    if (this.#pushes >= this.#options.maxPushes)
      return this.#full('concurrency', 'pushes', this.#options.maxPushes)
    if (this.#pushes > 0) {
      if (this.#bytes + bytes > this.#options.maxBytes)
        return this.#full('limits.max_in_flight_bytes', 'bytes', this.#options.maxBytes)
      const limit = this.#options.pressure?.()
      if (limit !== undefined) return this.#refuse(limit, `this process is overloaded: ${limit} is exceeded`)
    }
    this.#pushes++
    this.#bytes += bytes
    return new Permit(bytes, {
      resize: (from, to) => {
        const alone = this.#pushes === 1
        if (to > from && !alone && this.#bytes - from + to > this.#options.maxBytes)
          return this.#full('limits.max_in_flight_bytes', 'bytes', this.#options.maxBytes)
        this.#bytes += to - from
        return undefined
      },
      release: held => {
        this.#pushes--
        this.#bytes -= held
      },
    })
  }

  #full(limit: GateRefusal['limit'], unit: string, max: number): GateRefusal {
    return this.#refuse(limit, `too much in flight: ${limit} is ${max.toLocaleString('en-US')} ${unit}`)
  }

  #refuse(limit: GateRefusal['limit'], message: string): GateRefusal {
    this.#options.refused?.(limit)
    return { admitted: false, limit, message }
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
