/** Why a body can't be read; each is a code of the catalogue in errors.ts, too. */
export type FaultCode =
  | 'snappy_corrupt'
  | 'zstd_corrupt'
  | 'decoded_too_large'
  | 'protobuf_malformed'
  | 'wrong_protocol'
  | 'too_many_series'
  | 'split_output_too_large'

/** A Fault as a value. */
export interface Faulty {
  readonly ok: false
  readonly code: FaultCode
  readonly at: number
  readonly detail: string
}

/**
 * Why a body can't be split, on its way up through the reading functions. It never leaves the engine: `Split` answers
 * with values, and what is not a Fault is a bug.
 */
export class Fault extends Error {
  readonly code: FaultCode
  readonly at: number

  /** `detail` is constant text: no byte of the body ever stands in it. */
  constructor(code: FaultCode, at: number, detail: string) {
    super(detail)
    this.name = 'Fault'
    this.code = code
    this.at = at
  }
}

/** What an engine answers when this was thrown; throws it on if it is no Fault. */
export function faultResult(error: unknown): Faulty {
  if (!(error instanceof Fault)) throw error
  return { ok: false, code: error.code, at: error.at, detail: error.message }
}
