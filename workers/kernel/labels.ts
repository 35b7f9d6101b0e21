// A label of remote write 1.0, read as every protobuf decoder reads it.
//
//   message Label { string name = 1; string value = 2; }
import { expectLen, fieldEnd, fieldNumber, fieldStart, frame } from './field'

// What `readLabel` has read.
export let name: usize = 0
export let nameLength: u32 = 0
export let value: usize = 0
export let valueLength: u32 = 0

/** Fields in any order, a name or value that is repeated counts where it stands last, a missing one is empty. Answers 0 or FAULT. */
export function readLabel(from: usize, end: usize): i32 {
  name = value = from
  nameLength = valueLength = 0
  let i = from
  while (i < end) {
    if (frame(i, end)) return -1
    if (fieldNumber <= 2) {
      if (expectLen(i)) return -1
      if (fieldNumber == 1) {
        name = fieldStart
        nameLength = <u32>(fieldEnd - fieldStart)
      } else {
        value = fieldStart
        valueLength = <u32>(fieldEnd - fieldStart)
      }
    }
    i = fieldEnd
  }
  return 0
}
