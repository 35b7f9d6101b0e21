/**
 * What must hold between keys. Each rule names the keys that it reads and is skipped where one of them is wrong already,
 * so that one mistake is one problem. The first key named is the one that the problem is about.
 */
import { formatOf } from '../remote-write/section.ts'
import type { Path } from '../schema/tree.ts'
import { ALLOWED, parseTenantId, type TenantFormat } from '../tenant.ts'
import {
  DEFAULT_UPSTREAM,
  lowerNames,
  ownsAuth,
  tenantHeadersOf,
  tenantInPath,
  tenantKindOf,
} from '../upstream/section.ts'
import type { ConfigValues } from './schema.ts'

/** What the rules look at. */
export interface Checked {
  readonly values: ConfigValues
  /** Whether a key has a text of its own: written, and not an empty or 0 that means the default. */
  readonly written: (path: string) => boolean
  /** What was written for a key, or its default: what may be shown of one that is no secret. */
  readonly shown: (path: string) => string
  /** Names of stores that were written, also of those that are wrong. */
  readonly upstreams: ReadonlySet<string>
}

interface Rule {
  readonly keys: readonly [string, ...string[]]
  /** Returns what was found and what is allowed, or undefined where all is well. Shows no secret. */
  readonly check: (checked: Checked) => Broken | undefined
}

type Broken = readonly [found: string, allowed: string]

/** A problem of one of several stores or routes. */
export interface BrokenAt {
  readonly path: Path
  /** Other keys that it follows from. */
  readonly reads: readonly string[]
  readonly found: string
  readonly allowed: string
}

/** The rule for tenants that applies. */
function formatIn(values: ConfigValues): TenantFormat {
  const targets = [values.target, ...Object.values(values.upstreams).map(({ target }) => target)]
  return formatOf(values.tenant.format, targets.some(tenantInPath))
}

export const RULES: readonly Rule[] = [
  {
    keys: ['target', 'upstreams'],
    check: ({ values: { target, upstreams } }) =>
      target === undefined && Object.keys(upstreams).length === 0
        ? [
            'nothing',
            'the URL of the store, such as http://mimir:8080/api/v1/push or http://vminsert:8480/insert/{tenant}/prometheus/api/v1/write',
          ]
        : undefined,
  },
  {
    keys: ['auth.egress.username'],
    check: ({ values: { auth } }) => faultInUser(auth.egress.username),
  },
  {
    keys: ['auth.egress.username', 'auth.egress.password', 'auth.egress.password_file'],
    check: ({ values: { auth } }) =>
      auth.egress.username !== '' && auth.egress.password === undefined && auth.egress.passwordFile === ''
        ? ['a user name without a password', 'auth.egress.password or auth.egress.password_file beside it']
        : undefined,
  },
  {
    keys: ['auth.egress.password_file', 'auth.egress.password'],
    check: ({ values: { auth }, written }) =>
      auth.egress.passwordFile !== '' && written('auth.egress.password')
        ? ['a password file beside a password', 'auth.egress.password or auth.egress.password_file, not both']
        : undefined,
  },
  {
    keys: ['auth.ingress.tls_config.cert_file', 'auth.ingress.tls_config.key_file'],
    check: ({ values: { auth } }) =>
      auth.ingress.certFile === '' && auth.ingress.keyFile !== ''
        ? ['nothing beside a key_file', 'both files, or none for plain HTTP']
        : undefined,
  },
  {
    keys: ['auth.ingress.tls_config.key_file', 'auth.ingress.tls_config.cert_file'],
    check: ({ values: { auth } }) =>
      auth.ingress.certFile !== '' && auth.ingress.keyFile === ''
        ? ['nothing beside a cert_file', 'both files, or none for plain HTTP']
        : undefined,
  },
  {
    keys: ['tenant.prefix', 'tenant.format', 'target'],
    check: ({ values, shown }) => {
      const { prefix } = values.tenant
      const format = formatIn(values)
      return prefix === '' || isTenant(prefix + shortest(format), format)
        ? undefined
        : [JSON.stringify(shown('tenant.prefix')), `the beginning of a tenant: ${describe(format)}`]
    },
  },
  {
    keys: ['tenant.default', 'tenant.prefix', 'tenant.format', 'target'],
    check: ({ values, shown }) => {
      const { defaultTenant: tenant, prefix } = values.tenant
      const format = formatIn(values)
      // A wrong prefix is a problem of its own.
      if (
        tenant === '' ||
        isTenant(prefix + tenant, format) ||
        (prefix !== '' && !isTenant(prefix + shortest(format), format))
      )
        return undefined
      const written = shown('tenant.default')
      const whole =
        prefix === '' ? '' : `, ${JSON.stringify(shown('tenant.prefix') + written)} with its prefix`
      return [`${JSON.stringify(written)}${whole}`, `a tenant: ${describe(format)}`]
    },
  },
  ...(['missing', 'invalid'] as const).map(
    (name): Rule => ({
      keys: [`tenant.${name}`, 'tenant.default'],
      check: ({ values: { tenant } }) =>
        tenant[name] === 'default' && tenant.defaultTenant === ''
          ? ['"default" without a default tenant', 'reject or drop, or default with tenant.default set']
          : undefined,
    }),
  ),
  {
    keys: ['tenant.prefix_prefer_source', 'tenant.header', 'tenant.format', 'target'],
    check: ({ values, written }) => {
      if (!values.tenant.prefixPreferSource) return undefined
      if (values.tenant.format === 'victoriametrics')
        return [
          'true with tenant.format victoriametrics',
          'false, as the prefix would end with a -, which is in none of its tenants',
        ]
      return tenantInPath(values.target) && !written('tenant.header')
        ? [
            'true without a tenant header, as target has {tenant}',
            'tenant.header beside it, which names the header to read',
          ]
        : undefined
    },
  },
  {
    keys: ['ingress.encodings'],
    check: ({ values: { ingress } }) =>
      ingress.encodings.includes('snappy')
        ? undefined
        : ['a list without snappy', 'one with snappy, which every sender knows and 2.0 demands'],
  },
  {
    keys: ['egress.forward_headers', 'tenant.header', 'auth.egress.username', 'target'],
    check: ({ values, written, shown }) => {
      const names = lowerNames(values.egress.forwardHeaders)
      const sendsTenant = !tenantInPath(values.target) || written('tenant.header')
      if (sendsTenant && names.includes(values.tenant.header.toLowerCase()))
        return [
          `${shown('tenant.header')}, which is tenant.header`,
          'other headers; the tenant comes from the series',
        ]
      return values.auth.egress.username !== '' && names.includes('authorization')
        ? ['Authorization beside auth.egress.username', 'one of the two']
        : undefined
    },
  },
]

/** What is wrong with the stores and the routes. */
export function brokenAmongMany(checked: Checked): BrokenAt[] {
  const { upstreams, routes } = checked.values
  const unknown = routes.flatMap(({ upstream }, index): BrokenAt[] => {
    if (checked.upstreams.has(upstream)) return []
    const allowed = [...checked.upstreams].slice(0, 10).join(', ')
    return [{ path: ['routes', index, 'upstream'], reads: [], found: 'a name that no store has', allowed }]
  })
  const stores = Object.entries(upstreams).flatMap(([name, upstream]) => brokenIn(upstream, checked, name))
  return [...stores, ...unknown]
}

type Upstream = ConfigValues['upstreams'][string]
type Case = readonly [path: Path, reads: readonly string[], broken: Broken | undefined]

/** At most one problem for each key. */
function brokenIn(upstream: Upstream, { values, written }: Checked, name: string): BrokenAt[] {
  const base = `upstreams.${name}`
  const auth = [`${base}.auth`]
  const cases: readonly Case[] = [
    [
      [],
      ['target'],
      name === DEFAULT_UPSTREAM && values.target !== undefined
        ? ['a store of that name beside target, which makes one', 'another name, or no target']
        : undefined,
    ],
    [['tenant'], ['tenant.format'], faultInKind(upstream, values)],
    [['auth', 'username'], auth, faultInUser(upstream.auth.username ?? '')],
    [['auth', 'username'], auth, faultInPassword(upstream.auth)],
    [
      ['auth', 'password_file'],
      auth,
      upstream.auth.password !== undefined && (upstream.auth.passwordFile ?? '') !== ''
        ? ['a password file beside a password', 'one of the two']
        : undefined,
    ],
    ...headerCases(upstream, values, { base, forwards: written(`${base}.forward_headers`) }),
  ]
  const seen = new Set<string>()
  return cases.flatMap(([path, reads, broken]) => {
    const key = path.join('.')
    if (broken === undefined || seen.has(key)) return []
    seen.add(key)
    return [{ path: ['upstreams', name, ...path], reads, found: broken[0], allowed: broken[1] }]
  })
}

function faultInKind({ target, tenant }: Upstream, values: ConfigValues): Broken | undefined {
  if (tenant === 'path' && !tenantInPath(target))
    return ['"path", and no {tenant} in the target', 'header, header_pair or none']
  if (tenant === 'none' && tenantInPath(target))
    return ['"none", and {tenant} in the target', 'path, header or header_pair']
  return tenant === 'header_pair' && values.tenant.format !== 'victoriametrics'
    ? [
        '"header_pair" without tenant.format victoriametrics',
        'header, path or none, or tenant.format: victoriametrics',
      ]
    : undefined
}

function faultInUser(username: string): Broken | undefined {
  return username.includes(':')
    ? ['a user name with a colon', 'one without, as Basic authentication ends it there']
    : undefined
}

function faultInPassword(auth: Upstream['auth']): Broken | undefined {
  const { username = '', password, passwordFile = '' } = auth
  return username !== '' && password === undefined && passwordFile === ''
    ? ['a user name without a password', 'password or password_file beside it']
    : undefined
}

/** No header may be sent twice, and none may speak for the tenant or for us. */
function headerCases(
  upstream: Upstream,
  values: ConfigValues,
  { base, forwards }: { readonly base: string; readonly forwards: boolean },
): Case[] {
  const tenant = lowerNames(
    tenantHeadersOf(tenantKindOf(upstream), upstream.tenantHeader ?? values.tenant.header),
  )
  const { username = '' } = ownsAuth(upstream.auth) ? upstream.auth : values.auth.egress
  const forwarded = lowerNames(upstream.forwardHeaders ?? values.egress.forwardHeaders)
  const faultIn = (name: string): Broken | undefined => {
    if (tenant.includes(name))
      return ['a header that carries the tenant', 'other headers; the tenant comes from the series']
    return name === 'authorization' && username !== ''
      ? ['Authorization beside a user name', 'one of the two']
      : undefined
  }
  const names = Object.keys(upstream.headers)
  const faultOfOwn = (name: string, index: number): Broken | undefined => {
    const lower = name.toLowerCase()
    if (lowerNames(names.slice(0, index)).includes(lower))
      return ['a header a second time', 'each header once']
    if (forwarded.includes(lower)) return ['a header that is forwarded too', 'one of the two']
    return faultIn(lower)
  }
  const reads = [
    ...['tenant', 'tenant_header', 'auth', 'forward_headers'].map(name => `${base}.${name}`),
    ...['tenant.header', 'auth.egress.username', 'egress.forward_headers'],
  ]
  return [
    ...names.map((name, index): Case => [['headers', name], reads, faultOfOwn(name, index)]),
    [[forwards ? 'forward_headers' : 'target'], reads, forwarded.map(faultIn).find(Boolean)],
  ]
}

function isTenant(text: string, format: TenantFormat): boolean {
  return parseTenantId(new TextEncoder().encode(text), format) !== undefined
}

function shortest(format: TenantFormat): string {
  return format === 'victoriametrics' ? '0' : 'a'
}

function describe(format: TenantFormat): string {
  if (format === 'victoriametrics') return 'accountID or accountID:projectID, both from 0 to 4294967295'
  const others = Array.from(ALLOWED[format], (allowed, byte) =>
    allowed === 1 ? String.fromCharCode(byte) : '',
  )
  return `at most 150 of the letters, digits and ${others.join('').replace(/[0-9A-Za-z]/g, '')}, and no reserved name`
}
