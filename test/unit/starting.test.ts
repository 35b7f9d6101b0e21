/** A start that fails leaves nothing, and so does a stop, however it comes. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'

interface Left {
  readonly name: string
  readonly error?: string
  /** Timers, sockets, servers, threads, observers. */
  readonly left: readonly string[]
  /** What of it keeps the process alive. */
  readonly keeping: readonly string[]
  /** Metrics in the registry. */
  readonly registered: number
}

const STARTS = fileURLToPath(new URL('../support/starts.ts', import.meta.url))
const NOTHING = { left: [], keeping: [], registered: 0 }

let runs: ReadonlyMap<string, Left>
let code: number | null
beforeAll(async () => {
  const child = spawn(process.execPath, ['--expose-gc', STARTS], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 25_000,
  })
  const exit = new Promise<number | null>(resolve => child.once('exit', resolve))
  const lines = (await text(child.stdout)).trim().split('\n')
  code = await exit
  runs = new Map(lines.map(line => JSON.parse(line) as Left).map(run => [run.name, run]))
})

test('the process that tries them all ends by itself', () => {
  expect(code).toBe(0)
  expect(runs.size).toBe(17)
})

describe('nothing is left of a start where', () => {
  test.each([
    ['the address is taken', 'EADDRINUSE'],
    ['the address of metrics is taken', 'EADDRINUSE'],
    ['the address of metrics is taken, with a certificate', 'EADDRINUSE'],
    ['the certificate has vanished', 'ENOENT'],
    ['the certificate is another’s', 'key values mismatch'],
    ['the engine can’t start', 'no engine'],
    ['a counter is there already', 'sluice_received_bytes_total has already been registered'],
    ['a metric of the process is there already', 'nodejs_gc_duration_seconds has already been registered'],
    ['a gauge of upstreams is there already', 'sluice_breakers_open has already been registered'],
    ['a gauge of the process is there already', 'sluice_config_hash has already been registered'],
    ['the second upstream can’t be opened', 'no upstream'],
  ])('%s', (name, error) => {
    expect(runs.get(name)).toMatchObject({ ...NOTHING, error: expect.stringContaining(error) })
  })
})

/** After all those starts that failed, in the same process and with the same registry. */
describe('nothing is left where', () => {
  test.each([
    'a good start is stopped, twice',
    'it is stopped while its threads start',
    'it is stopped while an upstream of an earlier configuration is drained',
    'it is stopped while a store says nothing, and so does that of an earlier configuration',
    'a reload fails at its second upstream',
    'a reload comes when it is stopped',
  ])('%s', name => {
    expect(runs.get(name)).toMatchObject(NOTHING)
    expect(runs.get(name)?.error).toBeUndefined()
  })
})
