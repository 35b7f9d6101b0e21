/**
 * What a split has to give, worked out from the decoded message alone. It shares no code with the engines and is not
 * written as they are: it knows strings and lists, and decides by the words of the contract.
 */
import type { Protocol, SplitRefusal, SplitRules } from '../../src/remote-write/split.ts'
import { decodeMessage, exemplarV1, recordsOf, type SeriesSeen, varintAt } from './decode.ts'

interface ExpectedShare {
  readonly tenant: string
  /** Series and metadata in the order of the push. */
  entries: (SeriesSeen | string)[]
  /** 2.0: the exemplars of it that no series of it can carry. */
  aside: SeriesSeen[]
  /** Values of the HA labels in the first series, byte by byte, but for those that are too long to be compared. */
  ha: string[]
  alone: boolean
  /** Whether it is so because of its replicas. */
  differ: boolean
}

export interface Expected {
  readonly shares: readonly ExpectedShare[]
  /** `reason`, `reason (dropped)` → how many entries. */
  readonly refused: Record<string, number>
  readonly options: string
  readonly disagreements: number
  readonly series: number
  readonly metadata: number
}

export function refusalKey({ reason, dropped }: Pick<SplitRefusal, 'reason' | 'dropped'>): string {
  return dropped ? `${reason} (dropped)` : reason
}

type Verdict = { readonly tenant: string; readonly remove?: number } | { readonly refused: string }

export function expectedSplit(protocol: Protocol, bytes: Uint8Array, rules: SplitRules): Expected {
  const message = decodeMessage(protocol, bytes)
  const shares: ExpectedShare[] = []
  const refused: Record<string, number> = {}
  /** References as they go out. */
  const keys = new Map<SeriesSeen, string>()
  let disagreements = 0

  function put(verdict: Verdict, into: (share: ExpectedShare, remove: number | undefined) => void): void {
    let reason = 'refused' in verdict ? verdict.refused : undefined
    if ('tenant' in verdict) {
      let share = shares.find(it => it.tenant === verdict.tenant)
      if (!share && shares.length < rules.maxTenants) {
        share = { tenant: verdict.tenant, entries: [], aside: [], ha: [], alone: false, differ: false }
        shares.push(share)
      }
      if (share) into(share, verdict.remove)
      else reason = 'too_many_tenants'
    }
    if (reason !== undefined) refused[reason] = (refused[reason] ?? 0) + 1
  }

  for (const entry of message.entries) {
    if (typeof entry === 'string') {
      if (rules.metadata !== 'default' || rules.defaultTenant === '') continue
      put(byDefault(rules), share => share.entries.push(entry))
    } else if (entry.hasBadReference) {
      put({ refused: 'bad_reference' }, () => {})
    } else {
      if (disagrees(entry, rules)) disagreements++
      put(verdictOf(entry, rules), (share, remove) => {
        const out = { ...entry, labels: entry.labels.filter((_, i) => i !== remove) }
        share.entries.push(out)
        keys.set(
          out,
          entry.refs
            .list()
            .filter((_, i) => i >> 1 !== remove)
            .join(' '),
        )
      })
    }
  }
  for (const share of shares) {
    const values = share.entries.filter(it => typeof it !== 'string').map(it => replica(it, rules))
    const first = values[0] ?? rules.haLabels.map(() => '')
    share.ha = first.map(value => (isLong(value) ? '' : value))
    share.differ =
      values.some(it => it.join('\n') !== first.join('\n')) || !first.every(isUtf8) || first.some(isLong)
    share.alone = message.options !== '' || share.differ
    if (protocol === '2.0') fold(share, keys)
  }
  const { length: metadata } = message.metadata
  return { shares, refused, options: message.options, disagreements, series: message.series.length, metadata }
}

function isLong(value: string): boolean {
  return value.length > 2048
}

/** Puts exemplars that came without samples and histograms where they can be stored. */
function fold(share: ExpectedShare, keys: ReadonlyMap<SeriesSeen, string>): void {
  const all = share.entries.filter(it => typeof it !== 'string')
  const isLone = (it: SeriesSeen) => it.exemplarCount > 0 && it.samples.length + it.histograms.length === 0
  const hosts = all.filter(it => it.samples.length + it.histograms.length > 0)
  const hostOf = (it: SeriesSeen) => hosts.find(host => keys.get(host) === keys.get(it))
  share.entries = all
    .filter(it => !isLone(it))
    .map(it => all.filter(other => isLone(other) && hostOf(other) === it).reduce(folded, it))
  share.aside = all.filter(it => isLone(it) && hostOf(it) === undefined)
}

function folded(host: SeriesSeen, lone: SeriesSeen): SeriesSeen {
  const created = host.unknown.split(' ').some(isCreated)
  const unknown = lone.unknown.split(' ').filter(field => !(created && isCreated(field)))
  return {
    ...host,
    exemplars: [...host.exemplars, ...lone.exemplars],
    exemplarCount: host.exemplarCount + lone.exemplarCount,
    metadata: host.metadata.length > 0 ? host.metadata : lone.metadata,
    unknown: [host.unknown, ...unknown].filter(Boolean).join(' '),
  }
}

function isCreated(field: string): boolean {
  return field !== '' && recordsOf(Buffer.from(field, 'hex'))[0]?.number === 6
}

/** What of a series of 2.0 is in the 1.0 message that goes aside; of that message, what there is to compare. */
export function spelledOut(protocol: Protocol, { labels, exemplars, unknown }: SeriesSeen): unknown {
  return {
    labels,
    exemplars: protocol === '2.0' ? exemplars : exemplars.map(it => exemplarV1(Buffer.from(it.rest, 'hex'))),
    unknown: unknown.split(' ').filter(field => field !== '' && !isCreated(field)),
  }
}

/**
 * What of a series of 2.0 can be said in 1.0: all but its histograms with custom buckets. Undefined where it had nothing
 * else.
 */
export function sayable(series: SeriesSeen): SeriesSeen | undefined {
  const histograms = series.histograms.filter(it => !hasCustomBuckets(it))
  const { samples, exemplarCount } = series
  const isLost = histograms.length < series.histograms.length
  return isLost && samples.length + histograms.length + exemplarCount === 0
    ? undefined
    : { ...series, histograms }
}

function hasCustomBuckets(histogram: string): boolean {
  const fields = recordsOf(Buffer.from(histogram, 'hex'))
  const schema = fields.findLast(({ number }) => number === 4)
  const isCustom = schema !== undefined && BigInt.asUintN(32, varintAt(schema.value, 0).value) === 105n
  return isCustom || fields.some(({ number }) => number === 16)
}

function verdictOf(series: SeriesSeen, rules: SplitRules): Verdict {
  const mine = rules.labels.map(latin1)
  const found = series.labels
    .map(([name, value], index) => ({ name, value, index }))
    .filter(it => mine.includes(it.name))
  const invalid = (reason: string): Verdict => {
    if (rules.invalid === 'default' && rules.defaultTenant !== '') return byDefault(rules)
    return { refused: rules.invalid === 'drop' ? `${reason} (dropped)` : reason }
  }
  if (new Set(found.map(it => it.name)).size < found.length) return invalid('repeated_tenant_label')
  const byConfig = mine
    .map(name => found.find(it => it.name === name && it.value !== ''))
    .find(it => it !== undefined)
  const winner = { config: byConfig, series_first: found[0], series_last: found[found.length - 1] }[
    rules.precedence
  ]
  if (!winner?.value) {
    if (rules.missing === 'default' && rules.defaultTenant !== '') return byDefault(rules)
    return { refused: rules.missing === 'drop' ? 'missing_tenant (dropped)' : 'missing_tenant' }
  }
  const tenant = normal(latin1(rules.prefix) + winner.value, rules)
  if (tenant === undefined) return invalid('invalid_tenant')
  return rules.strip ? { tenant, remove: winner.index } : { tenant }
}

function byDefault(rules: SplitRules): Verdict {
  const tenant = normal(latin1(rules.prefix + rules.defaultTenant), rules)
  if (tenant !== undefined) return { tenant }
  return { refused: rules.invalid === 'drop' ? 'invalid_tenant (dropped)' : 'invalid_tenant' }
}

function disagrees(series: SeriesSeen, rules: SplitRules): boolean {
  const mine = series.labels.filter(([name]) => rules.labels.map(latin1).includes(name))
  if (new Set(mine.map(([name]) => name)).size < mine.length) return false
  const values = mine.map(([, value]) => value).filter(value => value !== '')
  return new Set(values.map(value => `${value.length} ${value.slice(0, 150)}`)).size > 1
}

function replica(series: SeriesSeen, rules: SplitRules): string[] {
  return rules.haLabels.map(wanted => series.labels.findLast(([name]) => name === latin1(wanted))?.[1] ?? '')
}

function isUtf8(bytes: string): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))
    return true
  } catch {
    return false
  }
}

const FORMATS = {
  mimir: /^(?!\.{1,2}$|__mimir_cluster$|__markers__$|user-index\.json\.gz$)[a-zA-Z0-9!\-_.*'()]{1,150}$/,
  thanos: /^(?!\.{1,2}$)[!-.0-[\]-{}~]{1,150}$/,
  'thanos-path': /^(?!\.{1,2}$)(?!.*[%?#])[!-.0-[\]-{}~]{1,150}$/,
  victoriametrics: /^\d+(:\d+)?$/,
} as const

/** The tenant as its store knows it, or undefined. */
function normal(text: string, rules: SplitRules): string | undefined {
  if (text.length > 150 || !FORMATS[rules.format].test(text)) return undefined
  if (rules.format !== 'victoriametrics') return text
  const numbers = text.split(':').map(BigInt)
  if (numbers.some(number => number >= 2n ** 32n)) return undefined
  return numbers[1] ? numbers.join(':') : `${numbers[0]}`
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
