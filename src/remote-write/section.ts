/** The keys of remote write: whose a series is, and what becomes of metadata. */
import { key, list, optional, section, type Values } from '../schema/key.ts'
import {
  boolean,
  duration,
  headerName,
  integer,
  type Leaf,
  labelName,
  oneOf,
  size,
  text,
} from '../schema/leaf.ts'
import { Misfit } from '../schema/problem.ts'
import type { TenantFormat } from '../tenant.ts'

const GIB = 2 ** 30

export const engine = key(
  oneOf('wasm', 'reference'),
  'wasm',
  'Which engine splits pushes: `wasm`, or the slow and obvious `reference`, which is also taken where the machine has no SIMD for WASM.',
  { restart: true },
)

export const tenant = section('How the tenant of a series is found, checked and passed on.', {
  label: key(labelName, '__tenant__', 'Name of the label that holds the tenant.', {
    ct: 'CT_TENANT_LABEL',
    zeroIsUnset: true,
  }),
  label_list: list(labelName, 'Names of several such labels; overrides `tenant.label`.', {
    as: 'labelList',
    ct: 'CT_TENANT_LABEL_LIST',
  }),
  label_precedence: key(
    oneOf('series_first', 'series_last', 'config'),
    'series_first',
    'Which of several labels wins: the first or last in the series’ own order (cortex-tenant 2 and 1), or the first in this configuration with a value.',
    { as: 'precedence' },
  ),
  label_remove: key(boolean, 'false', 'Whether the label that held the tenant is removed from the series.', {
    as: 'strip',
    ct: 'CT_TENANT_LABEL_REMOVE',
  }),
  prefix: key(text, '', 'Stands before every tenant, the default one included.', {
    ct: 'CT_TENANT_PREFIX',
  }),
  prefix_prefer_source: key(
    boolean,
    'false',
    'Whether the tenant header of an inbound push, and a `-`, replace `tenant.prefix`; trusts every sender.',
    { as: 'prefixPreferSource', ct: 'CT_TENANT_PREFIX_PREFER_SOURCE' },
  ),
  header: key(headerName, 'X-Scope-OrgID', 'Header that carries the tenant to the store.', {
    ct: 'CT_TENANT_HEADER',
    zeroIsUnset: true,
  }),
  default: key(text, '', 'Tenant of series without the label.', {
    as: 'defaultTenant',
    ct: 'CT_TENANT_DEFAULT',
  }),
  missing: optional(
    oneOf('reject', 'drop', 'default'),
    '`default` where `tenant.default` is set, else `reject`',
    'What becomes of series without a tenant; the rest of their push is delivered either way.',
  ),
  invalid: key(
    oneOf('reject', 'drop', 'default'),
    'reject',
    'What becomes of series whose tenant is not one of `tenant.format`; the rest of their push is delivered either way.',
  ),
  format: key(
    oneOf('mimir', 'thanos', 'victoriametrics'),
    'mimir',
    'Whose rule decides what may be a tenant: `mimir` (also Cortex), `thanos`, or `victoriametrics` (`accountID` or `accountID:projectID`).',
  ),
  accept_all: key(
    boolean,
    'false',
    'Whether senders get 204 even where the store stored nothing; loses data.',
    { as: 'acceptAll', ct: 'CT_TENANT_ACCEPT_ALL' },
  ),
})

/** cortex-tenant's one value for what has a section here. */
const metadataSwitch: Leaf<'drop' | 'default' | 'all' | 'learned'> = {
  name: 'boolean',
  parse(text, origin) {
    const value = boolean.parse(text, origin)
    if (value instanceof Misfit) {
      return new Misfit(
        `${value.allowed}; or ${origin === 'file' ? 'a section with route' : 'SLUICE_METADATA_ROUTE'}`,
      )
    }
    return value ? 'default' : 'drop'
  },
  show: text => text,
  json: boolean.json,
}

export const metadata = section(
  'What becomes of metric metadata, which has no tenant in remote write 1.0. `metadata: true` alone means `route: default`, and `metadata: false` means `route: drop`.',
  {
    route: key(
      oneOf('drop', 'default', 'all', 'learned'),
      'drop',
      'Where entries go: nowhere, to `tenant.default`, to all tenants that their sender writes, or to those that it writes series of that family for.',
      { ct: 'CT_METADATA', short: metadataSwitch },
    ),
    remember: key(
      duration,
      '1h',
      'How long a sender’s tenants and families are remembered after they were last seen; with all and learned.',
      { as: 'rememberMs' },
    ),
    max_senders: key(
      integer(1, 1_000_000),
      '200',
      'Most senders remembered; the one that was silent the longest is forgotten.',
      { as: 'maxSenders' },
    ),
    max_families: key(
      integer(1, 10_000_000),
      '20000',
      'Most families remembered for one sender, each once for each tenant that has it; further ones are not learned.',
      { as: 'maxFamilies' },
    ),
    max_waiting: key(
      integer(0, 10_000_000),
      '20000',
      'Most entries, of all senders, that wait until their family is known; further ones are dropped.',
      { as: 'maxWaiting' },
    ),
    max_waiting_bytes: key(size(0, GIB), '8MiB', 'Most bytes of these; further ones are dropped.', {
      as: 'maxWaitingBytes',
    }),
    wait: key(duration, '2m', 'How long an entry waits before it is dropped.', { as: 'waitMs' }),
    interval: key(
      duration,
      '1m',
      'How often metadata of a 2.0 push goes to a store that takes 1.0, per tenant and family; 0 is never.',
      { as: 'intervalMs' },
    ),
    max_sent: key(
      integer(1, 10_000_000),
      '100000',
      'Most families of tenants known to have been sent within the interval; further ones go with every push.',
      { as: 'maxSent' },
    ),
  },
)

export const split = section('Where pushes are split.', {
  threads: optional(
    integer(0, 256),
    'one less than the cores, at least 1',
    'Worker threads; 0 splits on the main thread.',
    { restart: true },
  ),
})

/**
 * The tenant's rules as they are meant. `inPath` is whether a store has the tenant in its path, `header` the one that is
 * sent to the store of `target`: empty where only the path carries the tenant.
 */
export function resolveTenant(
  values: Values<(typeof tenant)['keys']>,
  { inPath, header }: { readonly inPath: boolean; readonly header: string },
) {
  const { label, labelList, ...rules } = values
  const otherwise = values.defaultTenant === '' ? ('reject' as const) : ('default' as const)
  return {
    ...rules,
    labels: labelList.length > 0 ? [...new Set(labelList)] : [label],
    header,
    missing: values.missing ?? otherwise,
    format: formatOf(values.format, inPath),
  }
}

/** The rule that applies: in a path, Thanos' own is not enough. */
export function formatOf(format: Exclude<TenantFormat, 'thanos-path'>, inPath: boolean): TenantFormat {
  return format === 'thanos' && inPath ? 'thanos-path' : format
}

/** Without a default tenant, there is nobody whose metadata it could be. */
export function resolveMetadata(values: Values<(typeof metadata)['keys']>, defaultTenant: string) {
  const route = values.route === 'default' && defaultTenant === '' ? ('drop' as const) : values.route
  return { ...values, route }
}
