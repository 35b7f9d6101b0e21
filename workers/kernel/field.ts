// One field of a protobuf message, read carefully: this is the truth behind every fast path. A field is framed before
// anybody looks at what it means: tag, then length or value. Faults are at the first byte of what is wrong:
// the tag, the length, or the value.
import { BAD_FIXED, BAD_LENGTH, BAD_NUMBER, BAD_TAG, BAD_VARINT, BAD_WIRE_TYPE } from './abi'
import { LENGTH_PAST_END, PROTOBUF_MALFORMED, WRONG_WIRE_TYPE } from './abi'
import { fault } from './fault'
import { behind, varint } from './varint'

export const LEN: u32 = 2
export const VARINT: u32 = 0
const FIXED64: u32 = 1
const FIXED32: u32 = 5

// The field that `frame` has read.
export let fieldNumber: u32 = 0
export let fieldType: u32 = 0
/** Where the value begins; in a LEN field that is behind the length. */
export let fieldStart: usize = 0
export let fieldEnd: usize = 0

/** For whoever has framed what is inside of a field, and goes on behind it. */
export function setFieldEnd(end: usize): void {
  fieldEnd = end
}
/** Of a VARINT field: its value as a uint32. As in every decoder, the low 32 bits of a longer one. */
export let fieldValue: u32 = 0

/** Reads the field whose tag is at `p`, in a message that ends at `end`; p < end. Answers 0 or FAULT. */
export function frame(p: usize, end: usize): i32 {
  const tag = varint(p, end)
  if (behind == 0) return fault(PROTOBUF_MALFORMED, p, BAD_TAG)
  fieldNumber = <u32>tag >> 3
  fieldType = <u32>tag & 7
  if (tag > <u64>u32.MAX_VALUE || fieldNumber == 0) return fault(PROTOBUF_MALFORMED, p, BAD_NUMBER)
  const value = behind
  fieldStart = value
  if (fieldType == LEN) {
    const length = varint(value, end)
    if (behind == 0) return fault(PROTOBUF_MALFORMED, value, BAD_LENGTH)
    if (length > <u64>(end - behind)) return fault(PROTOBUF_MALFORMED, value, LENGTH_PAST_END)
    fieldStart = behind
    fieldEnd = behind + <usize>length
    return 0
  }
  if (fieldType == VARINT) {
    fieldValue = <u32>varint(value, end)
    if (behind == 0) return fault(PROTOBUF_MALFORMED, value, BAD_VARINT)
    fieldEnd = behind
    return 0
  }
  if (fieldType == FIXED64 || fieldType == FIXED32) {
    const size: usize = fieldType == FIXED64 ? 8 : 4
    if (size > end - value) return fault(PROTOBUF_MALFORMED, value, BAD_FIXED)
    fieldEnd = value + size
    return 0
  }
  return fault(PROTOBUF_MALFORMED, p, BAD_WIRE_TYPE)
}

/** For a field at `p` that the protocol knows as VARINT: the same. */
export function expectVarint(p: usize): i32 {
  return fieldType == VARINT ? 0 : fault(PROTOBUF_MALFORMED, p, WRONG_WIRE_TYPE)
}

/** For a field at `p` that the protocol knows as LEN: answers 0, or FAULT where it is something else. */
export function expectLen(p: usize): i32 {
  return fieldType == LEN ? 0 : fault(PROTOBUF_MALFORMED, p, WRONG_WIRE_TYPE)
}
