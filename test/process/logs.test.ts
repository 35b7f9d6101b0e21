import { describe, expect, test } from 'vitest'
import { answerWith } from '../support/receiver.ts'
import { type Stage, startStage } from '../support/stage.ts'

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
      'upstream_refused',
      'upstream_unreachable',
      'snappy_corrupt',
    ])
  })

  test('has that too with log_response_errors, with the reason', async () => {
    await using stage = await startStage({ config: { log_response_errors: true } })
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
