import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { belongTogether, FileFault, type FileKind, FollowedFile } from '../../../src/schema/followed-file.ts'
import { selfSigned } from '../../support/certificate.ts'

const { cert, key } = await selfSigned()
const other = await selfSigned()

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-followed-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function write(text: string): string {
  const path = join(dir, 'file')
  writeFileSync(path, text)
  return path
}

function opened(text: string, kind: FileKind = 'password'): FollowedFile {
  const file = new FollowedFile('the.key', write(text), kind)
  file.readNow()
  return file
}

describe('a followed file', () => {
  test.each([
    ['hunter2', 'hunter2'],
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n', 'hunter2'],
    ['hunter2\n\n', 'hunter2\n'],
    [' a ', ' a '],
  ])('with %j holds %j', (text, held) => {
    expect(opened(text).text).toBe(held)
  })

  test('is read again when somebody asks, and says whether it changed', async () => {
    const file = opened('one\n')
    expect(await file.refresh()).toBe(false)
    write('two\n')
    expect(await file.refresh()).toBe(true)
    expect(file.text).toBe('two')
  })

  test('is followed through the swap of a symbolic link, as the kubelet makes it', async () => {
    for (const name of ['one', 'two']) writeFileSync(join(dir, name), name)
    symlinkSync('one', join(dir, 'data'))
    const file = new FollowedFile('the.key', join(dir, 'data'), 'password')
    file.readNow()
    symlinkSync('two', join(dir, 'next'))
    renameSync(join(dir, 'next'), join(dir, 'data'))
    expect(await file.refresh()).toBe(true)
    expect(file.text).toBe('two')
  })

  test.each([
    ['is gone', undefined, "a file that can't be read (ENOENT)"],
    ['is empty', '\n', 'an empty file'],
    ['holds blanks', ' \n\t\n', 'a file of blanks'],
  ])('that %s keeps its old text, and says which key and file', async (_, text, found) => {
    const file = opened('hunter2')
    if (text === undefined) rmSync(file.path)
    else write(text)
    const error = await file.refresh().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(FileFault)
    expect((error as FileFault).message).toBe(`the.key: ${file.path} is ${found}`)
    expect(file.text).toBe('hunter2')
  })

  test('does not show what it holds', () => {
    expect(JSON.stringify(opened('hunter2'))).not.toContain('hunter2')
  })
})

describe('a file of each kind', () => {
  const CUT = cert.slice(0, cert.length / 2)
  const BROKEN = cert.replace(/[A-Za-z0-9]{40}/, 'A'.repeat(40))
  test.each([
    ['authorities', 'a certificate', cert, undefined],
    ['authorities', 'two certificates and text', `# first\n${cert}\n# second\n${other.cert}`, undefined],
    ['authorities', 'a key', key, 'a private key'],
    ['authorities', 'no PEM', 'hunter2', 'a file without a certificate'],
    ['authorities', 'half a certificate', CUT, 'a certificate that is cut short'],
    ['authorities', 'a broken certificate', BROKEN, 'a certificate that is broken'],
    [
      'authorities',
      'a broken second one',
      `${cert}\n${BROKEN}`,
      '2 certificates of which number 2 is broken',
    ],
    ['certificate', 'a certificate', cert, undefined],
    ['certificate', 'a key', key, 'a private key'],
    ['private key', 'a key', key, undefined],
    ['private key', 'a key behind its certificate', `${cert}\n${key}`, undefined],
    ['certificate', 'a certificate behind its key', `${key}\r\n${cert}`, undefined],
    ['private key', 'a certificate', cert, 'a certificate'],
    ['private key', 'no PEM', 'hunter2', 'a file without a private key'],
    [
      'private key',
      'a broken key',
      key.replace(/[A-Za-z0-9]{20}/, 'A'.repeat(20)),
      'a private key that is broken',
    ],
  ] as const)('%s: %s', (kind, _, text, found) => {
    const file = new FollowedFile('the.key', write(text), kind)
    if (found === undefined) return expect(() => file.readNow()).not.toThrow()
    expect(() => file.readNow()).toThrow(`the.key: ${file.path} is ${found}`)
  })

  test('certificate and key belong together, or not', () => {
    const files = (certificate: string, key: string) =>
      belongTogether(
        new FollowedFile('c', '/c', 'certificate', certificate),
        new FollowedFile('k', '/k', 'private key', key),
      )
    expect(files(cert, key)).toBe(true)
    expect(files(cert, other.key)).toBe(false)
  })
})
