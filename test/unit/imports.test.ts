/**
 * Imports point one way, as a push goes (docs/architecture.md draws it): imports.ts says who may import whom, and a
 * new part needs a row.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ENVELOPE, MAY_IMPORT } from './imports.ts'

const root = new URL('../../', import.meta.url).pathname

/** The part that a file belongs to: its folder below src, or the file itself. */
function partOf(file: string): string {
  const [top = '', next = '', ...rest] = file.split('/')
  return rest.length > 0 || !/\.(ts|js)$/.test(next) ? `${top}/${next}` : file
}

const files = globSync(['src/**/*.{ts,js}', 'workers/**/*.ts'], { cwd: root }).filter(
  file => !file.endsWith('.d.ts'),
)
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')

test('there is a row for each part, and no row without one', () => {
  expect([...new Set(files.map(partOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

test('the table has no circle', () => {
  const open = new Map(Object.entries(MAY_IMPORT).map(([part, parts]) => [part, new Set(parts)]))
  for (let before = -1; before !== open.size; ) {
    before = open.size
    const free = [...open].filter(([, parts]) => [...parts].every(part => !open.has(part)))
    for (const [part] of free) open.delete(part)
  }
  expect([...open.keys()]).toEqual([])
})

/** Parts that a file imports. */
function importsOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(/\b(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map(([, path]) =>
    partOf(normalize(join(dirname(file), path as string))),
  )
}

test.each(files)('%s imports only what its part may', file => {
  const allowed = [partOf(file), ...(MAY_IMPORT[partOf(file)] ?? [])]
  expect(importsOf(file).filter(part => !allowed.includes(part))).toEqual([])
})

test('a part may import no other that it does not, but for what all speak', () => {
  const used = new Map<string, string[]>()
  for (const file of files) used.set(partOf(file), [...(used.get(partOf(file)) ?? []), ...importsOf(file)])
  const common: readonly string[] = ENVELOPE
  const unused = Object.entries(MAY_IMPORT).flatMap(([part, parts]) =>
    parts
      .filter(other => !common.includes(other) && !used.get(part)?.includes(other))
      .map(other => [part, other]),
  )
  // It finds its main.ts or main.js when it runs.
  expect(unused).toEqual([['src/sluice.js', 'src/main.ts']])
})

describe('only a codec', () => {
  /** Where a library's types say less than it gives, or types are made by hand; no message passes here. */
  const FOREIGN = [
    'src/app.ts',
    'src/ingress/server.ts',
    'src/schema/key.ts',
    'src/schema/leaf.ts',
    'src/wire/zstd.ts',
  ]

  test('takes something for what the compiler does not know it to be', () => {
    const casting = files.filter(
      file => partOf(file) !== 'src/remote-write' && /\bas (unknown|never|any)\b/.test(textOf(file)),
    )
    expect(casting.filter(file => !partOf(file).startsWith('workers/')).sort()).toEqual(FOREIGN)
  })

  test('names a protocol', () => {
    const naming = files.filter(file => /'(1\.0|2\.0)'/.test(textOf(file)))
    const outside = naming.filter(file => !/^src\/(remote-write|demo)\//.test(file))
    // The words of its keys, and of a store's.
    expect(outside).toEqual(['src/upstream/section.ts'])
  })
})
