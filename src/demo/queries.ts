/**
 * The read side of the embedded store: the small part of the Prometheus HTTP API that shows what arrived. Shapes are
 * those of https://prometheus.io/docs/prometheus/latest/querying/api/.
 */
import type { Labels, StoredSeries } from './memory.ts'
import { isStale, numberOf } from './samples.ts'
import { parseSelector, type Selector } from './selector.ts'
import { formatValue } from './value.ts'

/** A sample older than this is not in an instant query. Source: Prometheus, `--query.lookback-delta`. */
const LOOKBACK_MS = 5 * 60_000
/** The longest that a query may hold the event loop, which Sluice itself runs on. */
const MAX_QUERY_MS = 500

/** Becomes Prometheus' error answer. */
export class QueryError extends Error {
  readonly status: number
  readonly type: 'bad_data' | 'timeout'

  constructor(message: string, status = 400, type: 'bad_data' | 'timeout' = 'bad_data') {
    super(message)
    this.status = status
    this.type = type
  }
}

interface VectorSample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [seconds: number, value: string]
}

interface Vector {
  readonly resultType: 'vector'
  readonly result: readonly VectorSample[]
}

/** Instant query: `query`, and `time` or now. */
export function instantQuery(series: Iterable<StoredSeries>, params: URLSearchParams, now: number): Vector {
  const query = params.get('query')
  if (query === null) throw new QueryError('invalid parameter "query": missing')
  const time = readTime(params, 'time') ?? now
  const result: VectorSample[] = []
  for (const { labels, samples } of select(series, [selectorOf('query', query)])) {
    const sample = samples.before(time)
    if (sample === undefined || sample.time <= time - LOOKBACK_MS || isStale(sample)) continue
    result.push({ metric: Object.fromEntries(labels), value: [time / 1000, formatValue(numberOf(sample))] })
  }
  return { resultType: 'vector', result }
}

/** `match[]` (at least one), and `start` and `end`. */
export function findSeries(
  series: Iterable<StoredSeries>,
  params: URLSearchParams,
): readonly Record<string, string>[] {
  if (!params.has('match[]')) throw new QueryError('no match[] parameter provided')
  return matching(series, params).map(labels => Object.fromEntries(labels))
}

export function labelNames(series: Iterable<StoredSeries>, params: URLSearchParams): readonly string[] {
  return sorted(matching(series, params).flatMap(labels => labels.map(([name]) => name)))
}

export function labelValues(
  series: Iterable<StoredSeries>,
  name: string,
  params: URLSearchParams,
): readonly string[] {
  return sorted(
    matching(series, params).flatMap(labels =>
      labels.filter(label => label[0] === name).map(([, value]) => value),
    ),
  )
}

function sorted(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort()
}

/** The series that one of `match[]` selects, if there are any, and that have a sample held between `start` and `end`. */
function matching(series: Iterable<StoredSeries>, params: URLSearchParams): readonly Labels[] {
  const selectors = params.getAll('match[]').map(text => selectorOf('match[]', text))
  const start = readTime(params, 'start') ?? Number.NEGATIVE_INFINITY
  const end = readTime(params, 'end') ?? Number.POSITIVE_INFINITY
  const found: Labels[] = []
  for (const { labels, samples } of select(series, selectors)) {
    if ((samples.newest?.time ?? Number.NEGATIVE_INFINITY) < start) continue
    if ((samples.oldest?.time ?? Number.POSITIVE_INFINITY) > end) continue
    found.push(labels)
  }
  return found
}

function* select(series: Iterable<StoredSeries>, selectors: readonly Selector[]): Generator<StoredSeries> {
  const deadline = performance.now() + MAX_QUERY_MS
  for (const candidate of series) {
    if (selectors.length === 0 || selectors.some(selects => selects(candidate.labels))) yield candidate
    if (performance.now() > deadline) {
      throw new QueryError(`query took longer than ${MAX_QUERY_MS} ms`, 503, 'timeout')
    }
  }
}

function selectorOf(parameter: string, text: string): Selector {
  const parsed = parseSelector(text)
  if (!parsed.ok) throw new QueryError(`invalid parameter "${parameter}": ${parsed.error}`)
  return parsed.selector
}

/** Unix seconds or RFC 3339; returns milliseconds. */
function readTime(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name)
  if (text === null || text === '') return undefined
  const time = /^-?\d+(\.\d+)?$/.test(text)
    ? Math.round(Number(text) * 1000)
    : RFC3339.test(text)
      ? Date.parse(text)
      : Number.NaN
  if (!Number.isFinite(time)) {
    throw new QueryError(
      `invalid parameter "${name}": cannot parse ${JSON.stringify(text.slice(0, 64))} to a valid timestamp`,
    )
  }
  return time
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
