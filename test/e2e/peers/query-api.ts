/** The query side of Prometheus, Cortex and VictoriaMetrics: they share one HTTP interface. */

export type Labels = Readonly<Record<string, string>>

/** A native histogram as the query interface shows it: numbers as text, buckets as `[boundaries, from, to, count]`. */
interface ShownHistogram {
  readonly count: string
  readonly sum: string
  readonly buckets?: readonly (readonly [number, string, string, string])[]
}

/** One series of an instant or range vector, as the store answers it. */
interface Answered {
  readonly metric: Labels
  readonly value?: readonly [number, string]
  readonly histogram?: readonly [number, ShownHistogram]
  readonly values?: readonly (readonly [number, string])[]
  readonly histograms?: readonly (readonly [number, ShownHistogram])[]
}

export interface QueryApi {
  /** Up to and without `/api/v1`. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Instant or range vector at one instant: one text per series (see `identity`) to what it holds there. */
export async function vector(api: QueryApi, query: string, at: number): Promise<Map<string, string>> {
  const answer = await get<{ readonly result: readonly Answered[] }>(api, 'query', [
    ['query', query],
    ['time', String(at)],
  ])
  return new Map(
    answer.result.map(({ metric, ...held }) => [identity(metric), JSON.stringify(held, respell)]),
  )
}

/** The same of when each series has samples, in milliseconds and in order; several stores together where there are several. */
export async function times(
  apis: readonly QueryApi[],
  selector: string,
  at: number,
): Promise<Map<string, string>> {
  const all = new Map<string, number[]>()
  for (const api of apis) {
    const answer = await get<{ readonly result: readonly Answered[] }>(api, 'query', [
      ['query', selector],
      ['time', String(at)],
    ])
    for (const { metric, values = [], histograms = [] } of answer.result) {
      const known = all.get(identity(metric)) ?? []
      all.set(identity(metric), known)
      for (const [seconds] of [...values, ...histograms]) known.push(Math.round(seconds * 1000))
    }
  }
  return new Map([...all].map(([name, its]) => [name, its.sort((a, b) => a - b).join()]))
}

/** What differs between the two, a line each and at most five: the first thing that a reader of a failed test needs. */
export function differences(
  sent: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): string[] {
  const lines: string[] = []
  for (const [name, held] of sent) {
    const other = stored.get(name)
    if (other !== held) lines.push(`${name}: sent ${held}, stored ${other ?? 'nothing'}`)
  }
  for (const name of stored.keys()) {
    if (!sent.has(name)) lines.push(`${name}: stored, and never sent`)
  }
  return lines.slice(0, 5).map(line => line.slice(0, 1000))
}

/** The number that an aggregation like `count(…)` gives; 0 where there is nothing to count. */
export async function scalar(api: QueryApi, query: string, at: number): Promise<number> {
  const answer = await get<{ readonly result: readonly Answered[] }>(api, 'query', [
    ['query', query],
    ['time', String(at)],
  ])
  return Number(answer.result[0]?.value?.[1] ?? 0)
}

/** Label sets of all series that `match` selects, sorted. */
export async function series(api: QueryApi, match: string, from: number, to: number): Promise<string[]> {
  const found = await get<readonly Labels[]>(api, 'series', [
    ['match[]', match],
    ['start', String(from)],
    ['end', String(to)],
  ])
  return found.map(identity).sort()
}

export async function exemplars(api: QueryApi, query: string, from: number, to: number): Promise<string[]> {
  const found = await get<
    readonly { readonly seriesLabels: Labels; readonly exemplars: readonly unknown[] }[]
  >(api, 'query_exemplars', [
    ['query', query],
    ['start', String(from)],
    ['end', String(to)],
  ])
  return found
    .flatMap(one => one.exemplars.map(each => `${identity(one.seriesLabels)} ${JSON.stringify(each)}`))
    .sort()
}

/** The names of all series that `selector` selects at that instant. */
export async function metricNames(api: QueryApi, selector: string, at: number): Promise<Set<string>> {
  const found = await vector(api, `group by (__name__) (${selector})`, at)
  return new Set([...found.keys()].map(labels => (JSON.parse(labels) as [string, string][])[0]![1]))
}

/** Type, help and unit of each metric family that the store knows; several where targets differ. */
export async function metadata(api: QueryApi): Promise<Map<string, string>> {
  const found = await get<Readonly<Record<string, readonly Metadata[]>>>(api, 'metadata', [])
  return textsOf(Object.entries(found).flatMap(([metric, all]) => all.map(one => ({ ...one, metric }))))
}

/** The same of what the targets of these jobs expose, as who scrapes them knows it. */
export async function exposedMetadata(api: QueryApi, jobs: readonly string[]): Promise<Map<string, string>> {
  const found = await get<readonly (Metadata & { readonly metric: string })[]>(api, 'targets/metadata', [
    ['match_target', `{job=~"${jobs.join('|')}"}`],
  ])
  return textsOf(found)
}

interface Metadata {
  readonly type: string
  readonly help: string
  readonly unit: string
}

function textsOf(all: readonly (Metadata & { readonly metric: string })[]): Map<string, string> {
  const texts = new Map<string, Set<string>>()
  for (const { metric, type, help, unit } of all)
    texts.set(metric, (texts.get(metric) ?? new Set()).add(`${type} ${help} ${unit}`))
  return new Map([...texts].map(([metric, own]) => [metric, [...own].sort().join('; ')]))
}

/** A series by its labels, without the tenant label: the same text on both sides of a splitter that strips it. */
export function identity(labels: Labels): string {
  const own = Object.entries(labels).filter(([name]) => name !== 'tenant')
  return JSON.stringify(own.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Cortex spells `4e-7` as `0.0000004`; both are the same double. `+Inf`, `-Inf` and `NaN` stay as they are. */
function respell(_: string, value: unknown): unknown {
  return typeof value === 'string' && /^[-+.\de]+$/.test(value) ? String(Number(value)) : value
}

async function get<T>(api: QueryApi, path: string, query: [string, string][]): Promise<T> {
  const url = `${api.url}/api/v1/${path}?${new URLSearchParams(query)}`
  const response = await fetch(url, { ...(api.headers ? { headers: api.headers } : {}) })
  const text = await response.text()
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${text.slice(0, 500)}`)
  return (JSON.parse(text) as { readonly data: T }).data
}
