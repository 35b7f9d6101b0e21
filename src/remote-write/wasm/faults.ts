/** What the kernel's numbers mean, in the words of the reference. */
import * as abi from '../../../workers/kernel/abi.ts'
import type { FaultCode } from '../../wire/fault.ts'
import type { SplitResult } from '../split.ts'
import type { Memory } from './memory.ts'

const CODES: Readonly<Record<number, FaultCode>> = {
  [abi.SNAPPY_CORRUPT]: 'snappy_corrupt',
  [abi.PROTOBUF_MALFORMED]: 'protobuf_malformed',
  [abi.WRONG_PROTOCOL]: 'wrong_protocol',
  [abi.TOO_MANY_SERIES]: 'too_many_series',
  [abi.OUTPUT_TOO_LARGE]: 'split_output_too_large',
}

const DETAILS: Readonly<Record<number, string>> = {
  [abi.SNAPPY_NO_LENGTH]: 'no length at the start of the snappy block',
  [abi.SNAPPY_CUT_OFF]: 'a snappy element past the end of the block',
  [abi.SNAPPY_NO_OFFSET]: 'a snappy copy with offset 0',
  [abi.SNAPPY_TOO_LONG]: 'more bytes than the snappy block claims',
  [abi.SNAPPY_BEFORE_START]: 'a snappy copy from before the start',
  [abi.SNAPPY_TOO_SHORT]: 'fewer bytes than the snappy block claims',
  [abi.BAD_TAG]: 'a tag that is cut off or too long',
  [abi.BAD_NUMBER]: 'a field number that can not be',
  [abi.BAD_VARINT]: 'a varint that is cut off or too long',
  [abi.BAD_FIXED]: 'a fixed value that is cut off',
  [abi.BAD_LENGTH]: 'a length that is cut off or too long',
  [abi.LENGTH_PAST_END]: 'a length past the end of its parent',
  [abi.BAD_WIRE_TYPE]: 'a group or an unknown wire type',
  [abi.WRONG_WIRE_TYPE]: 'a known field with a wrong wire type',
  [abi.FIELD_OF_2_0]: 'a field of remote write 2.0 in a 1.0 message',
  [abi.FIELD_OF_1_0]: 'a field of remote write 1.0 in a 2.0 message',
  [abi.MORE_OUTPUT]: 'the shares together take more than the limit',
  [abi.MORE_ENTRIES]: 'more entries than the limit',
}

/** The fault that the kernel has just reported. */
export function reportedFault(memory: Memory): SplitResult {
  const code = CODES[memory.word(abi.FAULT_CODE)]
  const detail = DETAILS[memory.word(abi.FAULT_DETAIL)]
  if (code === undefined || detail === undefined) throw new Error('BUG: the kernel reports an unknown fault')
  return { ok: false, code, at: memory.word(abi.FAULT_AT), detail }
}
