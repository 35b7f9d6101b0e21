import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'

test('the configuration in the README is valid, and there is nothing to warn of', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text)
  const text = blocks.find(block => block.includes('target:'))
  if (text === undefined) throw new Error('there is none')
  const { config, warnings } = loadConfig({ file: { name: 'README.md', text }, env: {} })
  expect(warnings).toEqual([])
  expect(config.target?.origin).toBe('http://mimir:8080')
  expect(config.tenant).toMatchObject({ labels: ['tenant'], defaultTenant: 'nobody', strip: true })
})

test('the configurations in docs/upstreams.md are valid, and the first is the example file', () => {
  const page = readFileSync(new URL('../../docs/upstreams.md', import.meta.url), 'utf8')
  const [first = '', ...others] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text)
  const stores = [first, ...others].map(text => {
    return loadConfig({ file: { name: 'upstreams.md', text }, env: {} }).config.upstreams.map(
      ({ name }) => name,
    )
  })
  expect(stores).toEqual([
    ['default', 'victoriametrics'],
    ['prod', 'test'],
  ])
  const example = new URL('../../config/examples/two-stores.yaml', import.meta.url)
  const lines = readFileSync(example, 'utf8').split('\n')
  for (const line of first.split('\n')) expect(lines).toContain(line)
})
