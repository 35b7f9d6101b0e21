import { PUSH_PATHS } from '../routes/paths.ts'
import { catchesAll, catchesAllTenants, type RouteConfig } from '../routes/section.ts'
import { ownsAuth, tenantInPath, tenantKindOf } from '../upstream/section.ts'
import type { ConfigWarning } from './config.ts'
import type { Checked } from './rules.ts'
import type { ConfigValues } from './schema.ts'

/** What is allowed and may surprise, or has no effect. Shows no secret. */
export function warningsFor({ values, written }: Checked): ConfigWarning[] {
  const { tenant, auth, target, egress } = values
  const cases: readonly (readonly [key: string, applies: boolean, message: string])[] = [
    ['listen_pprof', values.listenPprof !== '', 'has no effect: there is no profiling port'],
    ['target_loki', values.targetLoki !== '', 'has no effect: Loki pushes are answered with 501'],
    [
      'tenant.label_precedence',
      new Set(tenant.labelList).size > 1 && !written('tenant.label_precedence'),
      'is not written, so the first of the labels in a series’ own order wins, as in cortex-tenant; write config for the order of tenant.label_list',
    ],
    [
      'tenant.label_list',
      new Set(tenant.labelList).size < tenant.labelList.length,
      'names a label twice; the second has no effect',
    ],
    [
      'tenant.label',
      written('tenant.label') && tenant.labelList.length > 0 && !tenant.labelList.includes(tenant.label),
      'has no effect beside tenant.label_list',
    ],
    [
      'tenant.accept_all',
      tenant.acceptAll,
      'loses data: senders get 204 even where nothing was stored, and never try again',
    ],
    [
      'tenant.prefix_prefer_source',
      tenant.prefixPreferSource,
      'trusts every sender to choose its own prefix',
    ],
    [
      'tenant.header',
      tenant.format === 'thanos' && !tenantInPath(target) && !written('tenant.header'),
      'is X-Scope-OrgID; Thanos reads THANOS-TENANT unless it was told otherwise',
    ],
    [
      'target',
      tenant.format === 'victoriametrics' &&
        target !== undefined &&
        !tenantInPath(target) &&
        !written('tenant.header'),
      'has no {tenant} in its path, which is where VictoriaMetrics looks for it',
    ],
    [
      'metadata.route',
      values.metadata.route === 'default' && tenant.defaultTenant === '',
      'has no effect without tenant.default: metadata is dropped',
    ],
    [
      'auth.egress.password',
      auth.egress.username !== '' && target?.origin.startsWith('http:') === true,
      'is sent in clear: target is plain http',
    ],
    [
      'auth.egress.username',
      auth.egress.username === '' && (written('auth.egress.password') || auth.egress.passwordFile !== ''),
      'is not set, so the password has no effect',
    ],
    [
      'egress.forward_headers',
      egress.forwardHeaders.some(name => name.toLowerCase() === 'authorization'),
      'passes the senders’ own credentials on to the store',
    ],
    [
      'engine',
      written('engine') && values.engine === 'reference',
      'reference is slow; it is meant for comparison',
    ],
  ]
  const found = cases.filter(([, applies]) => applies).map(([key, , message]) => ({ key, message }))
  return [...found, ...aboutUpstreams(values), ...aboutRoutes(values)]
}

function aboutUpstreams({ upstreams, routes, auth: { egress } }: ConfigValues): ConfigWarning[] {
  const used = new Set(routes.map(({ upstream }) => upstream))
  return Object.entries(upstreams).flatMap(([name, upstream]) => {
    const { target, auth, tenantHeader } = upstream
    const kind = tenantKindOf(upstream)
    const { username = '' } = ownsAuth(auth) ? auth : egress
    const unused = username === '' && (auth.password !== undefined || (auth.passwordFile ?? '') !== '')
    const cases: readonly (readonly [key: string, applies: boolean, message: string])[] = [
      ['', !used.has(name), 'is named by no route, so nothing goes there'],
      [
        '.tenant_header',
        tenantHeader !== undefined && kind !== 'header',
        `has no effect with tenant: ${kind}`,
      ],
      ['.auth.username', unused, 'is not set, so the password has no effect'],
      [
        '',
        username !== '' && target.origin.startsWith('http:'),
        'gets its password in clear: its target is plain http',
      ],
    ]
    return cases.flatMap(([key, applies, message]) =>
      applies ? [{ key: `upstreams.${name}${key}`, message }] : [],
    )
  })
}

function aboutRoutes({ target, routes }: ConfigValues): ConfigWarning[] {
  const last = routes.findIndex(catchesAll)
  const behind = last < 0 ? 0 : routes.length - 1 - last
  const others = behind === 2 ? 'is the one' : `are the ${behind - 1}`
  const unreached = {
    key: `routes[${last + 1}]`,
    message: `is never reached${behind === 1 ? '' : `, and neither ${others} behind it`}: routes[${last}] matches everything`,
  }
  const refusing = {
    key: 'routes',
    message: 'has no route for all tenants, and there is no target: series of other tenants are refused',
  }
  const closed = {
    key: 'routes',
    message:
      'has no route for all who push to a usual path, such as /api/v1/push, and there is no target: their pushes are refused',
  }
  const refuses = target === undefined && !routes.some(({ tenants }) => catchesAllTenants(tenants))
  const closes = target === undefined && !refuses && !routes.some(leadsFromUsualPath)
  return [...(behind > 0 ? [unreached] : []), ...(refuses ? [refusing] : []), ...(closes ? [closed] : [])]
}

/** Whether anybody’s pushes by one of our own paths may go by this route. */
function leadsFromUsualPath({ paths, principals }: RouteConfig): boolean {
  return principals === undefined && (paths === undefined || PUSH_PATHS.some(path => paths.includes(path)))
}
