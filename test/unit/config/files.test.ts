import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { selfSigned } from '../../support/certificate.ts'

const { cert, key } = await selfSigned()
const other = await selfSigned()

const FILES: Readonly<Record<string, string>> = {
  '/pw': 'hunter2\n',
  '/blank': ' \n',
  '/cert': cert,
  '/key': key,
  '/other-key': other.key,
}

/** Paths, in the order in which they were read. */
const read: string[] = []

function load(text: string) {
  read.length = 0
  const readFile = (path: string): string => {
    read.push(path)
    const content = FILES[path]
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return content
  }
  return loadConfig({ file: { name: 'test.yaml', text: `target: https://x/\n${text}` }, env: {}, readFile })
}

function problemsOf(text: string): readonly string[] {
  try {
    load(text)
  } catch (error) {
    return (error instanceof Error ? error.message : '')
      .split('\n')
      .slice(1)
      .map(line => line.trim())
  }
  return []
}

const tls = (cert: string, key: string) =>
  `auth: {ingress: {tls_config: {cert_file: ${cert}, key_file: ${key}}}}\n`

describe('files that keys name', () => {
  test('are all read, once for each key that names them', () => {
    const { config } = load(`
auth:
  egress: {username: u, password_file: /pw, tls_config: {ca_bundle_file: /cert}}
  ingress: {tls_config: {cert_file: /cert, key_file: /key}}
upstreams:
  a: {target: https://a/}
  b: {target: https://b/, auth: {username: v, password_file: /pw}, tls_config: {ca_bundle_file: /cert}}
`)
    // Of auth.egress, of the store b, of ingress.
    expect(read).toEqual(['/pw', '/cert', '/pw', '/cert', '/cert', '/key'])
    const [first, a, b] = config.upstreams
    expect(first?.credentials?.passwordFile?.text).toBe('hunter2')
    expect(a?.caFile).toBe(first?.caFile)
    expect(a?.credentials).toEqual(first?.credentials)
    expect(b?.caFile?.text).toContain('BEGIN CERTIFICATE')
    expect(config.auth.ingress?.keyFile.key).toBe('auth.ingress.tls_config.key_file')
  })

  test('are not read where nobody would use them', () => {
    load('auth: {egress: {password_file: /nowhere}}\n')
    expect(read).toEqual([])
  })

  test.each([
    [
      'a password file of blanks',
      'auth: {egress: {username: u, password_file: /blank}}\n',
      'test.yaml:2:45: auth.egress.password_file: found a file of blanks; allowed: a readable file with the password',
    ],
    [
      'authorities without a certificate',
      'auth: {egress: {tls_config: {ca_bundle_file: /pw}}}\n',
      'test.yaml:2:46: auth.egress.tls_config.ca_bundle_file: found a file without a certificate; allowed: a readable PEM file with certificates of authorities',
    ],
    [
      'a key of another certificate',
      tls('/cert', '/other-key'),
      'test.yaml:2:59: auth.ingress.tls_config.key_file: found a key that is not the one of cert_file; allowed: the key of that certificate',
    ],
    [
      'authorities of a store',
      'upstreams: {a: {target: https://a/, tls_config: {ca_bundle_file: /key}}}\n',
      'test.yaml:2:66: upstreams.a.tls_config.ca_bundle_file: found a private key; allowed: a readable PEM file with certificates of authorities',
    ],
  ])('%s: is one problem with its place', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem])
  })

  test('swapped with each other are two', () => {
    expect(problemsOf(tls('/key', '/cert')).map(line => line.split('; ')[0])).toEqual([
      'test.yaml:2:42: auth.ingress.tls_config.cert_file: found a private key',
      'test.yaml:2:58: auth.ingress.tls_config.key_file: found a certificate',
    ])
  })

  test('that can’t be read are all named at once', () => {
    const problems = problemsOf(
      `auth: {egress: {username: u, password_file: /a, tls_config: {ca_bundle_file: /b}}}\n`,
    )
    expect(problems.map(line => line.split(' ')[1])).toEqual([
      'auth.egress.password_file:',
      'auth.egress.tls_config.ca_bundle_file:',
    ])
    expect(problems[0]).toContain("found a file that can't be read (ENOENT)")
  })
})
