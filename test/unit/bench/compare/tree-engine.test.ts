import { expect, test } from 'vitest'
import { ENGINE_FOLDERS, loadEngine } from '../../../../bench/compare/tree-engine.ts'
import { mergeCases, splitCase } from '../../../../bench/split/cases.ts'
import { payloads } from '../../../../bench/split/payloads.ts'

const root = new URL('../../../../', import.meta.url).pathname

test('the engine of this checkout is found, and does every case', async () => {
  const { engine, mergeBodies, rules } = await loadEngine(root)
  const all = payloads()
  const cases = [
    ...all.map(payload => splitCase(engine.split, rules, payload)),
    ...mergeCases(engine, mergeBodies, rules, all),
  ]
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
  for (const { series, run } of cases) {
    expect(series).toBeGreaterThan(0)
    run()
  }
})

test('a checkout without an engine is told where it was looked for', async () => {
  await expect(loadEngine('/nowhere')).rejects.toThrow(
    `/nowhere has no engine in ${ENGINE_FOLDERS.join(', ')}`,
  )
})
