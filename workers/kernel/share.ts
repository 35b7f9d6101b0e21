// Remote write 1.0: writes the shares, each gathered and encoded while it is in cache.
import { OUTPUT } from './abi'
import { copy } from './bytes'
import { Entry, firstOption } from './entries'
import { closeBlock, encodeFull, full, openBlock } from './gather'
import { Tenant, tenantAt, tenantCount } from './tenants'
import { putVarint } from './varint'

/** Writes all shares of the last scan to the output, one behind the other; returns how long they are together. */
export function writeShares(): u32 {
  const from = <usize>load<u32>(OUTPUT)
  let to = from
  for (let k: u32 = 0; k < tenantCount; k++) {
    const tenant = tenantAt(k)
    const end = writeShare(tenant, to)
    tenant.out = <u32>to
    tenant.outLength = <u32>(end - to)
    to = end
  }
  return <u32>(to - from)
}

function writeShare(tenant: Tenant, to: usize): usize {
  const p = openBlock(tenant.size, to)
  return closeBlock(gather(firstOption, gather(tenant.head, p)))
}

/** Puts a chain of entries at `p`, and encodes whenever a block is full; returns where the next bytes go. */
export function gather(first: u32, p: usize): usize {
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
    if (p >= full) p = encodeFull(p)
  }
  return p
}
