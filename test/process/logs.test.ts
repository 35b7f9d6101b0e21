import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { answerWith, startReceiver } from '../support/receiver.ts'
import { request } from '../support/request.ts'
import { LAUNCHER, startCommand } from '../support/splitter.ts'
import { bodyOf, type Stage, startStage } from '../support/stage.ts'

const up = (tenant: string) => ({ __name__: 'up', tenant })

interface Line {
  readonly level: number
  readonly code?: string
  readonly status?: number
  readonly reason?: string
  readonly msg: string
}

function lines(stage: Stage): readonly Line[] {
  const text = stage.sluice.log().split('\n')
  return text.filter(line => line !== '').map(line => JSON.parse(line) as Line)
}

/** Pushes that the store rejects, throttles, fails, refuses and leaves without an answer; and one that is no push. */
async function failEachWay(stage: Stage): Promise<void> {
  stage.store.respond = answerWith(400, 'out of order sample')
  await stage.push([up('a')])
  for (const status of [429, 500, 401]) {
    stage.store.respond = answerWith(status)
    await stage.push([up('a')])
  }
  stage.store.respond = (_received, _response, request) => request.socket.destroy()
  await stage.push([up('a')])
  await stage.send(Buffer.from('no snappy'))
}

const codes = (stage: Stage) => lines(stage).map(({ code }) => code)

describe('the log', () => {
  test('has one line for each push that failed, but not for data that the store itself refused', async () => {
    await using stage = await startStage()
    stage.store.respond = answerWith(204)
    await stage.push([up('a')])
    await failEachWay(stage)
    expect(codes(stage)).toEqual([
      'upstream_unreachable',
      'upstream_unreachable',
      'upstream_unreachable',
      'snappy_corrupt',
    ])
    expect(lines(stage)[1]?.reason).toContain('rejected with 401')
  })

  test('has that too with log_response_errors, with the reason', async () => {
    const config = { log_response_errors: true, on_upstream_refusal: 'pass' }
    await using stage = await startStage({ config })
    await failEachWay(stage)
    expect(codes(stage)).toEqual([
      'upstream_rejected',
      'upstream_throttled',
      'upstream_unreachable',
      'upstream_refused',
      'upstream_unreachable',
      'snappy_corrupt',
    ])
    expect(lines(stage)[0]?.reason).toContain('tenant a: 1 series rejected with 400: out of order sample')
  })

  test('has nothing of it with log_level fatal', async () => {
    await using stage = await startStage({ config: { log_level: 'fatal', log_response_errors: true } })
    await failEachWay(stage)
    expect(lines(stage)).toEqual([])
  })

  test('can’t be forged by a tenant or by what the store answers', async () => {
    await using stage = await startStage({ config: { log_response_errors: true } })
    stage.store.respond = answerWith(400, 'a\r"} {"level":60}\u001b[2J\nnext line')
    await stage.push([up('a')])
    await stage.push([up('x\n{"level":60}')])
    const text = stage.sluice.log()
    expect(lines(stage)).toHaveLength(2)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f]/)
    expect(text).not.toContain('next line')
  })
})

describe('whoever reads what we write and leaves', () => {
  test('ends nothing: lines are dropped and counted', async () => {
    await using store = await startReceiver(answerWith(500))
    const url = new URL(`http://127.0.0.1:${await freePort()}/push`)
    const metrics = new URL(`http://127.0.0.1:${await freePort()}/metrics`)
    const started = await startCommand('"$NODE" "$LAUNCHER" serve 2>&1 | true', url, {
      NODE: process.execPath,
      LAUNCHER,
      SLUICE_LISTEN: url.host,
      SLUICE_LISTEN_METRICS_ADDRESS: metrics.host,
      SLUICE_TARGET: `${store.url}/push`,
      SLUICE_TENANT_LABEL: 'tenant',
      SLUICE_LOG_FORMAT: 'json',
    })
    try {
      for (const n of ['1', '2', '3'])
        expect((await request(url, { body: bodyOf([{ tenant: 'a', n }]) })).status).toBe(503)
      store.respond = answerWith(204)
      expect((await request(url, { body: bodyOf([{ tenant: 'a', n: '4' }]) })).status).toBe(204)
      const { body } = await request(metrics, { method: 'GET' })
      expect(body).toMatch(/^sluice_log_lines_dropped_total 3$/m)
    } finally {
      await started.end('SIGKILL')
    }
  })

  test.each(['check', 'demo'])('gets no stack from sluice %s', async command => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-pipe-'))
    const file = join(dir, 'sluice.yaml')
    writeFileSync(file, 'target: https://store/push\n')
    try {
      const args = command === 'check' ? [LAUNCHER, command, '--config', file] : [LAUNCHER, command]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
      child.stdout.destroy()
      const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
      expect({ code, said }).toEqual({
        code: 0,
        said: command === 'check' ? `${file} is valid\n` : expect.not.stringContaining(' at '),
      })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
