/** Imports point one way, as a push goes: this table says who may import whom, and a new part needs a row. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url).pathname

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/sluice.js': ['src/main.ts'],
  'src/main.ts': ['src/cli'],
  'src/cli': ['src/app.ts', 'src/config', 'src/demo', 'src/log.ts'],
  'src/app.ts': [
    ...['src/admission', 'src/config', 'src/egress', 'src/ingress', 'src/split'],
    ...['src/cortex-tenant-metrics.ts', 'src/errors.ts', 'src/gauges.ts', 'src/log.ts', 'src/metrics.ts'],
    ...['src/metadata', 'src/pipeline.ts', 'src/push-log.ts'],
  ],
  'src/gauges.ts': [
    ...['src/admission', 'src/config', 'src/egress', 'src/metadata', 'src/metrics.ts', 'src/split'],
  ],
  'src/metrics.ts': [
    'src/egress',
    'src/errors.ts',
    'src/metadata',
    'src/pipeline.ts',
    'src/split',
    'src/tenant-labels.ts',
  ],
  'src/cortex-tenant-metrics.ts': ['src/egress', 'src/pipeline.ts', 'src/tenant-labels.ts'],
  'src/push-log.ts': ['src/errors.ts', 'src/log.ts', 'src/pipeline.ts'],
  'src/ingress': [
    'src/answer.ts',
    'src/egress',
    'src/errors.ts',
    'src/pipeline.ts',
    'src/split',
    'src/text.ts',
  ],
  'src/pipeline.ts': [
    ...['src/admission', 'src/answer.ts', 'src/egress', 'src/errors.ts', 'src/metadata', 'src/split'],
  ],
  'src/answer.ts': ['src/egress', 'src/errors.ts', 'src/split'],
  'src/egress': ['src/config', 'src/split', 'src/tenant.ts', 'src/text.ts'],
  'src/metadata': ['src/config', 'src/egress', 'src/split', 'src/tenant.ts'],
  'src/split': ['src/tenant.ts', 'workers/kernel'],
  'src/admission': [],
  'src/config': ['src/split', 'src/tenant.ts'],
  'src/demo': ['src/split', 'src/tenant.ts', 'src/text.ts'],
  'src/log.ts': [],
  'src/errors.ts': [],
  'src/tenant.ts': [],
  'src/tenant-labels.ts': [],
  'src/text.ts': [],
  'workers/split.ts': ['src/split'],
  'workers/kernel': [],
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
