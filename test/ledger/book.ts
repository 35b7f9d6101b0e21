/**
 * What the ledger's senders send, and for each sample value who it is. Every value is unique and says by itself which
 * sender, push and series it belongs to, so that nothing needs to be remembered about a sample to judge it.
 */
import { crc32 } from 'node:zlib'
import { nodeExporterScrape } from '../support/exposition.ts'
import type { Labels, Series } from '../support/remote-write.ts'

export interface BookOptions {
  readonly senders: number
  readonly tenants: number
  /** Series in each push; at most `MAX_SERIES`. */
  readonly series: number
}

/** Whose a value is. */
export interface Origin {
  readonly sender: number
  /** From 0 in each sender. */
  readonly push: number
  /** Of the series in its sender. */
  readonly index: number
}

const MAX_SERIES = 4_096
const MAX_PUSHES = 2 ** 24
const TENANT_LABEL = 'tenant'
const STEP_MS = 1_000
const START_MS = Date.UTC(2026, 0, 1)
/** Senders differ in how many tenants they have in a push, as scraping Prometheus servers do. */
const SPREADS = [1, 3, 10, Number.POSITIVE_INFINITY]

export class Book {
  readonly options: BookOptions
  readonly #labels: readonly (readonly Labels[])[]
  readonly #hashes: readonly Uint32Array[]

  constructor(options: BookOptions) {
    if (options.series > MAX_SERIES) throw new Error(`series: at most ${MAX_SERIES}`)
    this.options = options
    const scrape = nodeExporterScrape()
    this.#labels = Array.from({ length: options.senders }, (_, sender) =>
      Array.from({ length: options.series }, (_, index): Labels => {
        const { name, labels } = scrape[index % scrape.length]!
        const own: Labels = [
          ['__name__', name],
          ...labels,
          ...haLabels(sender),
          ['instance', `sender-${sender}`],
          ['shard', `${Math.floor(index / scrape.length)}`],
          [TENANT_LABEL, this.tenant({ sender, index })],
        ]
        return own.toSorted(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0))
      }),
    )
    this.#hashes = this.#labels.map(series =>
      Uint32Array.from(series, labels => hashLabels(stripped(labels))),
    )
  }

  tenant({ sender, index }: Omit<Origin, 'push'>): string {
    const { tenants } = this.options
    const spread = Math.min(tenants, SPREADS[sender % SPREADS.length]!)
    return `tenant-${(sender + (index % spread)) % tenants}`
  }

  /** The HA replica that a sender's series name; empty where they name none. A store judges a whole request by one of these. */
  replica(sender: number): string {
    return haLabels(sender)
      .map(([, value]) => value)
      .join('/')
  }

  push(sender: number, push: number): Series[] {
    return this.#labels[sender]!.map((labels, index) => ({
      labels,
      value: (sender * MAX_PUSHES + push) * MAX_SERIES + index + 1,
      timestamp: timestampOf(push),
    }))
  }

  /** Undefined where no sender can have sent it. */
  origin(value: number): Origin | undefined {
    const n = value - 1
    const index = n % MAX_SERIES
    const push = Math.floor(n / MAX_SERIES) % MAX_PUSHES
    const sender = Math.floor(n / MAX_SERIES / MAX_PUSHES)
    const { senders, series } = this.options
    return Number.isSafeInteger(n) && n >= 0 && sender < senders && index < series
      ? { sender, push, index }
      : undefined
  }

  /** Whether a sample came through as it was sent, but for the tenant label. */
  intact(origin: Origin, labelsHash: number, timestamp: number): boolean {
    return this.#hashes[origin.sender]![origin.index] === labelsHash && timestampOf(origin.push) === timestamp
  }
}

/** Names, values and their order. */
export const hashLabels = (labels: Labels): number =>
  crc32(labels.map(([name, value]) => `${name}\0${value}\0`).join(''))

const stripped = (labels: Labels): Labels => labels.filter(([name]) => name !== TENANT_LABEL)

const timestampOf = (push: number): number => START_MS + push * STEP_MS

/** Two of three senders are the replicas of one HA pair: the same series but for `__replica__`. */
function haLabels(sender: number): Labels {
  if (sender % 3 === 0) return []
  return [
    ['__replica__', sender % 3 === 1 ? 'a' : 'b'],
    ['cluster', 'pair'],
  ]
}
