/** Remote write 2.0: not here yet, and said so in the words of a refusal. */
import { Fault } from '../fault.ts'
import type { Message } from './message.ts'

export function readRequest(bytes: Uint8Array, maxEntries: number): Message {
  throw new Fault(
    'wrong_protocol',
    0,
    `remote write 2.0 is not read yet (${bytes.length} bytes, ${maxEntries} entries)`,
  )
}
