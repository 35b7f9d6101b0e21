import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Following } from '../../../src/config/following.ts'

/** Follows one file, whose next content is what was put last. */
function follow(intervalMs = 60_000) {
  let next: string | Error = 'one'
  let at = 0
  let reads = 0
  let known = 'one'
  const file = {
    key: 'some.key',
    path: '/run/pw',
    async refresh() {
      reads++
      if (next instanceof Error) throw next
      const changed = next !== known
      known = next
      return changed
    },
  }
  const said: string[] = []
  const following = new Following({
    files: () => [file],
    intervalMs,
    changed: ({ key }) => said.push(`${key} changed`),
    failed: (_, { message }) => said.push(message),
    now: () => at,
  })
  return {
    following,
    said,
    reads: () => reads,
    put: (it: string | Error) => {
      next = it
    },
    pass: (ms: number) => {
      at += ms
    },
  }
}

const gone = (message: string) => new Error(message)

test('a failure is told once until it is another one, or passed', async () => {
  const { following, said, put } = follow()
  const contents = [gone('one'), gone('one'), gone('other'), gone('other'), 'one', gone('one'), 'two', 'two']
  for (const content of contents) {
    put(content)
    await following.refresh()
  }
  expect(said).toEqual(['one', 'other', 'one', 'some.key changed'])
})

test('a reason to look reads at once, one round at a time, and not more often than once a second', async () => {
  const { following, reads, pass } = follow()
  for (let n = 0; n < 3; n++) following.refreshSoon()
  await following.refresh()
  expect(reads()).toBe(1)
  pass(999)
  following.refreshSoon()
  await sleep(0)
  expect(reads()).toBe(1)
  pass(1)
  following.refreshSoon()
  expect(reads()).toBe(2)
})

test('the timer reads until it is disposed', async () => {
  const { following, said, put, reads } = follow(5)
  const watch = following.watch()
  put('two')
  await expect.poll(() => said).toEqual(['some.key changed'])
  watch[Symbol.dispose]()
  const before = reads()
  await sleep(30)
  expect(reads()).toBe(before)
})

test('a file that failed is forgotten when its store is gone', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  let files = [{ key: 'some.key', path: '/run/pw', refresh: () => Promise.reject(gone('gone')) }]
  let failures = 0
  const following = new Following({
    files: () => files,
    intervalMs: 60_000,
    changed: () => {},
    failed: () => failures++,
  })
  const left = new WeakRef(files[0] ?? {})
  await following.refresh()
  expect(failures).toBe(1)
  files = []
  await following.refresh()
  // What was awaited is held until another turn.
  await sleep(1)
  collect()
  expect(left.deref()).toBeUndefined()
})
