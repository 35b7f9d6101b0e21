/**
 * What must hold between keys. Each rule names the keys that it reads and is skipped where one of them is wrong already,
 * so that one mistake is one problem. The first key named is the one that the problem is about.
 */
import { ALLOWED, parseTenantId, type TenantFormat } from '../tenant.ts'
import type { ConfigValues } from './values.ts'

interface Rule {
  readonly keys: readonly [string, ...string[]]
  /** Returns what was found and what is allowed, or undefined where all is well. Shows no secret. */
  readonly check: (
    values: ConfigValues,
    written: ReadonlySet<string>,
  ) => readonly [found: string, allowed: string] | undefined
}

/** Whether the path of the target carries the tenant. */
export function tenantInPath(values: ConfigValues): boolean {
  return (values.target?.pathParts.length ?? 0) > 1
}

/** The rule that applies: in a path, Thanos' own is not enough. */
export function formatOf(values: ConfigValues): TenantFormat {
  const { format } = values.tenant
  return format === 'thanos' && tenantInPath(values) ? 'thanos-path' : format
}

export const RULES: readonly Rule[] = [
  {
    keys: ['target'],
    check: ({ target }) =>
      target === undefined
        ? [
            'nothing',
            'the URL of the store, such as http://mimir:8080/api/v1/push or http://vminsert:8480/insert/{tenant}/prometheus/api/v1/write',
          ]
        : undefined,
  },
  {
    keys: ['auth.egress.username'],
    check: ({ auth: { egress } }) =>
      egress.username.includes(':')
        ? ['a user name with a colon', 'one without, as Basic authentication ends it there']
        : undefined,
  },
  {
    keys: ['auth.egress.username', 'auth.egress.password', 'auth.egress.password_file'],
    check: ({ auth: { egress } }) =>
      egress.username !== '' && egress.password === undefined && egress.password_file === ''
        ? ['a user name without a password', 'auth.egress.password or auth.egress.password_file beside it']
        : undefined,
  },
  {
    keys: ['auth.egress.password_file', 'auth.egress.password'],
    check: ({ auth: { egress } }, written) =>
      egress.password_file !== '' && written.has('auth.egress.password')
        ? ['a password file beside a password', 'auth.egress.password or auth.egress.password_file, not both']
        : undefined,
  },
  {
    keys: ['auth.ingress.tls_config.cert_file', 'auth.ingress.tls_config.key_file'],
    check: ({ auth: { ingress } }) =>
      ingress.tls_config.cert_file === '' && ingress.tls_config.key_file !== ''
        ? ['nothing beside a key_file', 'both files, or none for plain HTTP']
        : undefined,
  },
  {
    keys: ['auth.ingress.tls_config.key_file', 'auth.ingress.tls_config.cert_file'],
    check: ({ auth: { ingress } }) =>
      ingress.tls_config.cert_file !== '' && ingress.tls_config.key_file === ''
        ? ['nothing beside a cert_file', 'both files, or none for plain HTTP']
        : undefined,
  },
  {
    keys: ['tenant.prefix', 'tenant.format', 'target'],
    check: values => {
      const { prefix } = values.tenant
      const format = formatOf(values)
      return prefix === '' || isTenant(prefix + shortest(format), format)
        ? undefined
        : [JSON.stringify(prefix), `the beginning of a tenant: ${describe(format)}`]
    },
  },
  {
    keys: ['tenant.default', 'tenant.prefix', 'tenant.format', 'target'],
    check: values => {
      const { default: tenant, prefix } = values.tenant
      const format = formatOf(values)
      // A wrong prefix is a problem of its own.
      if (
        tenant === '' ||
        isTenant(prefix + tenant, format) ||
        (prefix !== '' && !isTenant(prefix + shortest(format), format))
      )
        return undefined
      const whole = prefix === '' ? '' : `, ${JSON.stringify(prefix + tenant)} with its prefix`
      return [`${JSON.stringify(tenant)}${whole}`, `a tenant: ${describe(format)}`]
    },
  },
  ...(['tenant.missing', 'tenant.invalid'] as const).map(
    (key): Rule => ({
      keys: [key, 'tenant.default'],
      check: ({ tenant }) =>
        (key === 'tenant.missing' ? tenant.missing : tenant.invalid) === 'default' && tenant.default === ''
          ? ['"default" without a default tenant', 'reject or drop, or default with tenant.default set']
          : undefined,
    }),
  ),
  {
    keys: ['tenant.prefix_prefer_source', 'tenant.header', 'tenant.format', 'target'],
    check: (values, written) => {
      if (!values.tenant.prefix_prefer_source) return undefined
      if (values.tenant.format === 'victoriametrics')
        return [
          'true with tenant.format victoriametrics',
          'false, as the prefix would end with a -, which is in none of its tenants',
        ]
      return tenantInPath(values) && !written.has('tenant.header')
        ? [
            'true without a tenant header, as target has {tenant}',
            'tenant.header beside it, which names the header to read',
          ]
        : undefined
    },
  },
  {
    keys: ['ingress.encodings'],
    check: ({ ingress }) =>
      ingress.encodings.includes('snappy')
        ? undefined
        : ['a list without snappy', 'one with snappy, which every sender knows and 2.0 demands'],
  },
  {
    keys: ['egress.forward_headers', 'tenant.header', 'auth.egress.username', 'target'],
    check: (values, written) => {
      const names = values.egress.forward_headers.map(name => name.toLowerCase())
      const sendsTenant = !tenantInPath(values) || written.has('tenant.header')
      if (sendsTenant && names.includes(values.tenant.header.toLowerCase()))
        return [
          `${values.tenant.header}, which is tenant.header`,
          'other headers; the tenant comes from the series',
        ]
      return values.auth.egress.username !== '' && names.includes('authorization')
        ? ['Authorization beside auth.egress.username', 'one of the two']
        : undefined
    },
  },
]

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
