/** The messages that somebody with a typical mistake reads, to the letter. */
import { describe, expect, test } from 'vitest'
import { type ConfigSource, loadConfig } from '../../../src/config/load.ts'
import { ConfigError } from '../../../src/schema/problem.ts'

function errorOf(text: string, source: Partial<ConfigSource> = {}): ConfigError {
  try {
    loadConfig({ file: { name: 'sluice.yaml', text }, env: {}, ...source })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('there was no error')
}

const OK = 'target: http://store/push\n'

describe('a mistake is named with its place, what was found and what is allowed:', () => {
  test.each([
    [
      'a duration without a unit',
      `${OK}timeout: 10\n`,
      'sluice.yaml:2:10: timeout: found "10"; allowed: a duration from 0 to 596h, such as 100ms, 10s or 1h30m',
    ],
    [
      'a negative duration',
      `${OK}idle_timeout: -5s\n`,
      'sluice.yaml:2:15: idle_timeout: found "-5s"; allowed: a duration from 0 to 596h, such as 100ms, 10s or 1h30m',
    ],
    [
      'a size with half a unit',
      `${OK}limits:\n  max_body: 8M\n`,
      'sluice.yaml:3:13: limits.max_body: found "8M"; allowed: a size from 1KiB to 1GiB, such as 512KiB, 8MiB or 32MB',
    ],
    [
      'a misspelled key',
      `${OK}tenant:\n  labell: x\n`,
      'sluice.yaml:3:3: tenant.labell: found an unknown key (did you mean tenant.label?); allowed: label, label_list, label_precedence, label_remove, prefix, prefix_prefer_source, header, default, missing, invalid, format, accept_all',
    ],
    [
      'a key in the wrong section',
      `${OK}split:\n  max_series: 5\n`,
      'sluice.yaml:3:3: split.max_series: found an unknown key (did you mean limits.max_series?); allowed: threads',
    ],
    [
      'a key twice',
      `${OK}listen: :1\nlisten: :2\n`,
      'sluice.yaml:3:1: listen: found the key a second time, after line 2; allowed: each key once',
    ],
    [
      'a port without a colon',
      `${OK}listen: 8080\n`,
      'sluice.yaml:2:9: listen: found "8080"; allowed: host:port, such as 127.0.0.1:8080, :8080 or [::1]:8080',
    ],
    [
      'a target without a scheme',
      'target: mimir:9009/api/v1/push\n',
      'sluice.yaml:1:9: target: found "mimir:9009/api/v1/push"; allowed: a URL that starts with http:// or https:// and has a host',
    ],
    [
      'credentials in the target, which are not repeated',
      'target: http://me:hunter2@store/push\n',
      'sluice.yaml:1:9: target: found "http://[redacted]@store/push"; allowed: a URL without credentials; they belong to auth.egress.username and password_file',
    ],
    [
      'no word for a boolean',
      `${OK}metadata: maybe\n`,
      'sluice.yaml:2:11: metadata: found "maybe"; allowed: true or false, yes or no, on or off; or a section with route',
    ],
    [
      'no word of a choice',
      `${OK}tenant: {missing: ignore}\n`,
      'sluice.yaml:2:19: tenant.missing: found "ignore"; allowed: reject, drop or default',
    ],
    [
      'a label list that is no list',
      `${OK}tenant:\n  label_list: a,b\n`,
      'sluice.yaml:3:15: tenant.label_list: found a single value; allowed: a list of single values',
    ],
    [
      'a label that is none, in a list',
      `${OK}tenant:\n  label_list:\n    - team\n    - "{team}"\n`,
      'sluice.yaml:5:7: tenant.label_list: found "{team}"; allowed: a label name, such as tenant or __tenant__',
    ],
    [
      'a user without a password',
      `${OK}auth:\n  egress:\n    username: me\n`,
      'sluice.yaml:4:15: auth.egress.username: found a user name without a password; allowed: auth.egress.password or auth.egress.password_file beside it',
    ],
    [
      'two passwords',
      `${OK}auth:\n  egress:\n    username: me\n    password: hunter2\n    password_file: /run/pw\n`,
      'sluice.yaml:6:20: auth.egress.password_file: found a password file beside a password; allowed: auth.egress.password or auth.egress.password_file, not both',
    ],
    [
      'a user name that Basic authentication would cut',
      `${OK}auth: {egress: {username: "a:b", password: hunter2}}\n`,
      'sluice.yaml:2:27: auth.egress.username: found a user name with a colon; allowed: one without, as Basic authentication ends it there',
    ],
    [
      'a certificate without its key',
      `${OK}auth:\n  ingress:\n    tls_config:\n      cert_file: /c\n`,
      'sluice.yaml:5:18: auth.ingress.tls_config.key_file: found nothing beside a cert_file; allowed: both files, or none for plain HTTP',
    ],
    [
      'a key without its certificate',
      `${OK}auth:\n  ingress:\n    tls_config:\n      key_file: /k\n`,
      'sluice.yaml:5:17: auth.ingress.tls_config.cert_file: found nothing beside a key_file; allowed: both files, or none for plain HTTP',
    ],
    [
      'a default tenant that no store takes',
      `${OK}tenant:\n  default: a b\n`,
      'sluice.yaml:3:12: tenant.default: found "a b"; allowed: a tenant: at most 150 of the letters, digits and !\'()*-._, and no reserved name',
    ],
    [
      'a default tenant that is none with its prefix',
      `${OK}tenant:\n  prefix: "1:"\n  default: "2:3"\n  format: victoriametrics\n`,
      'sluice.yaml:4:12: tenant.default: found "2:3", "1:2:3" with its prefix; allowed: a tenant: accountID or accountID:projectID, both from 0 to 4294967295',
    ],
    [
      'a prefix that no tenant can have',
      `${OK}tenant:\n  prefix: a/\n  default: b\n`,
      'sluice.yaml:3:11: tenant.prefix: found "a/"; allowed: the beginning of a tenant: at most 150 of the letters, digits and !\'()*-._, and no reserved name',
    ],
    [
      'a missing tenant that goes to no default',
      `${OK}tenant:\n  missing: default\n`,
      'sluice.yaml:3:12: tenant.missing: found "default" without a default tenant; allowed: reject or drop, or default with tenant.default set',
    ],
    [
      'an invalid tenant that goes to no default',
      `${OK}tenant:\n  invalid: default\n`,
      'sluice.yaml:3:12: tenant.invalid: found "default" without a default tenant; allowed: reject or drop, or default with tenant.default set',
    ],
    [
      'a source prefix without a header to read',
      'target: http://store/{tenant}\ntenant:\n  prefix_prefer_source: true\n',
      'sluice.yaml:3:25: tenant.prefix_prefer_source: found true without a tenant header, as target has {tenant}; allowed: tenant.header beside it, which names the header to read',
    ],
    [
      'a source prefix for accounts',
      `${OK}tenant:\n  prefix_prefer_source: true\n  format: victoriametrics\n`,
      'sluice.yaml:3:25: tenant.prefix_prefer_source: found true with tenant.format victoriametrics; allowed: false, as the prefix would end with a -, which is in none of its tenants',
    ],
    [
      'the tenant header among the forwarded ones',
      `${OK}egress:\n  forward_headers: [x-scope-orgid]\n`,
      'sluice.yaml:3:20: egress.forward_headers: found X-Scope-OrgID, which is tenant.header; allowed: other headers; the tenant comes from the series',
    ],
    [
      'encodings without snappy',
      `${OK}ingress:\n  encodings: [zstd]\n`,
      'sluice.yaml:3:14: ingress.encodings: found a list without snappy; allowed: one with snappy, which every sender knows and 2.0 demands',
    ],
    [
      'an encoding that nobody reads',
      `${OK}ingress:\n  encodings: [snappy, gzip]\n`,
      'sluice.yaml:3:23: ingress.encodings: found "gzip"; allowed: snappy or zstd',
    ],
    [
      'two credentials',
      `${OK}auth: {egress: {username: a, password: hunter2}}\negress:\n  forward_headers: [Authorization]\n`,
      'sluice.yaml:4:20: egress.forward_headers: found Authorization beside auth.egress.username; allowed: one of the two',
    ],
    [
      'a hop’s own header among the forwarded ones',
      `${OK}egress:\n  forward_headers: [X-A, Transfer-Encoding]\n`,
      'sluice.yaml:3:26: egress.forward_headers: found "Transfer-Encoding"; allowed: a header that does not belong to the connection, the body or Sluice itself',
    ],
    [
      'a tab',
      `${OK}tenant:\n\tlabel: x\n`,
      'sluice.yaml:3:1: found a tab in the indentation; allowed: spaces',
    ],
  ])('%s', (_, text, message) => {
    const error = errorOf(text)
    expect(error.message).toBe(`The configuration has a problem:\n  ${message}`)
    expect(error.problems).toHaveLength(1)
  })

  test('a variable has its own name for a place', () => {
    const error = errorOf(OK, { env: { CT_METADATA: 'yes', SLUICE_LIMITS_MAX_SERIES: '0' } })
    expect(error.message).toBe(`The configuration has 2 problems:
  SLUICE_LIMITS_MAX_SERIES: limits.max_series: found "0"; allowed: a whole number from 1 to 10000000
  CT_METADATA: metadata: found "yes"; allowed: true or false, 1 or 0, t or f; or SLUICE_METADATA_ROUTE`)
  })

  test('a password file that is not there, or empty', () => {
    const text = `${OK}auth:\n  egress:\n    username: me\n    password_file: /nowhere/pw\n`
    const prefix = 'The configuration has a problem:\n  sluice.yaml:5:20: auth.egress.password_file: found '
    expect(errorOf(text).message).toBe(
      `${prefix}a file that can't be read (ENOENT); allowed: a readable file with the password`,
    )
    expect(errorOf(text, { readFile: () => '\n' }).message).toBe(
      `${prefix}an empty file; allowed: a readable file with the password`,
    )
  })
})

test('all mistakes come at once, in order of the file, then of the environment', () => {
  const { problems } = errorOf(
    'timeout: soon\nlisten: x\ncolour: red\ntenant: {missing: default, format: x}\n',
    {
      env: { CT_CONCURRENCY: 'many' },
    },
  )
  expect(problems.map(({ place, key }) => `${place.line ?? place.name} ${key}`)).toEqual([
    '1 timeout',
    '2 listen',
    '3 colour',
    '4 tenant.missing',
    '4 tenant.format',
    'CT_CONCURRENCY concurrency',
    'sluice.yaml target',
  ])
})

test('a problem can be read by a program', () => {
  expect(errorOf(`${OK}timeout: soon\n`).problems).toEqual([
    {
      place: { name: 'sluice.yaml', line: 2, column: 10 },
      key: 'timeout',
      found: '"soon"',
      allowed: 'a duration from 0 to 596h, such as 100ms, 10s or 1h30m',
    },
  ])
})

test('a value is shown on one line, printable and cut', () => {
  const { problems } = errorOf(`${OK}log_level: "a\\nb\\e\\u202e${'x'.repeat(200)}"\n`)
  expect(problems[0]?.found).toBe(`"a\\nb\\u001b\\u202e${'x'.repeat(75)}…"`)
})

test.each([
  ['targt: http://store/push\n', ['targt']],
  ['target: [http://store/push]\n', ['target']],
  ['target: nowhere\n', ['target']],
  ['target: *a\n', ['target']],
  ['- target\n', ['']],
  [`${OK}auth: {egress: {username: me, pasword: x}}\n`, ['auth.egress.pasword']],
  [`${OK}tenant: {missing: default, default: [x]}\n`, ['tenant.default']],
])('one mistake is one problem: %j', (text, keys) => {
  expect(errorOf(text).problems.map(({ key }) => key)).toEqual(keys)
})
