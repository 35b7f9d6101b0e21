/** The loads that Sluice is measured by, and what is asked of it in each, relative to the peer in the same run. */
import { ratio, type Standing } from './contest.ts'
import type { Load } from './round.ts'

export interface Row {
  readonly load: Pick<Load, 'senders' | 'latencyMs' | 'tenants' | 'connections'>
  /** Least ratio of samples/s, or least samples/s where `absolute`. */
  readonly throughput: number
  readonly absolute?: true
  /** Least ratio of the peer's CPU per sample to ours. */
  readonly cpu?: number
  readonly maxRssMiB: number
}

const at = (senders: number, latencyMs: number, tenants: number, connections: number) => ({
  senders,
  latencyMs,
  tenants,
  connections,
})

export const ROWS: readonly Row[] = [
  { load: at(8, 0, 1, 64), throughput: 4, cpu: 5, maxRssMiB: 250 },
  { load: at(8, 0, 10, 64), throughput: 4.4, cpu: 6, maxRssMiB: 250 },
  { load: at(8, 0, 100, 64), throughput: 4.4, cpu: 6, maxRssMiB: 250 },
  { load: at(50, 20, 10, 512), throughput: 4, cpu: 7, maxRssMiB: 250 },
  { load: at(50, 20, 100, 512), throughput: 5, cpu: 8, maxRssMiB: 250 },
  { load: at(8, 0, 1_000, 256), throughput: 4, cpu: 5, maxRssMiB: 400 },
  { load: at(50, 20, 1_000, 512), throughput: 250_000, absolute: true, maxRssMiB: 400 },
]

/** One line of Markdown: each asked value beside the measured one, and a cross at what is missed. */
export function tableLine({ load, ...asked }: Row, us: Standing, them: Standing): string {
  const [ours, peer] = [us.median, them.median]
  const speedup = ratio(us, them, result => result.samplesPerSecond)
  const saving = ratio(them, us, result => result.cpuPerMillion)
  const missed = (ok: boolean) => (ok ? '' : ' ✗')
  const mebibytes = ours.peakRss / 1024 / 1024
  const cells = [
    `${load.senders}, ${load.latencyMs === 0 ? 'at once' : `${load.latencyMs} ms`}`,
    `${load.tenants}`,
    asked.absolute
      ? `≥ ${asked.throughput / 1_000} k/s: ${(ours.samplesPerSecond / 1_000).toFixed(0)} k/s${missed(ours.samplesPerSecond >= asked.throughput)}`
      : `≥ ${asked.throughput}×: ${speedup.toFixed(1)}×${missed(speedup >= asked.throughput)}`,
    asked.cpu === undefined
      ? number(saving, 1, '1/')
      : `≤ 1/${asked.cpu}: 1/${saving.toFixed(1)}${missed(saving >= asked.cpu)}`,
    `${number(ours.p99)} / ${number(peer.p99)} ms${missed(!(ours.p99 > peer.p99))}`,
    `≤ ${asked.maxRssMiB}: ${mebibytes.toFixed(0)} MiB${missed(mebibytes <= asked.maxRssMiB)}`,
    `${percent(ours.failed)}${missed(ours.failed === 0)} / ${percent(peer.failed)}`,
    `${(ours.samplesPerSecond / 1_000).toFixed(0)} k / ${(peer.samplesPerSecond / 1_000).toFixed(0)} k`,
  ]
  return `| ${cells.join(' | ')} |`
}

export const TABLE_HEAD = [
  '| senders, store answers in | tenants | samples/s vs peer | CPU per sample vs peer | p99 ours / peer | peak RSS | pushes failed ours / peer | samples/s ours / peer |',
  '|---|---|---|---|---|---|---|---|',
].join('\n')

/** NaN is a dash: nothing was measured. */
const number = (value: number, digits = 0, before = ''): string =>
  Number.isNaN(value) ? '–' : `${before}${value.toFixed(digits)}`

const percent = (part: number): string => `${number(part * 100, part > 0 && part < 0.01 ? 2 : 0)} %`
