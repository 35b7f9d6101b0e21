/**
 * The reference engine: slow, obvious, and what every faster one must equal. It reads fields, keeps what it does not
 * rewrite as the bytes they were, and never makes a number of a sample's value or timestamp.
 */
import type { TenantId } from '../../tenant.ts'
import { Fault, faultResult } from '../../wire/fault.ts'
import { decodeSnappy } from '../../wire/snappy.ts'
import { decodeZstd } from '../../wire/zstd.ts'
import { mergeKeyOf } from '../merge.ts'
import type { Counts, Push, Split, SplitResult, SplitRules, SplitShare } from '../split.ts'
import { encodeSnappy } from './compress.ts'
import { type Folded, fold } from './fold.ts'
import type { Entry, Message, Part } from './message.ts'
import { Replica } from './replica.ts'
import { Reporting } from './reporting.ts'
import { readRequest } from './request-v2.ts'
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
  const reporting = new Reporting(rules)
  let disagreements = 0
  let createdTimestampsLost = 0
  let histogramsLost = 0

  for (const [index, entry] of message.entries.entries()) {
    received.add(entry.counts)
    if (entry.hasBadReference) {
      refusals.add('bad_reference', false, new Uint8Array(0), entry.counts)
    } else if (entry.kind === 'metadata') {
      if (rules.metadata === 'default' && rules.defaultTenant !== '')
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
    const draft = known ?? { tenant, parts: [], replica: new Replica(rules.haLabels) }
    if (!known) drafts.set(tenant, draft)
    histogramsLost += entry.histogramsLost
    if (isLost(entry)) return
    draft.parts.push({ entry: index, strip })
    createdTimestampsLost += entry.timesLost
    if (entry.kind !== 'series') return
    draft.replica.see(message.labels(index), strip)
    reporting.series(tenant, message.labels(index), message.metadata(index))
  }

  const owned = [...drafts.values()].map(it => ownedOf(message, it))
  for (const { aside } of owned) {
    for (const { entry } of aside) createdTimestampsLost += message.timesLostAside(entry)
  }
  const shares = write(push, rules, decoded, message, owned)
  return {
    ok: true,
    shares,
    refusals: refusals.list(),
    received: received.counts(),
    decodedBytes: decoded.length,
    disagreements,
    createdTimestampsLost,
    histogramsLost,
    reported: reporting.list([...drafts.keys()]),
  }
}

/** Whether nothing of it goes out: it had nothing but histograms that 1.0 can't say. */
function isLost({ counts, histogramsLost }: Entry): boolean {
  const { samples, histograms, exemplars } = counts
  return histogramsLost > 0 && histograms === histogramsLost && samples + exemplars === 0
}

/** What goes out of a draft. */
interface Owned extends Folded {
  readonly draft: Draft
}

function ownedOf(message: Message, draft: Draft): Owned {
  const folded = message.output === '2.0' ? fold(message, draft.parts) : { parts: draft.parts, aside: [] }
  return { ...folded, draft }
}

/** `maxOutputBytes` bounds what is built, too: a share that goes past what is left of it is not finished. */
function write(
  push: Push,
  rules: SplitRules,
  decoded: Uint8Array,
  message: Message,
  owned: readonly Owned[],
): SplitShare[] {
  let left = rules.maxOutputBytes
  const compression = rules.compression === 'none' ? 'none' : 'fast'
  const within = (bytes: Uint8Array | undefined): Uint8Array => {
    // The budget is the push's as a whole, so there is no position to name.
    if (bytes === undefined || bytes.length > left) {
      throw new Fault('split_output_too_large', 0, 'the shares together take more than the limit')
    }
    left -= bytes.length
    return bytes
  }
  return owned.flatMap(({ draft, parts, aside }) => {
    const common = { tenant: draft.tenant, ha: draft.replica.values }
    const shares: SplitShare[] = []
    if (parts.length > 0) {
      const untouched = isUntouched(push, rules, message, parts)
      const bytes = within(untouched ? decoded : message.write(parts, left))
      shares.push({
        ...common,
        kind: 'series',
        protocol: message.output,
        mergeKey: mergeKeyOf({ ...common, protocol: message.output }),
        // A copy, because the result is the caller's and the body is only borrowed.
        body: untouched ? new Uint8Array(push.body) : encodeSnappy(bytes, compression),
        decodedBytes: bytes.length,
        alone: message.hasOptions || !draft.replica.isSingle,
        ...counted(countsOf(message, parts)),
      })
    }
    if (aside.length > 0) {
      const bytes = within(message.writeAside(aside, left))
      shares.push({
        ...common,
        kind: 'aside',
        protocol: '1.0',
        mergeKey: mergeKeyOf({ ...common, protocol: '1.0' }),
        body: encodeSnappy(bytes, compression),
        decodedBytes: bytes.length,
        alone: !draft.replica.isSingle,
        ...counted(countsOf(message, aside)),
      })
    }
    return shares
  })
}

/** What is counted, and what limits count of it. */
function counted(counts: Counts) {
  return { entries: counts.series, ...counts }
}

function countsOf(message: Message, parts: readonly Part[]): Counts {
  const tally = new Tally()
  for (const { entry, folds = [] } of parts) {
    for (const one of [entry, ...folds]) {
      const { counts, histogramsLost } = message.entries[one] as Entry
      tally.add({ ...counts, histograms: counts.histograms - histogramsLost })
    }
  }
  return tally.counts()
}

/** Whether the share is the push: every entry, no label removed, and already what the upstream takes. */
function isUntouched(push: Push, rules: SplitRules, message: Message, parts: readonly Part[]): boolean {
  return (
    push.encoding === 'snappy' &&
    rules.compression !== 'none' &&
    message.isCanonical &&
    parts.length === message.entries.length &&
    parts.every(part => part.strip === undefined)
  )
}
