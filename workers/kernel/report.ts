// What a scan tells the host, beside the rows of tenants and refusals.
import { DISAGREEMENTS, MAX_OUTPUT, MORE_OUTPUT, OUTPUT_TOO_LARGE, RULES, TENANT_COUNT, TOTAL, UNTOUCHED } from './abi'
import { fault } from './fault'
import { disagreements } from './placement'
import { tenantCount } from './tenants'

/**
 * `untouched`: the one share is the whole message, every byte in its place. `total`: bytes of all shares before
 * compression, as far as they are known. Answers 0 or FAULT.
 */
export function report(message: usize, untouched: bool, total: u64): i32 {
  store<u32>(TENANT_COUNT, tenantCount)
  store<u32>(UNTOUCHED, u32(untouched))
  store<u32>(DISAGREEMENTS, disagreements)
  store<u32>(TOTAL, <u32>total)
  return isWithinOutput(total) ? 0 : fault(OUTPUT_TOO_LARGE, message, MORE_OUTPUT)
}

/** Whether all shares together may be so long. */
export function isWithinOutput(total: u64): bool {
  return total <= <u64>load<u32>(load<u32>(RULES) + MAX_OUTPUT)
}
