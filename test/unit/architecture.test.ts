/** docs/architecture.md names files and draws who imports whom; this holds that page. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ENVELOPE, GROUND, MAY_IMPORT } from './imports.ts'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/architecture.md', root), 'utf8')

test('every file and folder that the page names exists', () => {
  const paths = page.match(/\b(?:src|workers|test|config|docs|bench)\/[\w./-]*\w/g) ?? []
  const links = [...page.matchAll(/\]\(([\w./-]+)\)/g)].map(([, path]) => `docs/${path}`)
  expect(paths.length).toBeGreaterThan(80)
  expect([...paths, ...links].filter(path => !existsSync(new URL(path, root)))).toEqual([])
})

describe('the drawing', () => {
  const GROUPS: Readonly<Record<string, readonly string[]>> = {
    ground: GROUND,
    envelope: ENVELOPE,
    nothing: [],
  }
  /** As the drawing shortens them: without `src/`. */
  const pathOf = (word: string) => (word.startsWith('workers/') ? word : `src/${word}`)
  const drawn = [...page.matchAll(/^ *([\w./-]+) +─▶ (.+)$/gm)].map(([, part = '', parts = '']) => {
    const imports = parts.split(' · ').flatMap(word => GROUPS[word] ?? [pathOf(word)])
    return [pathOf(part), imports.sort()] as const
  })
  const legend = [...page.matchAll(/^ *(\w+) += (.+)$/gm)]

  test('has a line for each part, which says what it may import', () => {
    const table = Object.entries(MAY_IMPORT).map(([part, imports]) => [part, [...imports].sort()])
    expect(Object.fromEntries(drawn)).toEqual(Object.fromEntries(table))
    expect(drawn.length).toBe(table.length)
  })

  test('says what its two words for many parts stand for', () => {
    const said = legend.map(([, word = '', parts = '']) => {
      return [word, parts.split(' · ').flatMap(part => GROUPS[part] ?? [pathOf(part)])]
    })
    expect(Object.fromEntries(said)).toEqual({ ground: GROUND, envelope: ENVELOPE })
  })
})

test('each of the ten questions is answered by one file', () => {
  const [, questions = ''] = page.split('## Ten questions')
  const rows = [...questions.matchAll(/^\| .+\? \| `([\w./-]+)` \| .+ \|$/gm)]
  expect(rows.length).toBe(10)
})
