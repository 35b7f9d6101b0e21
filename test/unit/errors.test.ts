import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(\w+)` +\| (\d+) +\| (\w+) +\|/gm)].map(([, code, status, source]) => ({
  code,
  status: Number(status),
  source,
}))

describe('docs/errors.md', () => {
  test('has one row for each code of the catalogue, with its status and source', () => {
    const catalogue = Object.entries(CATALOGUE).map(([code, { status, source }]) => ({
      code,
      status,
      source,
    }))
    expect(rows).toEqual(catalogue)
  })
})

test('whatever is our own fault never makes a sender drop its data', () => {
  const dropped = Object.entries(CATALOGUE).filter(
    ([, { source, status }]) => source === 'ourselves' && status < 500,
  )
  expect(dropped).toEqual([])
})
