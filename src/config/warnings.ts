import type { ConfigWarning } from './config.ts'
import { tenantInPath } from './rules.ts'
import type { ValuesRead } from './values.ts'

/** What is allowed and may surprise, or has no effect. Shows no secret. */
export function warningsFor({ values, written }: ValuesRead): ConfigWarning[] {
  const { tenant, auth, target, egress } = values
  const cases: readonly (readonly [key: string, applies: boolean, message: string])[] = [
    ['listen_pprof', values.listen_pprof !== '', 'has no effect: there is no profiling port'],
    ['target_loki', values.target_loki !== '', 'has no effect: Loki pushes are answered with 501'],
    [
      'tenant.label_precedence',
      new Set(tenant.label_list).size > 1 && !written.has('tenant.label_precedence'),
      'is not written, so the first of the labels in a series’ own order wins, as in cortex-tenant; write config for the order of tenant.label_list',
    ],
    [
      'tenant.label_list',
      new Set(tenant.label_list).size < tenant.label_list.length,
      'names a label twice; the second has no effect',
    ],
    [
      'tenant.label',
      written.has('tenant.label') &&
        tenant.label_list.length > 0 &&
        !tenant.label_list.includes(tenant.label),
      'has no effect beside tenant.label_list',
    ],
    [
      'tenant.accept_all',
      tenant.accept_all,
      'loses data: senders get 204 even where nothing was stored, and never try again',
    ],
    [
      'tenant.prefix_prefer_source',
      tenant.prefix_prefer_source,
      'trusts every sender to choose its own prefix',
    ],
    [
      'tenant.header',
      tenant.format === 'thanos' && !tenantInPath(values) && !written.has('tenant.header'),
      'is X-Scope-OrgID; Thanos reads THANOS-TENANT unless it was told otherwise',
    ],
    [
      'target',
      tenant.format === 'victoriametrics' &&
        target !== undefined &&
        !tenantInPath(values) &&
        !written.has('tenant.header'),
      'has no {tenant} in its path, which is where VictoriaMetrics looks for it',
    ],
    [
      'metadata.route',
      values.metadata.route === 'default' && tenant.default === '',
      'has no effect without tenant.default: metadata is dropped',
    ],
    [
      'auth.egress.password',
      auth.egress.username !== '' && target?.origin.startsWith('http:') === true,
      'is sent in clear: target is plain http',
    ],
    [
      'auth.egress.username',
      auth.egress.username === '' &&
        (written.has('auth.egress.password') || auth.egress.password_file !== ''),
      'is not set, so the password has no effect',
    ],
    [
      'egress.forward_headers',
      egress.forward_headers.some(name => name.toLowerCase() === 'authorization'),
      'passes the senders’ own credentials on to the store',
    ],
    [
      'engine',
      written.has('engine') && values.engine === 'reference',
      'reference is slow; it is meant for comparison',
    ],
  ]
  return cases.filter(([, applies]) => applies).map(([key, , message]) => ({ key, message }))
}
