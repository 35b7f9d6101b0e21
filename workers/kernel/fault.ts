// Why a push can't be split. The one place that writes it down: a call that answers FAULT has been here.
import { FAULT, FAULT_AT, FAULT_CODE, FAULT_DETAIL } from './abi'

/** Where positions are counted from. */
let origin: usize = 0

export function countFrom(at: usize): void {
  origin = at
}

/** Returns FAULT, for the caller to return. */
export function fault(code: i32, at: usize, detail: i32): i32 {
  store<u32>(FAULT_CODE, code)
  store<u32>(FAULT_AT, <u32>(at - origin))
  store<u32>(FAULT_DETAIL, detail)
  return FAULT
}
