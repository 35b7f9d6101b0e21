import { expect, test } from 'vitest'
import { Secret } from '../../../src/schema/secret.ts'
import { BasicCredentials, NO_CREDENTIALS } from '../../../src/upstream/credentials.ts'

const basic = (text: string) => ['authorization', `Basic ${Buffer.from(text).toString('base64')}`]

test('without a user there are none', () => {
  expect(NO_CREDENTIALS.headers()).toEqual([])
})

test('with a constant password they are always the same array', () => {
  const credentials = new BasicCredentials('me', new Secret('p:w'))
  expect(credentials.headers()).toEqual(basic('me:p:w'))
  expect(credentials.headers()).toBe(credentials.headers())
})

test('with a file they are another array only where its text changed', () => {
  const file = { text: 'one' }
  const credentials = new BasicCredentials('me', file)
  const first = credentials.headers()
  expect(first).toEqual(basic('me:one'))
  file.text = ['o', 'ne'].join('')
  expect(credentials.headers()).toBe(first)
  file.text = 'two'
  expect(credentials.headers()).toEqual(basic('me:two'))
  expect(credentials.headers()).toBe(credentials.headers())
})
