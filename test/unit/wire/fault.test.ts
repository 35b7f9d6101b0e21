import { expect, it } from 'vitest'
import { Fault, faultResult } from '../../../src/wire/fault.ts'

it('a fault becomes a value, and what is a bug is thrown on', () => {
  const fault = new Fault('zstd_corrupt', 7, 'not a complete zstd frame')
  expect(faultResult(fault)).toEqual({
    ok: false,
    code: 'zstd_corrupt',
    at: 7,
    detail: 'not a complete zstd frame',
  })
  expect(() => faultResult(new TypeError('a bug'))).toThrow('a bug')
})
