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
    const first = this.#snapshots[0]
    if (last === undefined || first === undefined) return []
    const rows = tenants(last).map(tenant => row(tenant, first, last))
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

const NOTHING = { series: 0, samples: 0, pushes: 0 }

/** Series, samples and requests as the store counts them; errors are shares that Sluice could not deliver. */
function row(name: string, first: Snapshot, last: Snapshot): readonly string[] {
  const of = ({ stored }: Snapshot) => stored.find(({ tenant }) => tenant === name) ?? NOTHING
  const before = of(first)
  const now = of(last)
  const seconds = (last.at - first.at) / 1000
  const rate = (more: number) => (seconds > 0 ? (more / seconds).toFixed(1) : '-')
  return [
    name,
    count(now.series),
    rate(now.samples - before.samples),
    rate(now.pushes - before.pushes),
    count(now.samples),
    count(last.sluice.failedShares.get(name) ?? 0),
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
