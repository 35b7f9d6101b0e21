/**
 * A second protocol, as small as one can be, so that what the rest knows of protocols is tried on more than one: lines of
 * JSON, each with a tenant and a text. A store gets the texts of one tenant, a line each, and says how many it wrote.
 *
 *     {"tenant": "a", "line": "hello"}
 */
import type { IncomingHttpHeaders } from 'node:http'
import { SluiceError } from '../../src/errors.ts'
import type { Gauge } from '../../src/gauge.ts'
import type {
  Carried,
  Codec,
  Courier,
  Dialect,
  Head,
  LaneSide,
  Parcel,
  Push,
  SplitOutcome,
  Trip,
} from '../../src/protocol.ts'
import type { Answer } from '../../src/share/answer.ts'
import type { Delivery } from '../../src/share/delivery.ts'
import type { Refusal } from '../../src/share/refusal.ts'
import type { Counts, Share } from '../../src/share/share.ts'
import { sumOf, type Verdict } from '../../src/share/verdict.ts'
import { parseTenantId, type TenantId } from '../../src/tenant.ts'

export interface ToyRules {
  readonly maxLines: number
}

export interface ToyHead extends Head {
  readonly protocol: 'lines'
}

export const TOY_CONTENT = 'text/plain'
export const LINES_WRITTEN = 'x-lines-written'

export class ToyCodec implements Codec<ToyRules, ToyHead> {
  readonly name = 'toy'
  readonly noun = 'lines'
  /** What was told of how shares came out: how many of each push were delivered. */
  readonly settled: number[] = []

  negotiate(headers: IncomingHttpHeaders): ToyHead | SluiceError {
    const type = headers['content-type']
    return type === TOY_CONTENT
      ? { protocol: 'lines' }
      : new SluiceError('unsupported_media_type', `${type} is not ${TOY_CONTENT}`)
  }

  async split(
    { body, prefix = '' }: Push<ToyHead>,
    { maxLines }: ToyRules,
    hold: (bytes: number) => void,
  ): Promise<SplitOutcome> {
    // The body, its text, and as much again in shares.
    hold(4 * body.length)
    const entries = linesOf(body).map(entryOf)
    if (entries.length > maxLines) throw new SluiceError('too_many_series', `${entries.length} lines`)
    const lines = new Map<TenantId, string[]>()
    const invalid: string[] = []
    for (const { tenant, line } of entries) {
      const id = parseTenantId(Buffer.from(prefix + tenant), 'mimir')
      if (id === undefined) {
        invalid.push(tenant)
        continue
      }
      const its = lines.get(id) ?? []
      lines.set(id, its)
      its.push(line)
    }
    const [example] = invalid
    const refusals: readonly Refusal[] =
      example === undefined
        ? []
        : [{ reason: 'invalid_tenant', dropped: false, entries: invalid.length, example }]
    return {
      body,
      shares: [...lines].map(([tenant, its]) => shareOf(tenant, its)),
      refusals,
      received: { lines: entries.length },
      scope: 'lines',
      release: () => {},
      settle: deliveries => {
        this.settled.push(deliveries.filter(({ verdict }) => verdict.kind === 'delivered').length)
      },
    }
  }

  countsOf(share: Share): Counts {
    return toyCounts(share)
  }

  respond(answer: Answer, deliveries: readonly Delivery[]): Answer {
    const written = sumOf(
      deliveries.map(({ share, verdict }) =>
        verdict.written === 'all' ? toyCounts(share) : verdict.written,
      ),
    )
    return { ...answer, headers: { [LINES_WRITTEN]: String(written.lines ?? 0) } }
  }
}

export class ToyDialect implements Dialect {
  readonly gauges: readonly Gauge[] = [
    { name: 'toy_requests', help: 'Requests with lines.', read: () => this.requests },
  ]
  requests = 0

  merges(one: Share, other: Share): boolean {
    return one.tenant === other.tenant
  }

  mergesCheaply(): boolean {
    return true
  }

  halve({ tenant, body }: Share): readonly [Share, Share] | undefined {
    const lines = linesOf(body)
    const middle = Math.ceil(lines.length / 2)
    if (middle === lines.length) return undefined
    return [shareOf(tenant, lines.slice(0, middle)), shareOf(tenant, lines.slice(middle))]
  }

  countsOf(share: Share): Counts {
    return toyCounts(share)
  }

  verdictFor(_share: Share, verdict: Verdict): Verdict {
    return verdict
  }

  courier(side: LaneSide): Courier {
    return {
      load: shares => {
        this.requests++
        return new ToyParcel(shares, side)
      },
    }
  }
}

class ToyParcel implements Parcel {
  readonly #shares: readonly Share[]
  readonly #side: LaneSide
  #body: Uint8Array | undefined

  constructor(shares: readonly Share[], side: LaneSide) {
    this.#shares = shares
    this.#side = side
    this.#body = Buffer.concat(shares.map(({ body }) => body))
  }

  async carry(trip: Trip): Promise<Carried> {
    if (this.#body === undefined) throw new Error('BUG: a parcel goes again that was released')
    const request = { content: CONTENT, body: this.#body }
    const { verdict, headers } = await this.#side.attempt(request, trip, this.#shares.length)
    const sent = this.#shares.reduce((sum, { entries }) => sum + entries, 0)
    const lines = Number(headers[LINES_WRITTEN] ?? sent)
    if (verdict.kind !== 'delivered' || lines === sent) return { verdict, unclear: false }
    return { verdict: { ...verdict, written: { lines } }, unclear: this.#shares.length > 1 }
  }

  release(): void {
    this.#body = undefined
  }
}

const CONTENT = ['content-type', TOY_CONTENT]

/** A push with these lines, each `tenant/text`. Returns fresh. */
export function toyPush(list: readonly string[]): Uint8Array<ArrayBuffer> {
  const entries = list.map(text => {
    const [tenant, line] = text.split('/')
    return JSON.stringify({ tenant, line })
  })
  return textOf(entries)
}

/** The lines in a body, in their order. */
export function linesOf(body: Uint8Array): readonly string[] {
  return Buffer.from(body)
    .toString()
    .split('\n')
    .filter(line => line !== '')
}

function entryOf(text: string): { readonly tenant: string; readonly line: string } {
  const value = parsed(text)
  if (typeof value === 'object' && value !== null && 'tenant' in value && 'line' in value) {
    const { tenant, line } = value
    if (typeof tenant === 'string' && typeof line === 'string') return { tenant, line }
  }
  throw new SluiceError('bad_request', 'a line is no JSON with tenant and line')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function shareOf(tenant: TenantId, lines: readonly string[]): Share {
  const body = textOf(lines)
  return {
    tenant,
    kind: 'lines',
    body,
    decodedBytes: body.length,
    alone: false,
    mergeKey: '',
    entries: lines.length,
  }
}

/** Each line with its end, so that no body is empty and joining is no more than that. Memory of its own. */
function textOf(lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(lines.map(line => `${line}\n`).join(''))
}

function toyCounts({ entries }: Share): Counts {
  return { lines: entries }
}
