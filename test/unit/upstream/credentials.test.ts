import { expect, test } from 'vitest'
import { FollowedFile } from '../../../src/config/followed-file.ts'
import { Secret } from '../../../src/config/secret.ts'
import { Credentials } from '../../../src/upstream/credentials.ts'

const basic = (text: string) => ['authorization', `Basic ${Buffer.from(text).toString('base64')}`]

test('without a password there are none', () => {
  expect(new Credentials('me', undefined).headers).toEqual([])
})

test('with a constant password they are always the same array', () => {
  const credentials = new Credentials('me', new Secret('p:w'))
  expect(credentials.headers).toEqual(basic('me:p:w'))
  expect(credentials.headers).toBe(credentials.headers)
})

test('with a file they are another array only where its text changed', async () => {
  let content = 'one\n'
  const file = new FollowedFile({ path: '/pw', key: 'key', content, read: async () => content })
  const credentials = new Credentials('me', file)
  const first = credentials.headers
  expect(first).toEqual(basic('me:one'))
  await file.refresh()
  expect(credentials.headers).toBe(first)
  content = 'two\n'
  await file.refresh()
  expect(credentials.headers).toEqual(basic('me:two'))
  expect(credentials.headers).toBe(credentials.headers)
})
