import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RouteTable, type Row } from '../../../src/routes/table.ts'
import type { TenantId } from '../../../src/tenant.ts'

const STORES = ['one', 'two', 'three'] as const
const upstreams = new Map(STORES.map(name => [name, { name }]))
const any = { paths: undefined, principals: undefined, tenants: undefined }

function tableOf(...rows: readonly Partial<Row>[]): RouteTable<{ readonly name: string }> {
  return new RouteTable(
    rows.map(row => ({ ...any, upstream: 'one', ...row })),
    upstreams,
  )
}

/** The name of the store; undefined without a route. */
function at(table: ReturnType<typeof tableOf>, tenant: string, path = '/push', principal = 'nobody') {
  return table.choiceOf(path, principal)(tenant as TenantId)?.name
}

describe('a route table', () => {
  test('leads an exact name, a pattern and the rest to their stores', () => {
    const table = tableOf({ tenants: ['a'] }, { tenants: ['dev-*'], upstream: 'two' }, { upstream: 'three' })
    expect(['a', 'dev-x', 'dev-', 'dev', 'aa', ''].map(tenant => at(table, tenant))).toEqual([
      ...['one', 'two', 'two', 'three', 'three', 'three'],
    ])
  })

  test('takes the first row that matches, whether it is a name or a pattern', () => {
    const patternFirst = tableOf({ tenants: ['a*'], upstream: 'two' }, { tenants: ['ab'] })
    const nameFirst = tableOf({ tenants: ['ab'] }, { tenants: ['a*'], upstream: 'two' })
    expect(at(patternFirst, 'ab')).toBe('two')
    expect(at(nameFirst, 'ab')).toBe('one')
    expect(at(tableOf({ tenants: ['a'], upstream: 'two' }, { tenants: ['a'] }), 'a')).toBe('two')
    expect(at(tableOf({ upstream: 'three' }, { tenants: ['a'] }), 'a')).toBe('three')
  })

  test('says that there is no store where no row matches', () => {
    const table = tableOf({ tenants: ['a'] })
    expect(at(table, 'b')).toBeUndefined()
    // What was found is remembered, and so is that nothing was.
    expect(at(table, 'b')).toBeUndefined()
    expect(at(tableOf(), 'a')).toBeUndefined()
  })

  test('matches all that a row says: path, principal and tenant', () => {
    const table = tableOf(
      { paths: ['/p'], principals: ['me'], tenants: ['a'] },
      { paths: ['/p'], upstream: 'two' },
      { principals: ['me'], upstream: 'three' },
    )
    expect(at(table, 'a', '/p', 'me')).toBe('one')
    expect(at(table, 'b', '/p', 'me')).toBe('two')
    expect(at(table, 'a', '/p', 'you')).toBe('two')
    expect(at(table, 'a', '/push', 'me')).toBe('three')
    expect(at(table, 'a', '/push', 'you')).toBeUndefined()
  })

  test('names the paths of its rows, and the stores that a path may lead to', () => {
    const table = tableOf(
      { paths: ['/p', '/q'], tenants: ['b'] },
      { paths: ['/q'], tenants: ['c'], upstream: 'two' },
      { tenants: ['a'], upstream: 'three' },
    )
    expect([...table.paths]).toEqual(['/p', '/q'])
    expect(table.upstreamsAt('/p').map(({ name }) => name)).toEqual(['one', 'three'])
    expect(table.upstreamsAt('/q').map(({ name }) => name)).toEqual(['one', 'two', 'three'])
    expect(table.upstreamsAt('/push').map(({ name }) => name)).toEqual(['three'])
  })

  test.each<[string, Partial<Row>, readonly string[]]>([
    ['names nothing', {}, ['one']],
    ['names all tenants', { tenants: ['a', '*'] }, ['one']],
    ['names that path', { paths: ['/push'] }, ['one']],
    ['names another path', { paths: ['/p'] }, ['two']],
    ['names a principal', { principals: ['me'] }, ['one', 'two']],
    ['names some tenants', { tenants: ['a*'] }, ['one', 'two']],
  ])('counts a store behind a row that %s only where something may get there', (_, first, names) => {
    const table = tableOf(first, { upstream: 'two' })
    expect(table.upstreamsAt('/push').map(({ name }) => name)).toEqual(names)
  })

  test('asks each row for its paths once, however many paths there are', () => {
    let asked = 0
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      ...{ ...any, upstream: 'one' },
      get paths() {
        asked++
        return [`/p${i}`]
      },
    }))
    const table = new RouteTable(rows, upstreams)
    for (const path of table.paths) {
      expect(table.upstreamsAt(path)).toHaveLength(1)
      expect(at(table, 'a', path)).toBe('one')
    }
    expect(asked).toBe(1000)
  })

  test('answers the same beyond the number of names that it remembers', () => {
    const table = tableOf({ tenants: ['*-5'], upstream: 'two' }, { tenants: ['*'] })
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 10_050; i++) {
        const tenant = `tenant-${i}`
        if (at(table, tenant) !== (i === 5 ? 'two' : 'one')) throw new Error(`wrong for ${tenant}`)
      }
    }
  })

  test('remembers no more names by many paths than by few', () => {
    const paths = Array.from({ length: 200 }, (_, i) => `/p${i}`)
    const table = tableOf(...paths.map(path => ({ paths: [path], tenants: ['t*'] })))
    for (const path of paths) for (let i = 0; i < 1000; i++) expect(at(table, `t${i}`, path)).toBe('one')
    expect(table.remembered).toBeGreaterThan(50_000)
    expect(table.remembered).toBeLessThanOrEqual(2 * 50_000 + 2 * paths.length)
  })

  test('is linear in what a tenant is called, however many stars a pattern has', () => {
    const table = tableOf({ tenants: [`${'a*'.repeat(40)}b`], upstream: 'two' })
    expect(at(table, 'a'.repeat(100_000))).toBeUndefined()
  })

  test('answers as a loop over its rows does', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 3 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 4 })
    const some = <T>(of: fc.Arbitrary<T>) => fc.option(fc.array(of, { maxLength: 3 }), { nil: undefined })
    const path = fc.constantFrom('/push', '/p', '/q')
    const principal = fc.constantFrom('nobody', 'me', 'you')
    const row = fc.record({
      paths: some(path),
      principals: some(principal),
      tenants: some(pattern),
      upstream: fc.constantFrom(...STORES),
    })
    const push = fc.record({ path, principal: fc.oneof(principal, fc.constant('')), tenant: name })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), fc.array(push, { maxLength: 20 }), (rows, pushes) => {
        const table = new RouteTable(rows, upstreams)
        // Each twice: the second answer is one that was remembered.
        for (const { tenant, path, principal } of [...pushes, ...pushes]) {
          expect(at(table, tenant, path, principal)).toBe(naively(rows, tenant, path, principal))
        }
      }),
      { numRuns: 500 },
    )
  })
})

function naively(rows: readonly Row[], tenant: string, path: string, principal: string): string | undefined {
  for (const { paths, principals, tenants, upstream } of rows) {
    if (paths !== undefined && !paths.includes(path)) continue
    if (principals !== undefined && !principals.includes(principal)) continue
    if (tenants !== undefined && !tenants.some(pattern => fits(pattern, tenant))) continue
    return upstream
  }
  return undefined
}

function fits(pattern: string, tenant: string): boolean {
  const escaped = pattern.split('*').map(part => part.replace(/\./g, '\\.'))
  return new RegExp(`^${escaped.join('.*')}$`).test(tenant)
}
