/** The keys of routes: which store a share goes to. */
import { listedSections, optionalList, required, section, type Values } from '../schema/key.ts'
import { principalName, routePath, tenantPattern, upstreamName } from '../schema/leaf.ts'

const route = section('One route.', {
  paths: optionalList(routePath, 'any', 'Paths that the push came in by.'),
  principals: optionalList(principalName, 'any', 'Who pushed.'),
  tenants: optionalList(tenantPattern, 'any', 'Tenants, by name or as `dev-*`.'),
  upstream: required(upstreamName, 'the name of a store', 'Store that gets what matches.'),
})

export const routes = listedSections(
  'Which store a tenant’s part of a push goes to: that of the first route that matches. Behind all of them stands one for everything to the store of `target`, where there is one.',
  route,
)

export type RouteConfig = Values<(typeof route)['keys']>

/** What everything matches. */
export function catchAll(upstream: string): RouteConfig {
  return { paths: undefined, principals: undefined, tenants: undefined, upstream }
}

/** Whether nothing gets past a route. */
export function catchesAll({ paths, principals, tenants }: RouteConfig): boolean {
  return paths === undefined && principals === undefined && catchesAllTenants(tenants)
}

export function catchesAllTenants(tenants: readonly string[] | undefined): boolean {
  return tenants === undefined || tenants.some(pattern => /^\*+$/.test(pattern))
}
