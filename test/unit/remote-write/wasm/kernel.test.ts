import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { loadKernel, startKernel } from '../../../../src/remote-write/wasm/kernel.ts'

it('code that this machine can not run is no kernel', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-kernel-'))
  try {
    const file = join(dir, 'kernel.wasm')
    // A function with an operator that no machine has.
    const code = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 4, 1, 2, 0, 0x27]
    await writeFile(file, Uint8Array.from(code))
    expect(loadKernel(pathToFileURL(file))).toBeUndefined()
    expect(() => loadKernel(pathToFileURL(join(dir, 'missing.wasm')))).toThrow('ENOENT')
  } finally {
    await rm(dir, { recursive: true })
  }
})

it('the kernel imports nothing', () => {
  const module = loadKernel()
  expect(module).toBeDefined()
  // An instance of code with imports could not be made without them.
  expect(startKernel(module!).memory.size).toBeGreaterThan(0)
})
