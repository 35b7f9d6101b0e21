import { expect, it } from 'vitest'
import { reportedFault } from '../../../../src/remote-write/wasm/faults.ts'
import { loadKernel, startKernel } from '../../../../src/remote-write/wasm/kernel.ts'
import { TenantNames } from '../../../../src/remote-write/wasm/report.ts'
import * as abi from '../../../../workers/kernel/abi.ts'
import { rules } from '../../../support/messages.ts'

const { memory } = startKernel(loadKernel()!)

/** The first tenant's row, with this key. */
function rowWithKey(key: string): number {
  const row = memory.word(abi.TENANTS)
  const at = memory.word(abi.MESSAGE)
  memory.bytes.set(Buffer.from(key), at)
  memory.setWord(row + abi.TENANT_KEY, at)
  memory.setWord(row + abi.TENANT_KEY_LENGTH, key.length)
  return row
}

it('a value that is no tenant can not get past the host, whatever the kernel says', () => {
  const names = new TenantNames()
  expect(names.of(memory, rowWithKey('team-a'), rules())).toBe('team-a')
  expect(() => names.of(memory, rowWithKey('../etc'), rules())).toThrow('BUG')
  expect(() => names.of(memory, rowWithKey(''), rules())).toThrow('BUG')
})

it('tenants whose hashes fall together are told apart by their keys', () => {
  const names = new TenantNames()
  for (const key of ['team-a', 'team-b', 'team-a', 'teams-a']) {
    expect(names.of(memory, rowWithKey(key), rules({ prefix: 'p-' }))).toBe(`p-${key}`)
  }
})

it('a fault that the host does not know is a bug', () => {
  memory.setWord(abi.FAULT_CODE, abi.SNAPPY_CORRUPT)
  memory.setWord(abi.FAULT_DETAIL, 99)
  expect(() => reportedFault(memory)).toThrow('BUG')
  memory.setWord(abi.FAULT_CODE, 99)
  memory.setWord(abi.FAULT_DETAIL, abi.SNAPPY_NO_LENGTH)
  expect(() => reportedFault(memory)).toThrow('BUG')
})
