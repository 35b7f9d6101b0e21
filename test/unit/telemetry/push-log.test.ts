import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { PushLog } from '../../../src/telemetry/push-log.ts'

/** What is logged of refusals with these codes, all in one second, or in the seconds that `at` gives. */
function logged(
  codes: readonly ErrorCode[],
  at: (index: number) => number = () => 0,
  responseErrors = false,
) {
  const lines: { code: string; level: number; lines_suppressed?: number }[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  let index = 0
  const pushLog = new PushLog({ log, responseErrors: () => responseErrors, now: () => at(index) * 1000 })
  for (const code of codes) {
    pushLog.refused(code, 'why')
    index++
  }
  return lines
}

const times = (count: number, code: ErrorCode): ErrorCode[] => Array(count).fill(code)

describe('lines about failed pushes', () => {
  test('are at most ten a second, and the next one tells how many were left out', () => {
    const lines = logged([...times(25, 'overloaded'), 'overloaded'], index => (index < 25 ? 0 : 1))
    expect(lines).toHaveLength(11)
    expect(lines[10]?.lines_suppressed).toBe(15)
  })

  test('that nobody would see take no place from those that somebody would', () => {
    const lines = logged([...times(100, 'upstream_rejected'), 'overloaded'])
    expect(lines.map(({ code }) => code)).toEqual(['overloaded'])
    expect(lines[0]).not.toHaveProperty('lines_suppressed')
  })

  test('are warnings for the store’s own answers too where log_response_errors is set', () => {
    expect(logged(['upstream_rejected'], () => 0, true)).toMatchObject([
      { code: 'upstream_rejected', level: 40 },
    ])
  })
})
