import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileAt, followConfig } from '../../../src/config/followed-config.ts'
import { eventually } from '../../support/eventually.ts'

const INTERVAL_MS = 10
/** Time for many looks. */
const LOOKS_MS = 300

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-followed-'))
  path = join(dir, 'sluice.yaml')
})
afterEach(() => rmSync(dir, { recursive: true }))

/** Follows what is there now; counts the changes. */
function follow() {
  const stage = { changes: 0 }
  const following = followConfig(path, fileAt(path), () => stage.changes++, INTERVAL_MS)
  return { stage, [Symbol.dispose]: () => following[Symbol.dispose]() }
}

function rename(text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

/** As the kubelet does it. */
function swap(version: string): void {
  mkdirSync(join(dir, version))
  writeFileSync(join(dir, version, 'sluice.yaml'), 'a')
  symlinkSync(version, join(dir, '..data_tmp'))
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
}

describe('a followed configuration', () => {
  test('changes by each rename, once', async () => {
    rename('a')
    using followed = follow()
    rename('b')
    await eventually(() => followed.stage.changes === 1)
    rename('b')
    await eventually(() => followed.stage.changes === 2)
    await sleep(LOOKS_MS)
    expect(followed.stage.changes).toBe(2)
  })

  test('changes by a swap of the symlink that leads to it', async () => {
    swap('..1')
    symlinkSync(join('..data', 'sluice.yaml'), path)
    using followed = follow()
    swap('..2')
    await eventually(() => followed.stage.changes === 1)
  })

  test('is left alone where it is written in place, shorter or longer', async () => {
    rename('a')
    using followed = follow()
    for (const text of ['', 'a: 1\nb: 2\n', 'a: 1\n']) {
      writeFileSync(path, text)
      await sleep(LOOKS_MS / 3)
    }
    expect(followed.stage.changes).toBe(0)
  })

  test('may be gone for a moment', async () => {
    rename('a')
    using followed = follow()
    renameSync(path, `${path}.old`)
    await sleep(LOOKS_MS / 3)
    renameSync(`${path}.old`, path)
    await sleep(LOOKS_MS / 3)
    expect(followed.stage.changes).toBe(0)
    unlinkSync(path)
    await sleep(LOOKS_MS / 3)
    rename('b')
    await eventually(() => followed.stage.changes === 1)
  })

  test('that was removed and is begun anew counts when nobody writes to it any more', async () => {
    rename('a')
    using followed = follow()
    unlinkSync(path)
    const until = Date.now() + LOOKS_MS
    let text = ''
    // It grows between any two looks.
    while (Date.now() < until) {
      text += 'a'
      writeFileSync(path, text)
      await sleep(1)
    }
    const changesMeanwhile = followed.stage.changes
    await eventually(() => followed.stage.changes === 1)
    expect(changesMeanwhile).toBe(0)
  })

  test('that took its place before the first look is a change', async () => {
    rename('a')
    const known = fileAt(path)
    rename('b')
    let changes = 0
    using _ = followConfig(path, known, () => changes++, INTERVAL_MS)
    await eventually(() => changes === 1)
  })
})
