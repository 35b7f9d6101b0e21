/**
 * Imports point one way, as a push goes (docs/architecture.md draws it): this table says who may import whom, and a new
 * part needs a row.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url).pathname

/** What every part may use: it knows nothing of any other. */
const GROUND = ['src/clock.ts', 'src/errors.ts', 'src/gauge.ts', 'src/tenant.ts', 'src/text.ts'] as const
/** What a push is to all who see it, and what a protocol is to all who do not know it. */
const ENVELOPE = ['src/protocol.ts', 'src/share', 'src/wire', ...GROUND] as const

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/sluice.js': ['src/main.ts'],
  'src/main.ts': ['src/cli'],
  'src/cli': ['src/app.ts', 'src/config', 'src/demo', 'src/telemetry'],
  'src/demo': ['src/wire', ...GROUND],
  // What lives as long as the process, and what one configuration makes of it.
  'src/app.ts': [
    ...['src/config', 'src/generation.ts', 'src/generations.ts', 'src/ingress', 'src/lanes', 'src/limits'],
    ...['src/push', 'src/reload.ts', 'src/remote-write', 'src/schema', 'src/telemetry', 'src/upstream'],
    ...GROUND,
  ],
  'src/reload.ts': ['src/config', 'src/ingress', 'src/telemetry', ...GROUND],
  'src/generation.ts': [
    ...['src/config', 'src/generations.ts', 'src/ingress', 'src/push', 'src/remote-write', 'src/routes'],
    ...['src/schema', 'src/upstream'],
  ],
  'src/generations.ts': ['src/ingress'],
  // It joins the sections that each part declares for itself.
  'src/config': [
    ...['src/ingress', 'src/lanes', 'src/limits', 'src/push', 'src/remote-write', 'src/routes'],
    ...['src/schema', 'src/telemetry', 'src/upstream', ...GROUND],
  ],
  'src/telemetry': ['src/lanes', 'src/push', 'src/remote-write', 'src/schema', ...ENVELOPE],
  // The way of a push.
  'src/ingress': ['src/auth', 'src/lanes', 'src/push', 'src/schema', ...ENVELOPE],
  'src/push': ['src/auth', 'src/lanes', 'src/limits', 'src/schema', ...ENVELOPE],
  'src/auth': ['src/lanes', ...GROUND],
  'src/routes': ['src/schema', ...GROUND],
  'src/limits': ['src/schema', ...GROUND],
  'src/upstream': ['src/lanes', 'src/schema', ...ENVELOPE],
  'src/lanes': ['src/schema', ...ENVELOPE],
  // A codec: nobody on the way of a push knows it, and it knows none of them.
  'src/remote-write': ['src/schema', 'workers/kernel', ...ENVELOPE],
  'workers/split.ts': ['src/remote-write'],
  'workers/kernel': [],
  'src/protocol.ts': ['src/share', ...GROUND],
  'src/share': ['src/wire', ...GROUND],
  'src/schema': [...GROUND],
  'src/wire': [],
  'src/clock.ts': [],
  'src/errors.ts': [],
  'src/gauge.ts': [],
  'src/tenant.ts': [],
  'src/text.ts': [],
}

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

test.each(files)('%s imports only what its part may', file => {
  const imports = [...textOf(file).matchAll(/\b(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map(([, path]) =>
    partOf(normalize(join(dirname(file), path as string))),
  )
  const allowed = [partOf(file), ...(MAY_IMPORT[partOf(file)] ?? [])]
  expect(imports.filter(part => !allowed.includes(part))).toEqual([])
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
