import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FollowedFile } from '../../../src/config/followed-file.ts'
import { Following } from '../../../src/config/following.ts'

/** Follows one file, whose next content is what was put last. */
function follow(intervalMs = 60_000) {
  let next: string | Error = 'one'
  let at = 0
  let reads = 0
  const read = async () => {
    reads++
    if (next instanceof Error) throw next
    return next
  }
  const file = new FollowedFile({ path: '/run/pw', key: 'some.key', content: 'one', read })
  const said: string[] = []
  const following = new Following({
    files: [file],
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

const gone = (code: string) => Object.assign(new Error('no'), { code })

test('a failure is told once until it is another one, or passed', async () => {
  const { following, said, put } = follow()
  const contents = [gone('ENOENT'), gone('ENOENT'), '', '', 'one', gone('ENOENT'), 'two', 'two']
  for (const content of contents) {
    put(content)
    await following.refresh()
  }
  expect(said).toEqual([
    'some.key: /run/pw can’t be read (ENOENT)',
    'some.key: /run/pw is empty',
    'some.key: /run/pw can’t be read (ENOENT)',
    'some.key changed',
  ])
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

test('the timer reads until it is stopped', async () => {
  const { following, said, put, reads } = follow(5)
  following.start()
  put('two')
  await expect.poll(() => said).toEqual(['some.key changed'])
  following.stop()
  const before = reads()
  await sleep(30)
  expect(reads()).toBe(before)
})
