/** The keys of stores. */
import { breaker, lanes, retry } from '../lanes/section.ts'
import { fingerprintOf } from '../schema/fingerprint.ts'
import type { FileKind, FollowedFile } from '../schema/followed-file.ts'
import type { Frozen } from '../schema/frozen.ts'
import {
  inherited,
  inheritedSection,
  key,
  list,
  named,
  optional,
  required,
  section,
  type Values,
} from '../schema/key.ts'
import {
  boolean,
  duration,
  headerName,
  headerValue,
  integer,
  oneOf,
  secret,
  target,
  text,
  unusedUrl,
  upstreamName,
} from '../schema/leaf.ts'
import type { Target } from '../schema/target.ts'

export const defaultTarget = optional(
  target,
  'must be given',
  'URL of the store; each `{tenant}` in its path is replaced by the tenant, and then no tenant header is sent unless `tenant.header` is written.',
  { ct: 'CT_TARGET', zeroIsUnset: true },
)

export const targetLoki = key(
  unusedUrl,
  '',
  'Accepted for cortex-tenant’s sake; Loki pushes are answered with 501, and a value only gives a warning.',
  { as: 'targetLoki', ct: 'CT_TARGET_LOKI' },
)

export const enableIpv6 = key(boolean, 'false', 'Whether the store may also be reached over IPv6.', {
  as: 'enableIpv6',
  ct: 'CT_ENABLE_IPV6',
})

export const timeout = key(
  duration,
  '10s',
  'Longest time to read a push, and longest time for one attempt at the store.',
  { as: 'timeoutMs', ct: 'CT_TIMEOUT', zeroIsUnset: true },
)

export const maxConnectionDuration = key(
  duration,
  '0s',
  'How long a connection to the store is used before a new one replaces it; 0 is for ever.',
  { as: 'egress.maxConnectionDurationMs', ct: 'CT_MAX_CONN_DURATION' },
)

export const maxConnsPerHost = key(integer(0, 65_535), '256', 'Most connections to the store.', {
  as: 'egress.maxConnsPerHost',
  ct: 'CT_MAX_CONNS_PER_HOST',
  zeroIsUnset: true,
})

export const egress = section('What is sent to the store.', {
  compression: key(
    oneOf('fast', 'none'),
    'fast',
    'How hard snappy tries: `none` is larger on the wire and takes almost no CPU.',
  ),
  forward_headers: list(headerName, 'Inbound headers that go to the store as they are.', {
    as: 'forwardHeaders',
  }),
  protocol: key(
    oneOf('auto', 'same', '1.0', '2.0'),
    'auto',
    'In which remote write the store is written to: as a push came in, and in 1.0 while the store shows that it lacks 2.0 (`auto`); always as it came in (`same`); or always in one.',
  ),
  protocol_reprobe: key(
    duration,
    '1h',
    'How long a store that lacks 2.0 gets 1.0 before 2.0 is tried again; 0 is for ever.',
    { as: 'protocolReprobeMs' },
  ),
  written_headers: key(
    oneOf('expected', 'omitted'),
    'expected',
    'What a success of 2.0 without `X-Prometheus-Remote-Write-*-Written` headers means: that nothing was written, or (`omitted`) that this store writes all and does not say so.',
    { as: 'writtenHeaders' },
  ),
})

/** `auth.egress` */
export const credentials = section('Basic authentication and TLS towards the store.', {
  username: key(text, '', 'User name for Basic authentication.', { ct: 'CT_AUTH_EGRESS_USERNAME' }),
  password: optional(secret, 'none', 'Its password.', {
    ct: 'CT_AUTH_EGRESS_PASSWORD',
    zeroIsUnset: true,
  }),
  password_file: key(
    text,
    '',
    'File that holds the password, instead of `password`; one newline at its end is ignored. Followed while it changes.',
    { as: 'passwordFile' },
  ),
  tls_config: section(
    'How the store’s certificate is checked.',
    {
      ca_bundle_file: key(
        text,
        '',
        'PEM file with the authorities that may sign the store’s certificate; without it, those of the system.',
        { as: 'caBundleFile', ct: 'CT_CA_BUNDLE_FILE' },
      ),
    },
    '.',
  ),
})

const { username, password, password_file } = credentials.keys
const { ca_bundle_file } = credentials.keys.tls_config.keys
const { compression, forward_headers, protocol, protocol_reprobe, written_headers } = egress.keys

export const upstreams = named(
  upstreamName,
  'Stores by name, for `routes`. A key that a store does not have here takes the value of the key of the same meaning outside; `auth` does so as a whole. The store that `target` makes is named `default`.',
  section('One store.', {
    target: required(
      target,
      'the URL of the store, such as http://mimir:8080/api/v1/push',
      'URL of the store; each `{tenant}` in its path is replaced by the tenant.',
    ),
    tenant: optional(
      oneOf('header', 'header_pair', 'path', 'none'),
      '`path` where its target has `{tenant}`, else `header`',
      'How the store learns of the tenant: by a header, by VictoriaMetrics’ headers `AccountID` and `ProjectID`, by the path alone, or not at all.',
    ),
    tenant_header: optional(
      headerName,
      'as `tenant.header`',
      'Header that carries the tenant, with `tenant: header`.',
      { as: 'tenantHeader' },
    ),
    headers: named(
      headerName,
      'Headers with the same value in each request; the values are secrets.',
      required(headerValue, 'a value', 'What the header says.'),
    ),
    auth: section('Basic authentication. Where one of these is written, none is taken from `auth.egress`.', {
      username: inherited(username, 'auth.egress.username'),
      password: inherited(password, 'auth.egress.password'),
      password_file: inherited(password_file, 'auth.egress.password_file'),
    }),
    tls_config: section(
      'How the store’s certificate is checked.',
      { ca_bundle_file: inherited(ca_bundle_file, 'auth.egress.tls_config.ca_bundle_file') },
      '.',
    ),
    timeout: inherited(timeout, 'timeout', 'Longest time for one attempt at the store.'),
    max_conns_per_host: inherited(maxConnsPerHost, 'max_conns_per_host'),
    max_connection_duration: inherited(maxConnectionDuration, 'max_connection_duration'),
    enable_ipv6: inherited(enableIpv6, 'enable_ipv6'),
    protocol: inherited(protocol, 'egress.protocol'),
    protocol_reprobe: inherited(protocol_reprobe, 'egress.protocol_reprobe'),
    written_headers: inherited(written_headers, 'egress.written_headers'),
    compression: inherited(compression, 'egress.compression'),
    forward_headers: inherited(forward_headers, 'egress.forward_headers'),
    lanes: inheritedSection(lanes, 'lanes', ['ha_labels']),
    retry: inheritedSection(retry, 'retry', []),
    breaker: inheritedSection(breaker, 'breaker', []),
  }),
)

/** All that the stores of a configuration follow from. */
export type StoreValues = Values<{
  target: typeof defaultTarget
  enable_ipv6: typeof enableIpv6
  timeout: typeof timeout
  max_connection_duration: typeof maxConnectionDuration
  max_conns_per_host: typeof maxConnsPerHost
  egress: typeof egress
  lanes: typeof lanes
  retry: typeof retry
  breaker: typeof breaker
  upstreams: typeof upstreams
}> & { readonly auth: { readonly egress: Values<(typeof credentials)['keys']> } }

type Written = StoreValues['upstreams'][string]
export type UpstreamConfig = Frozen<ReturnType<typeof resolve>> & { readonly fingerprint: string }

/** The path of the key that names a file, the file, and what should be in it. */
export type OpenFile = (key: string, path: string, kind: FileKind) => FollowedFile

export interface TenantHeader {
  /** As in `tenant.header`. */
  readonly name: string
  readonly written: boolean
}

/** The name of the store that `target` makes. */
export const DEFAULT_UPSTREAM = 'default'

/** Whether the path of a target carries the tenant. */
export function tenantInPath(target: Target | undefined): boolean {
  return (target?.pathParts.length ?? 0) > 1
}

/** How a store learns of the tenant where nobody says so. */
export function tenantKindOf({ target, tenant }: Pick<Written, 'target' | 'tenant'>) {
  return tenant ?? (tenantInPath(target) ? 'path' : 'header')
}

/** Every store with all that it is, the one that `target` makes first. */
export function resolveUpstreams(
  values: StoreValues,
  header: TenantHeader,
  open: OpenFile,
): readonly UpstreamConfig[] {
  const { target } = values
  const own = Object.entries(values.upstreams).map(([name, written]) =>
    resolve(name, written, values, header.name, open),
  )
  if (target === undefined) return own.map(fingerprinted)
  const tenant = header.written ? 'header' : undefined
  return [resolve(DEFAULT_UPSTREAM, { target, tenant }, values, header.name, open), ...own].map(fingerprinted)
}

function resolve(
  name: string,
  written: Pick<Written, 'target'> & Partial<Written>,
  values: StoreValues,
  tenantHeader: string,
  open: OpenFile,
) {
  const {
    target,
    tenant: kind,
    tenantHeader: ownHeader,
    headers = {},
    auth,
    caBundleFile,
    ...others
  } = written
  const { lanes, retry, breaker, ...own } = others
  const { haLabels: _, ...baseLanes } = values.lanes
  const { timeoutMs, enableIpv6 } = values
  const tenant = tenantKindOf({ target, tenant: kind })
  const shared = over({ timeoutMs, enableIpv6, ...values.egress }, own)
  return {
    name,
    target,
    tenant,
    tenantHeaders: tenantHeadersOf(tenant, ownHeader ?? tenantHeader),
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    credentials: credentialsOf(name, auth, values, open),
    caFile: caFileOf(name, caBundleFile, values, open),
    ...shared,
    forwardHeaders: lowerNames(shared.forwardHeaders),
    lanes: over(baseLanes, lanes),
    retry: over(values.retry, retry),
    breaker: over(values.breaker, breaker),
  }
}

/** Undefined for the authorities of the system. */
function caFileOf(name: string, own: string | undefined, values: StoreValues, open: OpenFile) {
  const path = own ?? values.auth.egress.caBundleFile
  const section = own === undefined ? 'auth.egress' : `upstreams.${name}`
  return path === '' ? undefined : open(`${section}.tls_config.ca_bundle_file`, path, 'authorities')
}

/** Headers that carry the tenant: none, one, or account and project. */
export function tenantHeadersOf(kind: ReturnType<typeof tenantKindOf>, header: string): readonly string[] {
  if (kind === 'header') return [header]
  return kind === 'header_pair' ? HEADER_PAIR : []
}

/** VictoriaMetrics reads a tenant of `multitenant` from these. */
const HEADER_PAIR: readonly string[] = ['AccountID', 'ProjectID']

/** As a whole: a password of one store never goes to another with a user name of its own. */
function credentialsOf(name: string, own: Written['auth'] | undefined, values: StoreValues, open: OpenFile) {
  const owns = own !== undefined && ownsAuth(own)
  const { username = '', password, passwordFile = '' } = owns ? own : values.auth.egress
  if (username === '') return undefined
  const section = owns ? `upstreams.${name}.auth` : 'auth.egress'
  const file = passwordFile === '' ? undefined : open(`${section}.password_file`, passwordFile, 'password')
  return { username, password, passwordFile: file }
}

/** Whether a store has credentials, or none, of its own. */
export function ownsAuth({ username, password, passwordFile }: Written['auth']): boolean {
  return username !== undefined || password !== undefined || passwordFile !== undefined
}

/** Names of headers as Node has them, each once. */
export function lowerNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(name => name.toLowerCase()))]
}

/** `fingerprint` is equal exactly where all else is: secrets by a hash, files by their path. */
function fingerprinted<T extends object>(upstream: T): T & { readonly fingerprint: string } {
  return { ...upstream, fingerprint: fingerprintOf(upstream) }
}

/** The values of `base`, but for those that `own` has. */
function over<T extends object>(base: T, own: { readonly [N in keyof T]?: T[N] | undefined } = {}): T {
  const written = Object.entries(own).filter(([, value]) => value !== undefined)
  return { ...base, ...Object.fromEntries(written) }
}
