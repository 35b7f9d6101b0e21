import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type Making, makeGeneration, type WriteUpstream } from '../../src/generation.ts'

const TEXT = 'target: http://one/push\nupstreams: {two: {target: "http://two/push"}}\n'
const { config } = loadConfig({ file: { name: 'test.yaml', text: TEXT }, env: {} })

/** Stores that are only names; the second can't be opened while `full`. */
function stores() {
  const stage = { full: true, opened: [] as string[], closed: [] as string[] }
  const making = (live: Iterable<WriteUpstream>): Making => ({
    codec: {} as Making['codec'],
    pipeline: () => () => () => Promise.reject(new Error('nobody pushes')),
    live,
    open: ({ name }, id) => {
      if (stage.full && name === 'two') throw new Error('no room')
      stage.opened.push(name)
      return { name, id } as WriteUpstream
    },
    close: async ({ name }) => void stage.closed.push(name),
    userAgent: 'Sluice/test',
  })
  return { stage, making }
}

test('where a store can’t be opened, those that were opened before it are closed', () => {
  const { stage, making } = stores()
  expect(() => makeGeneration(config, making([]))).toThrow('no room')
  expect([stage.opened, stage.closed]).toEqual([['default'], ['default']])
})

test('a store that is held already is neither opened nor, when another fails, closed', () => {
  const { stage, making } = stores()
  stage.full = false
  const [first] = makeGeneration(config, making([])).upstreams
  stage.full = true
  stage.opened = []
  expect(() => makeGeneration(config, making([first as WriteUpstream]))).toThrow('no room')
  expect([stage.opened, stage.closed]).toEqual([[], []])
})
