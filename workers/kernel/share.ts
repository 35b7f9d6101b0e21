// Remote write 1.0: writes the shares, each gathered and encoded while it is in cache.
import { BUILD, OUTPUT } from './abi'
import { copy } from './bytes'
import { Entry, firstOption } from './entries'
import { BLOCK, encodeBlock } from './snappy-encode'
import { Tenant, tenantAt, tenantCount } from './tenants'
import { putVarint } from './varint'

// Where the share stands that is being written: the end of what was gathered, and of what was encoded.
let gathered: usize = 0
let encoded: usize = 0

/** Writes all shares of the last scan to the output, one behind the other; returns how long they are together. */
export function writeShares(): u32 {
  const from = <usize>load<u32>(OUTPUT)
  encoded = from
  for (let k: u32 = 0; k < tenantCount; k++) {
    const tenant = tenantAt(k)
    const start = encoded
    writeShare(tenant)
    tenant.out = <u32>start
    tenant.outLength = <u32>(encoded - start)
  }
  return <u32>(encoded - from)
}

function writeShare(tenant: Tenant): void {
  const build = <usize>load<u32>(BUILD)
  gathered = build
  encoded = putVarint(encoded, tenant.size)
  gather(tenant.head, build)
  gather(firstOption, build)
  if (gathered > build) encoded = encodeBlock(build, <u32>(gathered - build), encoded)
}

/** Puts a chain of entries behind what was gathered, and encodes whenever a block is full. */
function gather(first: u32, build: usize): void {
  let p = gathered
  let at = <usize>first
  while (at != 0) {
    const entry = changetype<Entry>(at)
    at = entry.next
    const head = entry.cut - entry.from
    const rest = entry.end - entry.resume
    if (entry.resume != entry.cut) {
      store<u8>(p, 0x0a)
      p = putVarint(p + 1, head + rest)
    }
    p = copy(p, entry.from, head)
    p = copy(p, entry.resume, rest)
    if (p - build >= BLOCK) {
      let block = build
      do {
        encoded = encodeBlock(block, BLOCK, encoded)
        block += BLOCK
      } while (p - block >= BLOCK)
      p = copy(build, block, <u32>(p - block))
    }
  }
  gathered = p
}
