import type { SplitErrorCode, SplitResult } from '../remote-write/split.ts'

/**
 * Why a body can't be split, on its way up through the reading functions. It never leaves the engine: `Split` answers
 * with values, and what is not a Fault is a bug.
 */
export class Fault extends Error {
  readonly code: SplitErrorCode
  readonly at: number

  /** `detail` is constant text: no byte of the body ever stands in it. */
  constructor(code: SplitErrorCode, at: number, detail: string) {
    super(detail)
    this.name = 'Fault'
    this.code = code
    this.at = at
  }
}

/** What an engine answers when this was thrown; throws it on if it is no Fault. */
export function faultResult(error: unknown): SplitResult {
  if (!(error instanceof Fault)) throw error
  return { ok: false, code: error.code, at: error.at, detail: error.message }
}
