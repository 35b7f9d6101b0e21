/** Which tenants are at which store, as the configurations of a run say one after the other. */

/** All tenants are at the store of `target`, whose name here is '', but for these. */
export interface Layout {
  /** Name in the configuration → its store, and what else its section says. */
  readonly upstreams: Readonly<Record<string, { readonly store: string; readonly timeout: string }>>
  /** Tenant → name of its upstream. */
  readonly routes: Readonly<Record<string, string>>
}

const second = { store: 'second', timeout: '3s' }
const third = { store: 'third', timeout: '3s' }

export const FIRST: Layout = { upstreams: {}, routes: {} }

/** One after the other, and then from the start: an upstream comes, is changed, renamed, joined by another, and all go. */
export const LAYOUTS: readonly Layout[] = [
  { upstreams: { second }, routes: { 'tenant-0': 'second', 'tenant-1': 'second' } },
  {
    upstreams: { second: { ...second, timeout: '4s' } },
    routes: { 'tenant-1': 'second', 'tenant-2': 'second' },
  },
  { upstreams: { renamed: second }, routes: { 'tenant-1': 'renamed', 'tenant-2': 'renamed' } },
  {
    upstreams: { renamed: second, third },
    routes: { 'tenant-0': 'renamed', 'tenant-2': 'third', 'tenant-3': 'third' },
  },
  { upstreams: { third: second, renamed: third }, routes: { 'tenant-2': 'third', 'tenant-3': 'renamed' } },
  FIRST,
]

/** Keys as in sluice.yaml; stores are paths of one server. */
export function keysOf({ upstreams, routes }: Layout, storeUrl: string): Readonly<Record<string, unknown>> {
  return {
    upstreams: Object.fromEntries(
      Object.entries(upstreams).map(([name, { store, timeout }]) => [
        name,
        { target: `${storeUrl}/${store}`, timeout },
      ]),
    ),
    routes: Object.entries(routes).map(([tenant, upstream]) => ({ tenants: [tenant], upstream })),
  }
}

function storeOf({ upstreams, routes }: Layout, tenant: string): string {
  const name = routes[tenant]
  return name === undefined ? '' : (upstreams[name]?.store ?? '')
}

interface Span {
  readonly layout: Layout
  readonly from: number
  until: number
}

/** Where each tenant's samples may have gone, and when. Times are on one clock, whichever. */
export class Whereabouts {
  readonly #spans: Span[] = [
    { layout: FIRST, from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY },
  ]

  /** It took the place of the one before it at some time between these two. */
  change(layout: Layout, asked: number, answered: number): void {
    const last = this.#spans.at(-1)
    if (last !== undefined) last.until = answered
    this.#spans.push({ layout, from: asked, until: Number.POSITIVE_INFINITY })
  }

  /** Whether a push that was under way then may have left samples of that tenant at that store. */
  mayHold(store: string, tenant: string, begun: number, ended: number): boolean {
    return this.#spans.some(
      ({ layout, from, until }) => from <= ended && begun <= until && storeOf(layout, tenant) === store,
    )
  }
}
