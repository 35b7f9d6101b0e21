/**
 * Which fault each request to the store gets: phases of a few seconds, each with troubles of its own, chosen by a seed,
 * so that a run can be repeated (as far as sockets allow).
 */
import type { Fault, ProxiedRequest } from '../support/fault-proxy.ts'

/** Decides for one request; undefined leaves it alone. */
type Trouble = (request: ProxiedRequest) => Fault | undefined

interface Phase {
  readonly name: string
  readonly trouble: Trouble
}

export class Chaos {
  readonly #random: () => number
  readonly #phaseMs: number
  readonly #phases: readonly Phase[]
  #phase: Phase = CALM
  #until = 0
  /** How many requests got which fault. */
  readonly counts: Record<string, number> = {}
  /** Names of the phases so far. */
  readonly history: string[] = []

  /** `losing` adds the 429 and 400 bursts, after which a sender drops its data. */
  constructor(options: { random: () => number; tenants: number; phaseMs: number; losing: boolean }) {
    this.#random = options.random
    this.#phaseMs = options.phaseMs
    this.#phases = phases(options.random, options.tenants, options.losing)
  }

  decide(request: ProxiedRequest, now = Date.now()): Fault {
    if (now > this.#until) this.#next(now)
    const fault = this.#phase.trouble(request) ?? PASS
    this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1
    return fault
  }

  #next(now: number): void {
    // A calm phase between any two, so that the senders get on and the next trouble finds them at work.
    this.#phase = this.#phase === CALM ? pick(this.#phases, this.#random) : CALM
    this.#until = now + this.#phaseMs * (this.#phase === CALM ? 0.5 : 0.5 + this.#random())
    this.history.push(this.#phase.name)
  }
}

/** A small seeded generator (mulberry32): the same seed gives the same numbers. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const PASS: Fault = { kind: 'pass' }
const CALM: Phase = { name: 'calm', trouble: () => undefined }

function phases(random: () => number, tenants: number, losing: boolean): readonly Phase[] {
  const some =
    (part: number, fault: () => Fault): Trouble =>
    () =>
      random() < part ? fault() : undefined
  const upTo = (most: number) => Math.floor(random() * most)
  const truncate = (): Fault => ({ kind: 'truncate', afterBytes: upTo(60) })
  const reset = (): Fault => ({ kind: 'reset', afterBytes: upTo(20_000) })
  const unavailable: Fault = { kind: 'answer', status: 503, retryAfter: '1', body: 'try later' }
  const hung = `tenant-${upTo(tenants)}`
  const down = `tenant-${upTo(tenants)}`
  const of =
    (tenant: string, fault: Fault): Trouble =>
    request =>
      request.header('x-scope-orgid') === tenant ? fault : undefined

  const all: Phase[] = [
    { name: 'latency', trouble: some(1, () => ({ kind: 'delay', ms: 100, jitterMs: 100 })) },
    { name: 'resets', trouble: some(0.2, reset) },
    { name: 'lost answers', trouble: some(0.2, () => ({ kind: 'lose-answer' })) },
    { name: 'truncated answers', trouble: some(0.2, truncate) },
    { name: 'answer then close', trouble: some(0.5, () => ({ kind: 'answer-then-close' })) },
    { name: 'black hole', trouble: some(0.05, () => ({ kind: 'black-hole' })) },
    { name: 'half-open', trouble: some(0.05, () => ({ kind: 'half-open' })) },
    { name: 'slow reader', trouble: some(0.3, () => ({ kind: 'slow-reader', bytesPerSecond: 20_000 })) },
    { name: '503 burst', trouble: () => unavailable },
    { name: '500 now and then', trouble: some(0.1, () => ({ kind: 'answer', status: 500, body: 'oops' })) },
    { name: 'one tenant down', trouble: of(down, unavailable) },
    { name: 'one tenant hangs', trouble: of(hung, { kind: 'black-hole' }) },
    {
      name: 'everything a little',
      trouble: () => {
        const dice = random()
        if (dice < 0.02) return reset()
        if (dice < 0.04) return { kind: 'lose-answer' }
        if (dice < 0.06) return truncate()
        if (dice < 0.08) return unavailable
        if (dice < 0.1) return { kind: 'answer-then-close' }
        return dice < 0.5 ? { kind: 'delay', ms: 20, jitterMs: 20 } : undefined
      },
    },
  ]
  if (losing)
    all.push(
      {
        name: '429 burst',
        trouble: some(0.3, () => ({ kind: 'answer', status: 429, retryAfter: '3', body: 'slow down' })),
      },
      {
        name: '400 now and then',
        trouble: some(0.05, () => ({ kind: 'answer', status: 400, body: 'bad sample' })),
      },
    )
  return all
}

const pick = <T>(from: readonly T[], random: () => number): T => from[Math.floor(random() * from.length)]!
