import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'

let kill = () => {}
afterEach(() => kill())

/** `sluice demo` as a user starts it, but for the terminal. */
function startDemo() {
  const child = spawn(process.execPath, ['src/sluice.js', 'demo'], { stdio: ['ignore', 'pipe', 'pipe'] })
  kill = () => child.kill('SIGKILL')
  const exit = once(child, 'exit')
  let out = ''
  let err = ''
  child.stdout.on('data', chunk => (out += chunk))
  child.stderr.on('data', chunk => (err += chunk))
  return {
    out: () => out,
    err: () => err,
    /** Waits for text that the demo prints. */
    async says(pattern: RegExp): Promise<string> {
      for (;;) {
        const found = pattern.exec(out)
        if (found !== null) return found[1] ?? found[0]
        if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}: ${out}${err}`)
        await sleep(20)
      }
    },
    async interrupt(): Promise<unknown> {
      child.kill('SIGINT')
      const [code] = await exit
      return code
    },
  }
}

async function query(
  store: string,
  tenant: string,
  text: string,
): Promise<{ metric: Record<string, string> }[]> {
  const url = `${store}/api/v1/query?query=${encodeURIComponent(text)}`
  const answer = await fetch(url, { headers: { 'x-scope-orgid': tenant } })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { data: { result: { metric: Record<string, string> }[] } }).data.result
}

test('the demo shows tenants receiving data, and ends at Ctrl-C', async () => {
  const demo = startDemo()
  const store = await demo.says(/store +(http:\S+)/)
  const metrics = await demo.says(/metrics +(http:\S+)/)

  for (const tenant of ['team-a', 'team-b', 'team-c', 'default']) {
    while ((await query(store, tenant, 'up')).length === 0) await sleep(50)
    const [{ metric } = { metric: {} }] = await query(store, tenant, 'up')
    expect(Object.keys(metric)).toEqual(['__name__', 'instance', 'job'])
  }
  expect(await (await fetch(metrics)).text()).toMatch(/^sluice_pushes_total\{.*status="204"\} [1-9]/m)

  await demo.says(/^TENANT +SERIES/m)
  await demo.says(/^team-a +\d+/m)
  await demo.says(/^Pushes answered by Sluice: /m)
  expect(await demo.interrupt()).toBe(0)
  expect(demo.out()).toMatch(/\nStopped\.\n$/)
  expect(demo.err()).toBe('')
})

test('a second demo takes other ports', async () => {
  const first = startDemo()
  const store = await first.says(/store +(http:\S+)/)
  const killFirst = kill
  try {
    const second = startDemo()
    expect(await second.says(/store +(http:\S+)/)).not.toBe(store)
    await second.says(/^team-c +\d+/m)
    expect(await second.interrupt()).toBe(0)
  } finally {
    killFirst()
  }
})
