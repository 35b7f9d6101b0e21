import { describe, expect, test } from 'vitest'
import { readFile } from '../../../src/config/file.ts'
import { loadConfig, loadTree } from '../../../src/config/load.ts'
import { loadConfigOffThread } from '../../../src/config/off-thread.ts'

const ROUTES = `target: http://x/
upstreams:
${Array.from({ length: 20 }, (_, i) => `  u${i}: {target: http://h${i}/}\n`).join('')}
routes:
${Array.from({ length: 1000 }, (_, i) => `  - {paths: [/p${i}/push], tenants: [t${i}, x${i}-*], upstream: u${i % 20}}\n`).join('')}`

function sourceOf(text: string) {
  return { file: { name: 'test.yaml', text }, env: { CT_TIMEOUT: '3s', PREFIX: 'p' }, cores: 4 }
}

describe('a configuration that is parsed on a thread', () => {
  test.each([
    ['of one key', 'target: http://x/\n'],
    ['with aliases', 'target: http://x/\ntenant: {label_list: &l [a, b]}\negress: {forward_headers: *l}\n'],
    ['with variables', `target: http://x/\ntenant: {prefix: "$${'{PREFIX}'}"}\n`],
    ['of 1,000 routes', ROUTES],
  ])('%s is the same', async (_, text) => {
    const here = loadConfig(sourceOf(text))
    const there = await loadConfigOffThread(sourceOf(text))
    expect(there.config).toEqual(here.config)
    expect(there.effective).toEqual(here.effective)
    expect(there.warnings).toEqual(here.warnings)
    expect(there.hash).toBe(here.hash)
  })

  test.each([
    'target: nowhere\n',
    'a: [',
    'auth: &a\n  egress: *a\n',
    'target: [x]\ncolour: red\ntarget: y\n',
  ])('has the same problems: %j', async text => {
    const messageOf = (error: unknown) => (error instanceof Error ? error.message : '')
    const there = await loadConfigOffThread(sourceOf(text)).catch(messageOf)
    let here = ''
    try {
      loadConfig(sourceOf(text))
    } catch (error) {
      here = messageOf(error)
    }
    expect(there).toBe(here)
    expect(here).toContain('problem')
  })

  test('needs no file', async () => {
    const { config } = await loadConfigOffThread({ env: { SLUICE_TARGET: 'http://x/' } })
    expect(config.upstreams[0]?.target.origin).toBe('http://x')
  })

  test('may be asked for several times at once', async () => {
    const loaded = await Promise.all(
      [1, 2, 3].map(i => loadConfigOffThread(sourceOf(`target: http://x${i}/\n`))),
    )
    expect(loaded.map(({ config }) => config.target?.origin)).toEqual(['http://x1', 'http://x2', 'http://x3'])
  })

  test('leaves less than 50 ms of work here for 1,000 routes', () => {
    const costs = [1, 2, 3, 4, 5].map(() => {
      const parsed = readFile('test.yaml', ROUTES)
      const before = process.cpuUsage()
      loadTree(parsed, sourceOf(ROUTES))
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    })
    // The least: the others share their cores with other tests.
    expect(Math.min(...costs)).toBeLessThan(50)
  })
})
