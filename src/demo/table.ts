/** The demo's table: pure text from numbers, so that it can be drawn on a terminal and printed into a file alike. */
import type { SluiceCounts } from './counts.ts'
import type { TenantStats } from './memory.ts'
import type { SenderStats } from './sender.ts'

/** What everybody counted, at one moment. */
export interface Snapshot {
  /** Milliseconds, of a clock that never goes back. */
  readonly at: number
  /** What the store holds. */
  readonly stored: readonly TenantStats[]
  readonly sluice: SluiceCounts
  readonly sender: SenderStats
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
    if (last === undefined) return []
    const rows = tenants(last).map(tenant => row(tenant, this.#snapshots))
    const hidden = rows.length - Math.min(rows.length, maxRows)
    return [
      ...columns([HEADER, ...rows.slice(0, maxRows)]),
      ...(hidden > 0 ? [`… and ${hidden} more: see /api/v1/tenants of the store`] : []),
      '',
      ...footer(last),
    ]
  }
}

const HEADER = ['TENANT', 'SERIES', 'SAMPLES/S', 'REQUESTS/S', 'SAMPLES', 'ERRORS']

/** Those in the store, and those whose shares never got there. */
function tenants({ stored, sluice }: Snapshot): readonly string[] {
  return [...new Set([...stored.map(({ tenant }) => tenant), ...sluice.failedShares.keys()])].sort()
}

/** Series, samples and requests as the store counts them; errors are shares that Sluice could not deliver. */
function row(name: string, snapshots: readonly Snapshot[]): readonly string[] {
  const seen = snapshots.flatMap(({ at, stored }) =>
    stored.filter(({ tenant }) => tenant === name).map(stats => ({ at, ...stats })),
  )
  const first = seen[0]
  const last = seen.at(-1)
  const rate = (of: 'samples' | 'pushes') => {
    if (first === undefined || last === undefined || first === last) return '-'
    return (((last[of] - first[of]) * 1000) / (last.at - first.at)).toFixed(1)
  }
  return [
    name,
    count(last?.series ?? 0),
    rate('samples'),
    rate('pushes'),
    count(last?.samples ?? 0),
    count(snapshots.at(-1)?.sluice.failedShares.get(name) ?? 0),
  ]
}

function footer({ sender, sluice }: Snapshot): readonly string[] {
  const answers = [...sluice.answers].sort().map(([status, times]) => `${count(times)} × ${status}`)
  return [
    `Pushes answered by Sluice: ${answers.join(', ') || 'none yet'}`,
    ...(sluice.refusedSeries > 0
      ? [`Series refused, for want of a valid tenant: ${count(sluice.refusedSeries)}`]
      : []),
    ...(sender.lastError === '' ? [] : [`The embedded sender's last error: ${sender.lastError}`]),
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
