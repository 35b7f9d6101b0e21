/**
 * The reference engine: slow, obvious, and what every faster one must equal. It reads fields, keeps what it does not
 * rewrite as the bytes they were, and never makes a number of a sample's value or timestamp.
 */
import type { TenantId } from '../../tenant.ts'
import { Fault, faultResult } from '../fault.ts'
import type { Push, Share, Split, SplitResult, SplitRules } from '../split.ts'
import { decodeZstd } from '../zstd.ts'
import type { Entry, Message, Part } from './message.ts'
import { Replica } from './replica.ts'
import { Reporting } from './reporting.ts'
import { readRequest } from './request-v2.ts'
import { decodeSnappy, encodeSnappy } from './snappy.ts'
import { Refusals, Tally } from './tally.ts'
import { type Placement, TenantChoice } from './tenants.ts'
import { readWriteRequest } from './write-request.ts'

export const splitByReference: Split = (push, rules) => {
  try {
    return divide(push, rules)
  } catch (error) {
    return faultResult(error)
  }
}

/** A share before it is written. */
interface Draft {
  readonly tenant: TenantId
  readonly parts: Part[]
  readonly tally: Tally
  readonly replica: Replica
}

function divide(push: Push, rules: SplitRules): SplitResult {
  const decoded =
    push.encoding === 'zstd'
      ? decodeZstd(push.body, rules.maxDecodedBytes)
      : decodeSnappy(push.body, rules.maxDecodedBytes)
  const output = rules.output === 'same' ? push.protocol : rules.output
  const read = push.protocol === '1.0' ? readWriteRequest : readRequest
  const message = read(decoded, rules.maxSeries, output)

  const tenants = new TenantChoice(rules)
  const drafts = new Map<TenantId, Draft>()
  const refusals = new Refusals()
  const received = new Tally()
  const reporting = new Reporting(rules.families)
  let disagreements = 0
  let createdTimestampsLost = 0

  for (const [index, entry] of message.entries.entries()) {
    received.add(entry.counts)
    if (entry.hasBadReference) {
      refusals.add('bad_reference', false, new Uint8Array(0), entry.counts)
    } else if (entry.kind === 'metadata') {
      // 2.0 has no entries of metadata.
      if (rules.metadata === 'default' && rules.defaultTenant !== '' && output === '1.0')
        draft(index, entry, tenants.placeInDefault())
      else if (rules.metadata === 'report') reporting.entry(message.record(index))
    } else {
      const { placement, disagrees } = tenants.place(message.labels(index))
      if (disagrees) disagreements++
      draft(index, entry, placement)
    }
  }

  function draft(index: number, entry: Entry, placement: Placement): void {
    if (placement.tenant === undefined) {
      refusals.add(placement.reason, placement.dropped, placement.value, entry.counts)
      return
    }
    const { tenant, strip } = placement
    const known = drafts.get(tenant)
    if (!known && drafts.size === rules.maxTenants) {
      refusals.add('too_many_tenants', false, placement.value, entry.counts)
      return
    }
    const draft = known ?? { tenant, parts: [], tally: new Tally(), replica: new Replica(rules.haLabels) }
    if (!known) drafts.set(tenant, draft)
    draft.parts.push({ entry: index, strip })
    draft.tally.add(entry.counts)
    createdTimestampsLost += entry.timesLost
    if (entry.kind !== 'series') return
    draft.replica.see(message.labels(index), strip)
    reporting.series(tenant, message.labels(index), message.metadata(index))
  }

  const shares = write(push, rules, decoded, message, [...drafts.values()])
  return {
    ok: true,
    shares,
    refusals: refusals.list(),
    received: received.counts(),
    decodedBytes: decoded.length,
    disagreements,
    createdTimestampsLost,
    reported: reporting.list([...drafts.keys()]),
  }
}

/** `maxOutputBytes` bounds what is built, too: a share that goes past what is left of it is not finished. */
function write(
  push: Push,
  rules: SplitRules,
  decoded: Uint8Array,
  message: Message,
  drafts: readonly Draft[],
): Share[] {
  let left = rules.maxOutputBytes
  return drafts.map(draft => {
    const untouched = isUntouched(push, rules, message, draft.parts)
    const bytes = untouched ? decoded : message.write(draft.parts, left)
    // The budget is the push's as a whole, so there is no position to name.
    if (bytes === undefined || bytes.length > left) {
      throw new Fault('split_output_too_large', 0, 'the shares together take more than the limit')
    }
    left -= bytes.length
    return {
      tenant: draft.tenant,
      kind: 'series',
      protocol: message.output,
      // A copy, because the result is the caller's and the body is only borrowed.
      body: untouched ? new Uint8Array(push.body) : encodeSnappy(bytes, rules.compression),
      decodedBytes: bytes.length,
      ha: draft.replica.values,
      alone: message.hasOptions || !draft.replica.isSingle,
      ...draft.tally.counts(),
    }
  })
}

/** Whether the share is the push: every entry, no label removed, and already what the upstream takes. */
function isUntouched(push: Push, rules: SplitRules, message: Message, parts: readonly Part[]): boolean {
  return (
    push.encoding === 'snappy' &&
    rules.compression === 'fast' &&
    message.isCanonical &&
    parts.length === message.entries.length &&
    parts.every(part => part.strip === undefined)
  )
}
