/** The demo's table: pure text from numbers, so that it can be drawn on a terminal and printed into a file alike. */
import type { TenantStats } from './memory.ts'
import type { SenderStats } from './sender.ts'

/** What everybody counted, at one moment. */
export interface Snapshot {
  /** Milliseconds, of a clock that never goes back. */
  readonly at: number
  readonly tenants: readonly TenantStats[]
  readonly sender: SenderStats
  /** The total of each metric of Sluice's own registry that the table shows, by name. */
  readonly sluice: ReadonlyMap<string, number>
}

/** Rates are taken over so long, so that a sender that pushes once a second does not make them jump. */
const WINDOW_MS = 10_000

/** The snapshots of the last ten seconds. */
export class History {
  readonly #snapshots: Snapshot[] = []

  add(snapshot: Snapshot): void {
    this.#snapshots.push(snapshot)
    while ((this.#snapshots[1]?.at ?? snapshot.at) < snapshot.at - WINDOW_MS) this.#snapshots.shift()
  }

  /** At most `maxRows` tenants, and the sums of all under them. No line has a line break or an escape code in it. */
  lines(maxRows: number): readonly string[] {
    const last = this.#snapshots.at(-1)
    const first = this.#snapshots[0]
    if (last === undefined || first === undefined) return []
    const rows = last.tenants.map(tenant => row(tenant, first, last))
    const hidden = rows.length - Math.min(rows.length, maxRows)
    return [
      ...columns([HEADER, ...rows.slice(0, maxRows)]),
      ...(hidden > 0 ? [`… and ${hidden} more: see /api/v1/tenants of the store`] : []),
      ...footer(last),
    ]
  }
}

const HEADER = ['TENANT', 'SERIES', 'SAMPLES/S', 'REQUESTS/S', 'SAMPLES', 'ERRORS']

function row(tenant: TenantStats, first: Snapshot, last: Snapshot): readonly string[] {
  // A tenant that is new in this window started at nothing.
  const before = first.tenants.find(known => known.tenant === tenant.tenant) ?? { samples: 0, pushes: 0 }
  const seconds = (last.at - first.at) / 1000
  const rate = (now: number, then: number) => (seconds > 0 ? ((now - then) / seconds).toFixed(1) : '-')
  return [
    tenant.tenant,
    count(tenant.series),
    rate(tenant.samples, before.samples),
    rate(tenant.pushes, before.pushes),
    count(tenant.samples),
    count(tenant.refused),
  ]
}

function footer({ sender, sluice }: Snapshot): readonly string[] {
  const failures = sender.retried + sender.dropped
  return [
    `sender: ${count(sender.delivered)} pushes delivered, ${count(sender.retried)} retries, ${count(sender.dropped)} given up`,
    ...[...sluice].map(([name, total]) => `${name} ${count(total)}`),
    ...(failures > 0 ? [`last error: ${sender.lastError}`] : []),
  ]
}

const count = (value: number): string => value.toLocaleString('en-US')

/** The first column stands left, the others right. */
function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = HEADER.map((_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)))
  return rows.map(row =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   '),
  )
}
