/** What makes two pushes one sender's, for each who asks. */
import { describe, expect, test } from 'vitest'
import { Identity } from '../../../src/auth/identity.ts'
import { NOBODY } from '../../../src/auth/principal.ts'
import { Quarantine } from '../../../src/lanes/quarantine.ts'
import type { TenantId } from '../../../src/tenant.ts'

const ASKED = {
  principal: NOBODY,
  address: '10.0.0.1',
  route: '/push',
  prefix: undefined,
  forwarded: '',
  quarantine: new Quarantine(),
}

const KEYS = ['memoScope', 'mergeKey', 'metadataKey', 'quarantine'] as const

/** Which of them tell the two apart. */
function differing(one: Identity, other: Identity): readonly string[] {
  return KEYS.filter(key => one[key] !== other[key])
}

describe('two pushes of nobody', () => {
  test('are one sender’s where all is the same', () => {
    expect(differing(new Identity(ASKED), new Identity({ ...ASKED }))).toEqual([])
  })

  test.each([
    // Behind a load balancer a resend may come from elsewhere, and is known all the same.
    ['address', { address: '10.0.0.2' }, ['metadataKey']],
    ['connection', { quarantine: new Quarantine() }, ['quarantine']],
    ['path', { route: '/api/v1/push' }, ['memoScope', 'metadataKey']],
    ['prefix', { prefix: 'acme-' }, ['memoScope', 'metadataKey']],
    ['headers that go on', { forwarded: 'x-one\0a' }, ['memoScope', 'mergeKey']],
  ] as const)('that differ in their %s', (_, changes, expected) => {
    expect(differing(new Identity(ASKED), new Identity({ ...ASKED, ...changes }))).toEqual(expected)
  })

  test('that name an empty prefix and none are the same', () => {
    expect(differing(new Identity(ASKED), new Identity({ ...ASKED, prefix: '' }))).toEqual([])
  })

  test('share requests, and make no key for it', () => {
    expect(new Identity(ASKED).mergeKey).toBe('')
  })
})

test('what tells pushes apart can’t be moved from one part to the next', () => {
  const scopes = [
    { route: '/a', prefix: 'b', forwarded: 'c' },
    { route: '/a', prefix: 'bc', forwarded: '' },
    { route: '/ab', prefix: '', forwarded: 'c' },
    { route: '/a', prefix: '', forwarded: 'bc' },
  ].map(changes => new Identity({ ...ASKED, ...changes }).memoScope)
  expect(new Set(scopes).size).toBe(scopes.length)
})

test('what is held against a connection is held against no other of the same address', () => {
  const [one, other] = [new Quarantine(), new Quarantine()].map(
    quarantine => new Identity({ ...ASKED, quarantine }),
  )
  one!.quarantine.rejected('a' as TenantId, 10)
  const alone = (identity: Identity) => identity.quarantine.travelsAlone('a' as TenantId, () => 5)
  expect([alone(one!), alone(other!)]).toEqual([true, false])
})

test('carries who, where from and where to as they are', () => {
  expect(new Identity(ASKED)).toMatchObject({ principal: NOBODY, address: '10.0.0.1', route: '/push' })
})
