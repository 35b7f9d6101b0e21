import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../../../', import.meta.url).pathname

/** All that is loaded with a file, without what is loaded later. */
function loadedWith(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known
  known.add(file)
  const text = readFileSync(join(root, file), 'utf8')
  for (const [, name = ''] of text.matchAll(/^(?:import|export)(?! type)[^;]*?from '([^']+)'/gms)) {
    if (name.startsWith('.')) loadedWith(normalize(join(dirname(file), name)), known)
    else known.add(name)
  }
  return known
}

test('a command is loaded when it is called: at first there is the command line and nothing else', () => {
  const loaded = [...loadedWith('src/main.ts')].filter(name => !name.startsWith('node:')).sort()
  expect(loaded).toEqual([
    'commander',
    'src/cli/program.ts',
    'src/cli/signals.ts',
    'src/cli/version.ts',
    'src/main.ts',
  ])
})
