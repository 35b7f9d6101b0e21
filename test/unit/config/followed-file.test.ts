import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { FollowedFile } from '../../../src/config/followed-file.ts'

const KEY = 'auth.egress.password_file'

/** A file whose next content is what was put last. */
function fileOf(content: string) {
  let next: string | Error = content
  const file = new FollowedFile({
    path: '/run/pw',
    key: KEY,
    content,
    read: async () => {
      if (next instanceof Error) throw next
      return next
    },
  })
  const put = (it: string | Error) => {
    next = it
  }
  return { file, put }
}

test.each([
  ['a', 'a'],
  ['a\n', 'a'],
  ['a\r\n', 'a'],
  ['a\n\n', 'a\n'],
  ['a\r', 'a\r'],
  [' a \n', ' a '],
])('of %j the text is %j', async (content, text) => {
  expect(fileOf(content).file.text).toBe(text)
  const { file, put } = fileOf('before')
  put(content)
  await file.refresh()
  expect(file.text).toBe(text)
})

test('a refresh tells whether the text changed', async () => {
  const { file, put } = fileOf('one\n')
  expect(await file.refresh()).toBe(false)
  put('one')
  expect(await file.refresh()).toBe(false)
  put('two')
  expect(await file.refresh()).toBe(true)
  expect(await file.refresh()).toBe(false)
})

test.each<[string, string | Error, string]>([
  [
    'can’t be read',
    Object.assign(new Error('no'), { code: 'ENOENT' }),
    `${KEY}: /run/pw can’t be read (ENOENT)`,
  ],
  ['is empty', '', `${KEY}: /run/pw is empty`],
  ['is a newline', '\n', `${KEY}: /run/pw is empty`],
])('the old text is kept while the file %s', async (_what, content, message) => {
  const { file, put } = fileOf('hunter2')
  put(content)
  await expect(file.refresh()).rejects.toThrow(message)
  expect(file.text).toBe('hunter2')
  put('hunter3')
  expect(await file.refresh()).toBe(true)
})

test('its text is in no listing', () => {
  const { file } = fileOf('hunter2')
  for (const shown of [JSON.stringify(file), `${file}`, inspect(file, { showHidden: true })])
    expect(shown).not.toContain('hunter2')
})

test('a change of the directory that a link points to is seen, as the kubelet makes it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-followed-'))
  try {
    for (const name of ['one', 'two']) {
      mkdirSync(join(dir, name))
      writeFileSync(join(dir, name, 'password'), `${name}\n`)
    }
    symlinkSync('one', join(dir, '..data'))
    symlinkSync(join('..data', 'password'), join(dir, 'password'))
    const file = new FollowedFile({ path: join(dir, 'password'), key: KEY, content: 'one\n' })
    expect(await file.refresh()).toBe(false)
    symlinkSync('two', join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    expect(await file.refresh()).toBe(true)
    expect(file.text).toBe('two')
  } finally {
    rmSync(dir, { recursive: true })
  }
})
