/** What a server loads stays in its memory, and in that of each of its threads. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const LOADED = fileURLToPath(new URL('../support/loaded.ts', import.meta.url))
const { stdout } = await promisify(execFile)(process.execPath, [LOADED])
const files: readonly string[] = JSON.parse(stdout)

test('serving loads its libraries', () => {
  expect(files).toContain('fastify/fastify.js')
  expect(files).toContain('undici/lib/dispatcher/client.js')
})

test.each([
  ['readable logs', 'pino-pretty/'],
  ['the reference engine', 'protobufjs/'],
  ['the reference engine', 'snappyjs/'],
  ['schemas of routes', 'ajv/'],
  ['threads', 'piscina/'],
  ['fetch', 'undici/lib/web/'],
  ['the whole of undici', 'undici/index.js'],
])('serving loads nothing for %s: %s', (_, path) => {
  expect(files.filter(file => file.startsWith(path))).toEqual([])
})
