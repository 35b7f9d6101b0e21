/** Imports point one way, as a push goes: this table says who may import whom, and a new part needs a row. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url).pathname

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/app.ts': [
    'src/config',
    'src/errors.ts',
    'src/ingress',
    'src/limits',
    'src/push',
    'src/remote-write',
    'src/telemetry',
    'src/upstream',
  ],
  'src/cli': ['src/app.ts', 'src/config', 'src/demo', 'src/telemetry'],
  'src/config': ['src/remote-write', 'src/tenant.ts'],
  'src/demo': ['src/tenant.ts', 'src/wire'],
  'src/errors.ts': [],
  'src/ingress': ['src/errors.ts', 'src/lanes', 'src/push', 'src/remote-write', 'src/text.ts', 'src/wire'],
  'src/lanes': ['src/remote-write', 'src/share', 'src/tenant.ts', 'src/upstream'],
  'src/limits': [],
  'src/main.ts': ['src/cli'],
  'src/push': ['src/errors.ts', 'src/lanes', 'src/limits', 'src/remote-write', 'src/share', 'src/wire'],
  'src/remote-write': [
    'src/config',
    'src/errors.ts',
    'src/lanes',
    'src/share',
    'src/tenant.ts',
    'src/text.ts',
    'src/upstream',
    'src/wire',
    'workers/kernel',
  ],
  'src/share': ['src/remote-write'],
  'src/sluice.js': [],
  'src/telemetry': [
    'src/config',
    'src/errors.ts',
    'src/lanes',
    'src/limits',
    'src/push',
    'src/remote-write',
    'src/share',
    'src/upstream',
  ],
  'src/tenant.ts': [],
  'src/text.ts': [],
  'src/upstream': [
    'src/config',
    'src/lanes',
    'src/remote-write',
    'src/share',
    'src/tenant.ts',
    'src/text.ts',
  ],
  'src/wire': ['src/remote-write'],
  'workers/kernel': [],
  'workers/split.ts': ['src/remote-write'],
}

/** The part that a file belongs to: its folder below src, or the file itself. */
function partOf(file: string): string {
  const [top = '', next = '', ...rest] = file.split('/')
  return rest.length > 0 || !/\.(ts|js)$/.test(next) ? `${top}/${next}` : file
}

const files = globSync(['src/**/*.{ts,js}', 'workers/**/*.ts'], { cwd: root }).filter(
  file => !file.endsWith('.d.ts'),
)

test('there is a row for each part, and no row without one', () => {
  expect([...new Set(files.map(partOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

test.each(files)('%s imports only what its part may', file => {
  const text = readFileSync(join(root, file), 'utf8')
  const imports = [...text.matchAll(/\b(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map(([, path]) =>
    partOf(normalize(join(dirname(file), path as string))),
  )
  const allowed = [partOf(file), ...(MAY_IMPORT[partOf(file)] ?? [])]
  expect(imports.filter(part => !allowed.includes(part))).toEqual([])
})
