import { describe, expect, test } from 'vitest'
import { MAX_TENANT_BYTES, parseTenantId, type TenantFormat } from '../../src/tenant.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

describe('a tenant in the format', () => {
  const cases: readonly (readonly [TenantFormat, string, string | undefined])[] = [
    ['mimir', 'team-a', 'team-a'],
    ['mimir', "A9!_.*'()-", "A9!_.*'()-"],
    ['mimir', '', undefined],
    ['mimir', '.', undefined],
    ['mimir', '..', undefined],
    ['mimir', '...', '...'],
    ['mimir', '__mimir_cluster', undefined],
    ['mimir', '__markers__', undefined],
    ['mimir', 'user-index.json.gz', undefined],
    ['mimir', 'a b', undefined],
    ['mimir', ' a', undefined],
    ['mimir', 'a/b', undefined],
    ['mimir', 'a\\b', undefined],
    ['mimir', 'a|b', undefined],
    ['mimir', 'a:b=c', undefined],
    ['mimir', 'a,b', undefined],
    ['mimir', '%2e%2e', undefined],
    ['mimir', 'a\r\nX: y', undefined],
    ['mimir', 'a\0', undefined],
    ['mimir', 'caf\xe9', undefined],
    ['mimir', '__proto__', '__proto__'],
    ['mimir', 'x'.repeat(MAX_TENANT_BYTES), 'x'.repeat(MAX_TENANT_BYTES)],
    ['mimir', 'x'.repeat(MAX_TENANT_BYTES + 1), undefined],
    ['thanos', 'a:b=c,d%20?#', 'a:b=c,d%20?#'],
    ['thanos', 'a/b', undefined],
    ['thanos', 'a\\b', undefined],
    ['thanos', 'a|b', undefined],
    ['thanos', 'a b', undefined],
    ['thanos', '..', undefined],
    ['thanos', '\x7f', undefined],
    ['thanos-path', 'a:b=c', 'a:b=c'],
    ['thanos-path', 'a%2f', undefined],
    ['thanos-path', 'a?b', undefined],
    ['thanos-path', 'a#b', undefined],
    ['victoriametrics', '7', '7'],
    ['victoriametrics', '007', '7'],
    ['victoriametrics', '7:0', '7'],
    ['victoriametrics', '7:08', '7:8'],
    ['victoriametrics', '0:0', '0'],
    ['victoriametrics', '4294967295:4294967295', '4294967295:4294967295'],
    ['victoriametrics', '4294967296', undefined],
    ['victoriametrics', '1:4294967296', undefined],
    ['victoriametrics', '', undefined],
    ['victoriametrics', ':', undefined],
    ['victoriametrics', '1:', undefined],
    ['victoriametrics', ':1', undefined],
    ['victoriametrics', '1:2:3', undefined],
    ['victoriametrics', '-1', undefined],
    ['victoriametrics', '+1', undefined],
    ['victoriametrics', '1e3', undefined],
    ['victoriametrics', 'multitenant', undefined],
  ]
  test.each(cases)('%s: %j is %j', (format, text, expected) => {
    expect(parseTenantId(bytes(text), format)).toBe(expected)
  })

  test.each(['mimir', 'thanos', 'thanos-path', 'victoriametrics'] as const)(
    '%s has no byte beyond ASCII',
    format => {
      for (let byte = 0x80; byte < 0x100; byte++)
        expect(parseTenantId(Uint8Array.of(0x31, byte), format)).toBeUndefined()
    },
  )
})
